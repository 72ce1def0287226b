"""Other webhooks in the way: of the gated writes, of elections, and of the webhook's own pods."""

from __future__ import annotations

from collections.abc import Iterator

from leadergate.doctor.commands import edit, see
from leadergate.doctor.finding import INSTALLATION, Finding, note, right, wrong
from leadergate.doctor.rulework import entry_takes, guarded
from leadergate.doctor.selectors import chosen
from leadergate.gates.spec import FailurePolicy, Service
from leadergate.survey.gates import Entry, PlacedGate
from leadergate.survey.snapshot import Snapshot

OTHERS, LEASES, PODS = "other-webhooks", "webhooks-on-leases", "webhooks-on-own-pods"


def others(snapshot: Snapshot) -> Iterator[Finding]:
    """Selectors are judged by the names of namespaces; where other labels have a say, it may be so."""
    for placed in snapshot.gates:
        yield from _in_the_way(snapshot, placed)
    yield from _leases(snapshot)
    yield from _pods(snapshot)


def _in_the_way(snapshot: Snapshot, placed: PlacedGate) -> Iterator[Finding]:
    about, told = str(placed.entry), False
    for other in snapshot.others:
        found = next((one for one in guarded(placed.entry) if _takes_status(other, one)), None)
        meets = chosen(placed.entry).meets(chosen(other))
        mutates = other.kind.lower().startswith("mutating")
        if found is None or meets is False or not (mutates or _hard(other)):
            continue
        told = True
        does = "changes" if mutates else "judges"
        fate = ", and is to Fail when it cannot be reached" if _hard(other) else ""
        may = "" if meets else "may be one that "
        says = f"{other.kind} {other} {may}{does} the status of {found[2]} as well{fate}"
        yield note(OTHERS, about, says, see(other))
    if not told:
        yield right(OTHERS, about, "no other webhook changes these writes, or can stop them")


def _leases(snapshot: Snapshot) -> Iterator[Finding]:
    spaces = dict.fromkeys([*(one.gate.lease.namespace for one in snapshot.gates), "kube-system"])
    told = False
    for other in (*snapshot.others, *_own(snapshot)):
        if not entry_takes(other, "coordination.k8s.io", "leases", "UPDATE"):
            continue
        taken = {name: chosen(other).takes(name) for name in spaces}
        where = [name for name, takes in taken.items() if takes is not False]
        if not where:
            continue
        told = True
        sure = any(takes is True for takes in taken.values())
        says = f"{other.kind} {other} {'is' if sure else 'may be'} asked about renewals of Leases in {', '.join(where)}"
        remedy = f"{edit(other)}  # take leases out of its rules"
        if sure and _hard(other) and (other not in snapshot.others or _by_name(other)):
            more = f"{says}, with Fail: no leader is kept or elected while it cannot be reached"
            yield wrong(LEASES, INSTALLATION, more, remedy)
        else:
            wait = f"each renewal waits up to {other.timeout_seconds} s for it"
            yield note(LEASES, INSTALLATION, f"{says}: {wait}{' and then fails' if _hard(other) else ''}", remedy)
    if not told:
        yield right(LEASES, INSTALLATION, "no webhook is asked about renewals of Leases")


def _by_name(entry: Entry) -> bool:
    """Whether it asks for Leases themselves: policy engines take in all that there is, and the cluster is meant to."""
    return any("leases" in rule.resources for rule in entry.rules)


def _pods(snapshot: Snapshot) -> Iterator[Finding]:
    """A webhook that must be asked before its own pods may start can never start again once all of them are gone."""
    here, told = snapshot.service.namespace, False
    for other in (*snapshot.others, *_own(snapshot)):
        if not isinstance(other.target, Service) or other.target.namespace != here or not _hard(other):
            continue
        takes = chosen(other).takes(here)
        if takes is False or not entry_takes(other, "", "pods", "CREATE"):
            continue
        told = True
        says = f"is asked with Fail before a pod of {here} is made, and is served from there"
        remedy = f"{edit(other)}  # leave {here} out by its namespaceSelector"
        if takes:
            says = f"{other.kind} {other} {says}: once its pods are gone, none comes back"
            yield wrong(PODS, INSTALLATION, says, remedy)
        else:
            yield note(PODS, INSTALLATION, f"{other.kind} {other} may be one that {says}", remedy)
    if not told:
        yield right(PODS, INSTALLATION, f"no webhook of {here} is asked about the pods of {here}")


def _own(snapshot: Snapshot) -> list[Entry]:
    return [*(one.entry for one in snapshot.gates), *(one.entry for one in snapshot.broken)]


def _takes_status(entry: Entry, one: tuple[str, str, str]) -> bool:
    return entry_takes(entry, one[0], f"{one[2]}/status", "UPDATE")


def _hard(entry: Entry) -> bool:
    return entry.failure_policy is FailurePolicy.FAIL
