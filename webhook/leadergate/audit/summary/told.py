"""The summary of a night: plain values, and how they are told to people and to programs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from leadergate.audit.holders.takeovers import Takeover
from leadergate.audit.reading.tally import Tally
from leadergate.audit.telling.plain_text import printable
from leadergate.audit.telling.table import row, widths

SCHEMA = "leadergate.dev/audit-summary/v1"
_UNTOLD = "none told"


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
    """What the records tell. ``records`` is how many there are in all; first and last are of those asked for."""

    records: int
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


class Line(NamedTuple):
    """A line to print, and how."""

    text: str = ""
    colour: str | None = None
    bold: bool = False


_COLOURS = {"former-holder": "red", "stranger": "yellow", None: "magenta"}


def lines(summary: Summary, width: int | None) -> Iterator[Line]:
    """The summary for people, no wider than ``width`` where names can be shortened."""
    if summary.first is None or summary.last is None:
        yield Line(f"none of {_many(summary.records, 'record')} is what was asked for")
        return
    yield Line(f"{_time(summary.first)} to {_time(summary.last)}", bold=True)
    allowed = sum(gate.allowed for gate in summary.gates)
    yield Line(f"{_many(summary.shown, 'rejection')}{_worst(summary)}{f'; {allowed:,} allowed' if allowed else ''}")
    if summary.routine:
        yield Line(f"and {_many(summary.routine, 'routine rejection')} of followers; --routine shows them")
    for gate in summary.gates:
        if gate.shown or gate.takeovers:
            yield Line()
            yield from _gate(gate, width)
    quiet = [gate for gate in summary.gates if not (gate.shown or gate.takeovers)]
    if quiet:
        yield Line()
        yield Line(f"nothing but routine: {', '.join(printable(gate.gate) for gate in quiet)}")


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


def _gate(gate: GateSummary, width: int | None) -> Iterator[Line]:
    yield Line(f"GATE {printable(gate.gate)}", bold=True)
    if gate.shown:
        yield Line(f"  rejections  {gate.shown:,}: {_split(gate.standings, _UNTOLD)}; {gate.routine:,} routine")
        yield Line(f"  of them     {_split(gate.results, '')}")
    else:
        yield Line(f"  rejections  0; {gate.routine:,} routine")
    if gate.first is not None and gate.last is not None and gate.rate is not None:
        yield Line(f"  from, to    {_time(gate.first)}, {_time(gate.last)}")
        rate = gate.rate
        yield Line(
            f"  a minute    {rate.average:,.1f} on average, at most {rate.peak:,} in that of {_time(rate.peak_at)}"
        )
    yield from _takeovers(gate)
    if gate.writers:
        heads: tuple[str, ...] = ("WHO", "STANDING", "REASON", "COUNT", "FIRST", "LAST")
        cells: list[tuple[str, ...]] = [
            (
                printable(one.who or "-"),
                printable(one.standing or "-"),
                printable(one.reason),
                f"{one.writes:,}",
                _time(one.first),
                _time(one.last),
            )
            for one in gate.writers
        ]
        colours = [_COLOURS.get(one.standing) for one in gate.writers]
        yield from _table(heads, cells, colours, width, "WHO")
        yield from _rest(gate.writers_in_all - len(gate.writers))
    if gate.objects:
        heads = ("OBJECT", "COUNT", "WRITERS")
        cells = [(printable(one.object), f"{one.writes:,}", f"{one.writers:,}") for one in gate.objects]
        yield from _table(heads, cells, [None] * len(cells), width, "OBJECT")
        yield from _rest(gate.objects_in_all - len(gate.objects))


def _takeovers(gate: GateSummary) -> Iterator[Line]:
    if not gate.takeovers:
        return
    last = gate.takeovers[-1]
    to = f"{printable(last.of)} -> {printable(last.to)}"
    yield Line(f"  takeovers   {gate.takeovers_in_all:,}, the last at {_time(last.at)}: {to}")


def _table(
    heads: tuple[str, ...],
    cells: Sequence[tuple[str, ...]],
    colours: Sequence[str | None],
    width: int | None,
    shrink: str,
) -> Iterator[Line]:
    sizes = widths(heads, cells, fit=None if width is None else width - 2, shrink=(shrink,))
    yield Line(f"  {row(heads, sizes)}")
    for line, colour in zip(cells, colours, strict=True):
        yield Line(f"  {row(line, sizes)}", colour)


def _rest(count: int) -> Iterator[Line]:
    if count > 0:
        yield Line(f"  and {count:,} more; --top shows more")


def _worst(summary: Summary) -> str:
    former = sum(gate.standings.get("former-holder", 0) for gate in summary.gates)
    return f", {former:,} of them of pods that had led before" if former else ""


def _split(counts: Mapping[str | None, int], untold: str) -> str:
    return ", ".join(f"{count:,} {untold if name is None else printable(name)}" for name, count in counts.items())


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


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
