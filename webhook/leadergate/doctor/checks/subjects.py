"""Whom a gate's path, selector and conditions name, and whether anybody is left to judge."""

from __future__ import annotations

from collections.abc import Iterator

from leadergate.doctor.commands import edit
from leadergate.doctor.conditions import Subjects, subjects
from leadergate.doctor.finding import Finding, note, right, unknown, wrong
from leadergate.gates import refusals
from leadergate.survey import naming
from leadergate.survey.gates import PlacedGate
from leadergate.survey.parts import Known, Looked, Unknown
from leadergate.survey.snapshot import Snapshot

ACCOUNTS, NAMESPACES, JUDGED = "condition-accounts", "namespaces", "somebody-judged"


def named_subjects(snapshot: Snapshot) -> Iterator[Finding]:
    """Of each gate."""
    for placed in snapshot.gates:
        said = subjects(placed.entry)
        yield from _accounts(snapshot, placed, said)
        yield from _namespaces(snapshot, placed)
        yield from _judged(snapshot, placed, said)


def _accounts(snapshot: Snapshot, placed: PlacedGate, said: Subjects) -> Iterator[Finding]:
    about = str(placed.entry)
    found = {
        str(one): snapshot.accounts.get(one, Unknown("it was not asked for")) for one in naming.accounts(placed.entry)
    }
    absent = [name for name, looked in found.items() if looked == Known(value=False)]
    for name in absent:
        namespace, _, own = name.partition("/")
        spared = _spared(said, name)
        says = f"a matchCondition {'spares' if spared else 'names'} service account {name}, which does not exist"
        remedy = f"kubectl -n {namespace} get serviceaccounts  # then {edit(placed.entry)} if it is not {own!r}"
        yield (note if spared else wrong)(ACCOUNTS, about, says, remedy)
    yield from _rest(ACCOUNTS, about, "service accounts of its matchConditions", found, absent)
    if not found:
        conditions = f"{len(placed.entry.conditions)} matchConditions name" if placed.entry.conditions else "it names"
        yield right(ACCOUNTS, about, f"{conditions} no service account")


def _spared(said: Subjects, name: str) -> bool:
    """Whether the account is only left out: that one that does not exist is left out harms nobody."""
    username = f"system:serviceaccount:{name.replace('/', ':')}"
    if username in (said.only or ()):
        return False
    naming_it = [one for one in said.unread if username in one]
    return username in said.users or (bool(naming_it) and all("!" in one for one in naming_it))


def _namespaces(snapshot: Snapshot, placed: PlacedGate) -> Iterator[Finding]:
    about = str(placed.entry)
    origins = {
        placed.gate.lease.namespace: "its Lease",
        placed.gate.from_namespace: "its writers",
        **dict.fromkeys(naming.namespaces(placed.entry), "its namespaceSelector"),
    }
    found = {name: snapshot.namespaces.get(name, Unknown("it was not asked for")) for name in origins}
    absent = [name for name, looked in found.items() if looked == Known(value=False)]
    selected = naming.namespaces(placed.entry)
    some = any(found[name] != Known(value=False) for name in selected)
    for name in absent:
        says = f"namespace {name}, of {origins[name]}, does not exist"
        if name in selected and not some:
            says += ": nothing is gated"
        elif name in selected and name not in (placed.gate.lease.namespace, placed.gate.from_namespace):
            # It may be made later, and be gated then.
            yield note(NAMESPACES, about, says)
            continue
        yield wrong(NAMESPACES, about, says, f"kubectl create namespace {name}  # or {edit(placed.entry)}")
    yield from _rest(NAMESPACES, about, "namespaces that it names", found, absent)


def _rest(check: str, about: str, what: str, found: dict[str, Looked[bool]], absent: list[str]) -> Iterator[Finding]:
    there = [name for name, looked in found.items() if looked == Known(value=True)]
    unseen = {name: looked.why for name, looked in found.items() if isinstance(looked, Unknown)}
    if there and not absent:
        yield right(check, about, f"{what} exist: {', '.join(there)}")
    for why in dict.fromkeys(unseen.values()):
        names = ", ".join(name for name, reason in unseen.items() if reason == why)
        yield unknown(check, about, f"whether {names} exists could not be looked at: {why}")


def _judged(snapshot: Snapshot, placed: PlacedGate, said: Subjects) -> Iterator[Finding]:
    """The refusals of ``gate render``, held against a gate that is there."""
    about, come_from = str(placed.entry), placed.gate.from_namespace
    faults = [f"condition {name} is false for everybody: no write is judged" for name in said.never]
    if said.only is not None:
        told = [fault for one in said.judged for fault in refusals.only(one, come_from, snapshot.account)]
        faults += [f"condition names {fault.value}{fault.why}" for fault in told]
        if not set(said.only) - set(said.users):
            faults.append("whoever is judged by one condition is let through by another: nobody is left to judge")
    for name in said.users:
        told = refusals.allowed_user(f"user:{name}", name, said.judged)
        faults += [f"condition lets {fault.value} through{fault.why}" for fault in told]
    for group in said.groups:
        told = refusals.allowed_group(f"group:{group}", group, come_from)
        faults += [f"condition lets {fault.value} through{fault.why}" for fault in told]
    for says in faults:
        yield wrong(JUDGED, about, says, f"{edit(placed.entry)}  # mend matchConditions")
    if not faults:
        if said.only is not None:
            whom = ", ".join(map(str, said.judged)) or ", ".join(said.only)
            yield right(JUDGED, about, f"{whom} alone is judged")
        else:
            yield right(JUDGED, about, "whoever writes is judged, but for those whom its matchConditions leave out")
