"""Each gate's Lease: there, held, renewed, and with a duration that expiry can rest on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from leadergate.doctor.finding import Finding, note, right, unknown, wrong
from leadergate.history import MAX_DURATION, expires
from leadergate.survey.gates import PlacedGate
from leadergate.survey.parts import Known, SeenLease, Unknown
from leadergate.survey.snapshot import Snapshot

LEASE, RENEWED, DURATION = "lease", "lease-renewed", "lease-duration"

SKEW = timedelta(seconds=10)
"""How far this machine's clock and the holder's may differ: as the webhook allows once, at its start."""


def lease(snapshot: Snapshot) -> Iterator[Finding]:
    """Of each gate."""
    for placed in snapshot.gates:
        about, key = str(placed.entry), placed.gate.lease
        see = f"kubectl -n {key.namespace} get lease {key.name} -o yaml"
        match snapshot.leases.get(key, Unknown("it was not asked for")):
            case Unknown(why):
                yield unknown(LEASE, about, f"Lease {key} could not be read: {why}")
            case Known(None):
                says = f"there is no Lease {key}: every write of a pod is denied"
                yield wrong(LEASE, about, says, f"kubectl -n {key.namespace} get leases  # which one is it?")
            case Known(SeenLease() as seen) if not seen.lease.holder:
                yield wrong(LEASE, about, f"nobody holds Lease {key}: every write is denied", see)
                yield _duration(about, seen)
            case Known(SeenLease() as seen):
                yield right(LEASE, about, f"Lease {key} is held by {seen.lease.holder}")
                yield _renewed(placed, seen)
                yield _duration(about, seen)


def _renewed(placed: PlacedGate, seen: SeenLease) -> Finding:
    about, key, renewed = str(placed.entry), placed.gate.lease, seen.lease.renew_time
    logs = f"kubectl -n {placed.gate.from_namespace} get pods  # does the operator run?"
    if renewed is None:
        return wrong(RENEWED, about, f"Lease {key} was never renewed (no renewTime)", logs)
    age = seen.read_at - renewed
    said = f"{age.total_seconds():.0f} s ago"
    if age < -SKEW:
        says = f"Lease {key} was renewed {-age.total_seconds():.0f} s in the future by this machine's clock"
        return note(RENEWED, about, says, "compare the clocks of this machine and of the operator's node")
    if not expires(seen.lease):
        return right(RENEWED, about, f"Lease {key} was renewed {said}")
    lasts = timedelta(seconds=seen.lease.duration or 0)
    if age > lasts + SKEW:
        says = f"Lease {key} was renewed {said} and lasts {lasts.total_seconds():.0f} s: its holder is denied"
        return wrong(RENEWED, about, says, logs)
    if age > lasts:
        says = f"Lease {key} was renewed {said} and lasts {lasts.total_seconds():.0f} s: late, or clocks differ"
        return note(RENEWED, about, says, logs)
    return right(RENEWED, about, f"Lease {key} was renewed {max(0.0, age.total_seconds()):.0f} s ago")


def _duration(about: str, seen: SeenLease) -> Finding:
    if expires(seen.lease):
        return right(DURATION, about, f"leaseDurationSeconds is {seen.lease.duration}")
    has = "is absent" if seen.lease.duration is None else f"is {seen.lease.duration}"
    says = f"leaseDurationSeconds {has}: the gate never takes this Lease for expired"
    return note(DURATION, about, says, f"let the operator's elector write one of 1 to {MAX_DURATION}; 15 is usual")
