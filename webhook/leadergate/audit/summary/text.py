"""The summary of a night as lines for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from leadergate.audit.holders.takeovers import Takeover
from leadergate.audit.summary.told import GateSummary, Summary
from leadergate.audit.telling.plain_text import printable
from leadergate.audit.telling.table import left_out, shortened, table
from leadergate.audit.telling.words import counted, holder_named, none_asked_for, stamp, wrapped

_UNTOLD = "none told"
_LABEL = 14
_WRITERS = ("WHO", "STANDING", "REASON", "COUNT", "FIRST", "LAST")
_SPARE = ("FIRST", "REASON")
"""What is left out, in this order, where a terminal is too narrow."""
_OBJECTS = ("OBJECT", "COUNT", "WRITERS")


class Line(NamedTuple):
    """A line to print, and how."""

    text: str = ""
    colour: str | None = None
    bold: bool = False


_COLOURS = {"former-holder": "red", "stranger": "yellow", None: "magenta"}


def lines(summary: Summary, width: int | None) -> Iterator[Line]:
    """The summary for people, in ``width`` columns; None: as wide as it comes."""
    if summary.first is None or summary.last is None:
        yield Line(none_asked_for(summary.records, summary.begin, summary.end))
        return
    yield Line(f"{stamp(summary.first)} to {stamp(summary.last)}", bold=True)
    allowed = sum(gate.allowed for gate in summary.gates)
    yield Line(f"{counted(summary.shown, 'rejection')}{_worst(summary)}{f'; {allowed:,} allowed' if allowed else ''}")
    if summary.routine:
        yield Line(f"and {counted(summary.routine, 'routine rejection')} of followers; --routine shows them")
    for gate in summary.gates:
        if gate.shown or gate.takeovers:
            yield Line()
            yield from _gate(gate, width)
    quiet = [printable(gate.gate) for gate in summary.gates if not (gate.shown or gate.takeovers)]
    if quiet:
        yield Line()
        yield from map(Line, wrapped(f"nothing but routine: {', '.join(quiet)}", width, indent=2))


def _gate(gate: GateSummary, width: int | None) -> Iterator[Line]:
    yield Line(f"GATE {printable(gate.gate)}", bold=True)
    if gate.shown:
        split = _split(gate.standings, _UNTOLD)
        yield from _fact("rejections", f"{gate.shown:,}: {split}; {gate.routine:,} routine", width)
        yield from _fact("of them", _split(gate.results, ""), width)
    else:
        yield from _fact("rejections", f"0; {gate.routine:,} routine", width)
    if gate.first is not None and gate.last is not None and gate.rate is not None:
        rate = gate.rate
        yield from _fact("from, to", f"{stamp(gate.first)}, {stamp(gate.last)}", width)
        peak = f"at most {rate.peak:,} in that of {stamp(rate.peak_at)}"
        yield from _fact("a minute", f"{rate.average:,.1f} on average, {peak}", width)
    if gate.takeovers:
        yield from _takeover(gate.takeovers[-1], gate.takeovers_in_all, width)
    if gate.writers:
        rows: list[Sequence[str]] = [
            (
                printable(one.who or "-"),
                printable(one.standing or "-"),
                printable(one.reason),
                f"{one.writes:,}",
                stamp(one.first),
                stamp(one.last),
            )
            for one in gate.writers
        ]
        yield from _table(_WRITERS, rows, [_COLOURS.get(one.standing) for one in gate.writers], width)
        yield from _rest(gate.writers_in_all - len(gate.writers))
    if gate.objects:
        rows = [(printable(one.object), f"{one.writes:,}", f"{one.writers:,}") for one in gate.objects]
        yield from _table(_OBJECTS, rows, [None] * len(rows), width)
        yield from _rest(gate.objects_in_all - len(gate.objects))


def _takeover(last: Takeover, count: int, width: int | None) -> Iterator[Line]:
    named = [holder_named(one) for one in (last.of, last.to)]
    # A pod that was started again is told from itself by the random part alone.
    of, to = map(printable, named if named[0] != named[1] else (last.of, last.to))
    begin = f"{count:,}, the last at {stamp(last.at)}:"
    if width is None or _LABEL + len(f"{begin} {of} -> {to}") <= width:
        yield from _fact("takeovers", f"{begin} {of} -> {to}", None)
        return
    yield from _fact("takeovers", begin, None)
    room = max(width - _LABEL - len("-> "), 1)
    yield Line(f"{'':{_LABEL}}   {shortened(of, room)}")
    yield Line(f"{'':{_LABEL}}-> {shortened(to, room)}")


def _fact(label: str, text: str, width: int | None) -> Iterator[Line]:
    return map(Line, wrapped(f"  {label:<{_LABEL - 2}}{text}", width, indent=_LABEL))


def _table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], colours: Sequence[str | None], width: int | None
) -> Iterator[Line]:
    fit = None if width is None else width - 2
    made = table(heads, rows, fit=fit, shrink=heads[:1], spare=_SPARE)
    yield Line(f"  {made.line(heads)}")
    for line, colour in zip(rows, colours, strict=True):
        yield Line(f"  {made.line(line)}", colour)
    if told := left_out(made, width):
        yield Line(f"  {told}: -o json has all")


def _rest(count: int) -> Iterator[Line]:
    if count > 0:
        yield Line(f"  and {count:,} more; --top shows more")


def _worst(summary: Summary) -> str:
    former = sum(gate.standings.get("former-holder", 0) for gate in summary.gates)
    return f", {former:,} of them of pods that had led before" if former else ""


def _split(counts: Mapping[str | None, int], untold: str) -> str:
    return ", ".join(f"{count:,} {untold if name is None else printable(name)}" for name, count in counts.items())
