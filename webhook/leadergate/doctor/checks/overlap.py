"""Two gates that judge the same writes by different Leases: each write must pass both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from leadergate.doctor.commands import edit
from leadergate.doctor.conditions import subjects
from leadergate.doctor.finding import Finding, note, right, wrong
from leadergate.doctor.rulework import entry_takes, guarded
from leadergate.doctor.selectors import chosen
from leadergate.model import Mode
from leadergate.survey.gates import Entry, PlacedGate
from leadergate.survey.snapshot import Snapshot

OVERLAP = "two-leases"


def overlap(snapshot: Snapshot) -> Iterator[Finding]:
    """Each pair once, told of both gates."""
    told: set[str] = set()
    for one, other in combinations(snapshot.gates, 2):
        if one.gate.lease == other.gate.lease:
            continue
        meets = _meet(one.entry, other.entry)
        if meets is not False:
            told |= {str(one.entry), str(other.entry)}
            yield from _told(one, other, sure=meets is True)
    for placed in snapshot.gates:
        if str(placed.entry) not in told:
            yield right(OVERLAP, str(placed.entry), "no gate of another Lease judges the same writes")


def shared(one: Entry, other: Entry) -> str:
    """A resource whose status both take, empty for none."""
    for first, second in ((one, other), (other, one)):
        for group, _, plural in guarded(first):
            if entry_takes(second, group, f"{plural}/status", "UPDATE"):
                return f"{plural}.{group}" if group else plural
    return ""


def _meet(one: Entry, other: Entry) -> bool | None:
    """Whether some write is judged by both; None when one may be."""
    if not shared(one, other):
        return False
    first, second = subjects(one).only, subjects(other).only
    if first is not None and second is not None and not set(first) & set(second):
        return False
    return chosen(one).meets(chosen(other))


def _told(one: PlacedGate, other: PlacedGate, *, sure: bool) -> Iterator[Finding]:
    hard = sure and one.gate.mode is Mode.ENFORCE and other.gate.mode is Mode.ENFORCE
    says = (
        f"{one.entry} (Lease {one.gate.lease}) and {other.entry} (Lease {other.gate.lease}) "
        f"{'' if sure else 'may '}both judge the status of {shared(one.entry, other.entry)}: a write must pass both"
    )
    for about, against in ((one, other), (other, one)):
        remedy = f"{edit(against.entry)}  # part them by namespaceSelector or only-service-account, or delete one"
        yield (wrong if hard else note)(OVERLAP, str(about.entry), says, remedy)
