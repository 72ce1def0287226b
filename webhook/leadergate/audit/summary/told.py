"""The summary of a night: plain values, and how they are told to programs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from leadergate.audit.holders.takeovers import Takeover
from leadergate.audit.reading.tally import Tally

SCHEMA = "leadergate.dev/audit-summary/v1"


class WriterCount(NamedTuple):
    """Rejections of one writer at one gate, of one standing and reason. ``who`` is a pod, or a user without one."""

    who: str
    standing: str | None
    reason: str
    writes: int
    first: datetime
    last: datetime


class ObjectCount(NamedTuple):
    """Rejections on one object, and by how many writers."""

    object: str
    writes: int
    writers: int


class Rate(NamedTuple):
    """Rejections a minute from the first to the last one, and the minute with most of them."""

    average: float
    peak: int
    peak_at: datetime


@dataclass(frozen=True, slots=True)
class GateSummary:
    """What happened at one gate.

    ``shown`` are the rejections that are told of, by whatever mode the gate is in; ``routine`` those of followers that
    are left out; ``allowed`` writes are recorded only if the webhook was told to. ``standings`` and ``results`` split
    ``shown``. ``writers`` and ``objects`` are the foremost, ``takeovers`` the last, of as many as ``…_in_all`` say.
    """

    gate: str
    shown: int
    routine: int
    allowed: int
    first: datetime | None
    last: datetime | None
    standings: Mapping[str | None, int]
    results: Mapping[str | None, int]
    rate: Rate | None
    takeovers: Sequence[Takeover]
    takeovers_in_all: int
    writers: Sequence[WriterCount]
    writers_in_all: int
    objects: Sequence[ObjectCount]
    objects_in_all: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What the records tell. ``records`` is how many there are in all, from ``begin`` to ``end``; ``first`` and
    ``last`` are of those that were asked for."""

    records: int
    begin: datetime | None
    end: datetime | None
    first: datetime | None
    last: datetime | None
    gates: Sequence[GateSummary]

    @property
    def shown(self) -> int:
        """Rejections that are told of."""
        return sum(gate.shown for gate in self.gates)

    @property
    def routine(self) -> int:
        """Routine rejections that are left out."""
        return sum(gate.routine for gate in self.gates)


def as_json(summary: Summary, tally: Tally) -> dict[str, Any]:
    """The same as plain values; docs/review.md has the schema."""
    return {
        "schema": SCHEMA,
        "first": _exact(summary.first),
        "last": _exact(summary.last),
        "records": summary.records,
        "badLines": tally.bad,
        "foreignLines": tally.foreign,
        "rejections": summary.shown,
        "routine": summary.routine,
        "gates": [_gate_json(gate) for gate in summary.gates],
    }


def _exact(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _gate_json(gate: GateSummary) -> dict[str, Any]:
    rate = gate.rate
    return {
        "gate": gate.gate,
        "rejections": gate.shown,
        "routine": gate.routine,
        "allowed": gate.allowed,
        "first": _exact(gate.first),
        "last": _exact(gate.last),
        "standings": {name or "": count for name, count in gate.standings.items()},
        "results": dict(gate.results),
        "perMinute": rate and {"average": round(rate.average, 3), "peak": rate.peak, "peakAt": _exact(rate.peak_at)},
        "takeovers": [{"at": _exact(one.at), "from": one.of, "to": one.to} for one in gate.takeovers],
        "takeoversInAll": gate.takeovers_in_all,
        "writers": [{**one._asdict(), "first": _exact(one.first), "last": _exact(one.last)} for one in gate.writers],
        "writersInAll": gate.writers_in_all,
        "objects": [one._asdict() for one in gate.objects],
        "objectsInAll": gate.objects_in_all,
    }
