"""One gate as it is listed: what its configuration says, and what its Lease, bundle and calls look like. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from leadergate.gates.spec import Service
from leadergate.holder import names
from leadergate.model import Gate, IdentityKind, Lease
from leadergate.survey.gates import BrokenGate, Entry, PlacedGate, Traffic
from leadergate.survey.parts import Known, SeenLease
from leadergate.survey.snapshot import Snapshot
from leadergate_certs.bundle import certificates


class Bundle(StrEnum):
    """What a caBundle is worth."""

    OK = "ok"
    EMPTY = "empty"
    NOT_TRUSTING = "not trusting"
    EXPIRED = "expired"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Row:
    """A gate, or what would be one (``fault``). What is None is not known, or not there.

    ``lease_found`` tells whether there is such a Lease, ``age`` how long ago it was renewed when it was read;
    ``matched`` whether a pod of the gate's namespace is what the holder names.
    """

    entry: Entry
    gate: Gate | None
    bundle: Bundle
    traffic: Traffic | None
    fault: str = ""
    lease_found: bool | None = None
    lease: Lease | None = None
    age: timedelta | None = None
    expired: bool = False
    matched: bool | None = None


def rows(snapshot: Snapshot) -> list[Row]:
    """The gates by name, then what would be some."""
    made = [_placed(one, snapshot) for one in snapshot.gates] + [_broken(one, snapshot) for one in snapshot.broken]
    return sorted(made, key=lambda row: (bool(row.fault), row.entry.configuration, row.entry.name))


def _placed(one: PlacedGate, snapshot: Snapshot) -> Row:
    seen = snapshot.leases[one.gate.lease]
    bundle, traffic = _bundle(one.entry, snapshot), _traffic(one.entry, snapshot)
    if not isinstance(seen, Known):
        return Row(one.entry, one.gate, bundle, traffic)
    if seen.value is None:
        return Row(one.entry, one.gate, bundle, traffic, lease_found=False)
    lease = seen.value.lease
    age = _age(seen.value)
    return Row(
        one.entry,
        one.gate,
        bundle,
        traffic,
        lease_found=True,
        lease=lease,
        age=age,
        expired=age is not None and bool(lease.duration) and age > timedelta(seconds=lease.duration or 0),
        matched=_matched(one.gate, lease.holder, snapshot) if lease.holder else None,
    )


def _broken(one: BrokenGate, snapshot: Snapshot) -> Row:
    bundle, traffic = _bundle(one.entry, snapshot), _traffic(one.entry, snapshot)
    return Row(one.entry, None, bundle, traffic, fault=one.fault)


def _age(seen: SeenLease) -> timedelta | None:
    """By two machines' clocks: a renewal that seems to lie ahead is one of just now."""
    renewed = seen.lease.renew_time
    return None if renewed is None else max(seen.read_at - renewed, timedelta())


def _matched(gate: Gate, holder: str, snapshot: Snapshot) -> bool | None:
    pods = snapshot.pods[gate.from_namespace]
    if not isinstance(pods, Known):
        return None
    called = (pod.name if gate.identity is IdentityKind.POD else pod.node or "" for pod in pods.value if not pod.ended)
    return any(names(gate, holder, name) for name in called)


def _traffic(entry: Entry, snapshot: Snapshot) -> Traffic | None:
    """An entry that has not been called since the API server started is not among its metrics."""
    if not isinstance(snapshot.traffic, Known):
        return None
    return snapshot.traffic.value.get(entry.name, Traffic(0, 0, 0, 0))


def _bundle(entry: Entry, snapshot: Snapshot) -> Bundle:
    """Held against the authority that issued what is served, if the Secret says which; else by itself."""
    found = certificates(entry.ca_bundle)
    if not found:
        return Bundle.EMPTY
    stored = snapshot.stored
    state = stored.value.state if isinstance(stored, Known) else None
    if state is None or not _by_secret(entry, snapshot):
        return Bundle.PRESENT if any(_lasts(one.not_valid_after_utc, snapshot) for one in found) else Bundle.EXPIRED
    issuer = state.issuer.certificate
    if issuer not in found:
        return Bundle.NOT_TRUSTING
    return Bundle.OK if _lasts(issuer.not_valid_after_utc, snapshot) else Bundle.EXPIRED


def _by_secret(entry: Entry, snapshot: Snapshot) -> bool:
    """Whether what the entry calls serves the Secret's certificate, as far as its configuration tells."""
    ours = isinstance(entry.target, Service) and entry.target[:2] == snapshot.service[:2]
    return ours or entry.inject == snapshot.secret.partition("/")[0]


def _lasts(end: datetime, snapshot: Snapshot) -> bool:
    return end >= snapshot.now
