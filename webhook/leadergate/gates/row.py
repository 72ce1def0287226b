"""One gate as it is listed: what its configuration says, and what its Lease, bundle and calls look like. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from leadergate.model import Gate, Lease
from leadergate.survey.gates import BrokenGate, Entry, PlacedGate, Traffic
from leadergate.survey.named import named_by
from leadergate.survey.parts import Known
from leadergate.survey.renewal import Standing, renewal
from leadergate.survey.snapshot import Snapshot
from leadergate.survey.worth import Bundle, worth


@dataclass(frozen=True, slots=True)
class Row:
    """A gate, or what would be one (``fault``). What is None is not known, or not there.

    ``lease_found`` tells whether there is such a Lease, ``age`` how long ago it was renewed when it was read, and
    ``standing`` what that means, if somebody holds it; ``matched`` whether a pod of the gate's namespace is what the
    holder names.
    """

    entry: Entry
    gate: Gate | None
    bundle: Bundle
    traffic: Traffic | None
    fault: str = ""
    lease_found: bool | None = None
    lease: Lease | None = None
    age: timedelta | None = None
    standing: Standing | None = None
    matched: bool | None = None


def rows(snapshot: Snapshot) -> list[Row]:
    """The gates by name, then what would be some."""
    made = [_placed(one, snapshot) for one in snapshot.gates] + [_broken(one, snapshot) for one in snapshot.broken]
    return sorted(made, key=lambda row: (bool(row.fault), row.entry.configuration, row.entry.name))


def _placed(one: PlacedGate, snapshot: Snapshot) -> Row:
    seen = snapshot.leases[one.gate.lease]
    bundle, traffic = worth(snapshot, one.entry), _traffic(one.entry, snapshot)
    if not isinstance(seen, Known):
        return Row(one.entry, one.gate, bundle, traffic)
    if seen.value is None:
        return Row(one.entry, one.gate, bundle, traffic, lease_found=False)
    lease = seen.value.lease
    renewed = renewal(seen.value)
    return Row(
        one.entry,
        one.gate,
        bundle,
        traffic,
        lease_found=True,
        lease=lease,
        # A renewal that seems to lie ahead is one of just now.
        age=None if renewed.age is None else max(renewed.age, timedelta()),
        standing=renewed.standing if lease.holder else None,
        matched=_matched(one.gate, lease.holder, snapshot) if lease.holder else None,
    )


def _broken(one: BrokenGate, snapshot: Snapshot) -> Row:
    bundle, traffic = worth(snapshot, one.entry), _traffic(one.entry, snapshot)
    return Row(one.entry, None, bundle, traffic, fault=one.fault)


def _matched(gate: Gate, holder: str, snapshot: Snapshot) -> bool | None:
    pods = snapshot.pods[gate.from_namespace]
    if not isinstance(pods, Known):
        return None
    return any(not pod.ended for pod in named_by(gate, holder, pods.value))


def _traffic(entry: Entry, snapshot: Snapshot) -> Traffic | None:
    """An entry that has not been called since the API server started is not among its metrics."""
    if not isinstance(snapshot.traffic, Known):
        return None
    return snapshot.traffic.value.get(entry.name, Traffic(0, 0, 0, 0))
