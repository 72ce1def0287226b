"""Each gate's Lease: there, held, renewed, and with a duration that expiry can rest on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from leadergate.doctor.finding import Finding, denied, note, right, unknown, wrong
from leadergate.history import MAX_DURATION, expires
from leadergate.survey.gates import PlacedGate
from leadergate.survey.parts import Known, SeenLease, Unknown
from leadergate.survey.renewal import Standing, renewal
from leadergate.survey.snapshot import Snapshot

LEASE, RENEWED, DURATION = "lease", "lease-renewed", "lease-duration"

RELEASED = timedelta(minutes=1)
"""For so long after its last renewal a Lease that nobody holds is taken for one that is being handed over."""


def lease(snapshot: Snapshot) -> Iterator[Finding]:
    """Of each gate."""
    for placed in snapshot.gates:
        about, key = str(placed.entry), placed.gate.lease
        match snapshot.leases.get(key, Unknown("it was not asked for")):
            case Unknown(why):
                yield unknown(LEASE, about, f"Lease {key} could not be read: {why}")
            case Known(None):
                says = f"there is no Lease {key}: {denied(placed.gate, 'every write')}"
                yield wrong(LEASE, about, says, f"kubectl -n {key.namespace} get leases  # which one is it?")
            case Known(SeenLease() as seen) if not seen.lease.holder:
                yield _unheld(about, placed, seen)
            case Known(SeenLease() as seen):
                yield right(LEASE, about, f"Lease {key} is held by {seen.lease.holder}")
                yield _renewed(placed, seen)
                yield _duration(about, seen)


def _unheld(about: str, placed: PlacedGate, seen: SeenLease) -> Finding:
    """Election libraries empty the holder as they end (client-go: ReleaseOnCancel), and another one takes it."""
    key, age, fate = placed.gate.lease, renewal(seen).age, denied(placed.gate, "every write")
    see = f"kubectl -n {key.namespace} get lease {key.name} -o yaml"
    if age is not None and age <= RELEASED:
        says = f"Lease {key} was released {max(0.0, age.total_seconds()):.0f} s ago: {fate} until it is taken"
        return note(LEASE, about, says, f"{see}  # look again: it should have a holder soon")
    return wrong(LEASE, about, f"nobody holds Lease {key}: {fate}", see)


def _renewed(placed: PlacedGate, seen: SeenLease) -> Finding:
    about, key, found = str(placed.entry), placed.gate.lease, renewal(seen)
    logs = f"kubectl -n {placed.gate.from_namespace} get pods  # does the operator run?"
    if found.age is None:
        return wrong(RENEWED, about, f"Lease {key} was never renewed (no renewTime)", logs)
    seconds = found.age.total_seconds()
    says = f"Lease {key} was renewed {max(0.0, seconds):.0f} s ago"
    lasts = f"{says} and lasts {seen.lease.duration} s"
    match found.standing:
        case Standing.AHEAD:
            says = f"Lease {key} was renewed {-seconds:.0f} s in the future by this machine's clock"
            return note(RENEWED, about, says, "compare the clocks of this machine and of the operator's node")
        case Standing.EXPIRED:
            return wrong(RENEWED, about, f"{lasts}: {denied(placed.gate, 'its holder')}", logs)
        case Standing.LATE:
            return note(RENEWED, about, f"{lasts}: late, or clocks differ", logs)
    return right(RENEWED, about, says)


def _duration(about: str, seen: SeenLease) -> Finding:
    if expires(seen.lease):
        return right(DURATION, about, f"leaseDurationSeconds is {seen.lease.duration}")
    has = "is absent" if seen.lease.duration is None else f"is {seen.lease.duration}"
    says = f"leaseDurationSeconds {has}: the gate never takes this Lease for expired"
    return note(DURATION, about, says, f"let the operator's elector write one of 1 to {MAX_DURATION}; 15 is usual")
