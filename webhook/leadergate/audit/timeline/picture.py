"""A night in one picture: who held each Lease, who was rejected when, and what happened. Pure.

Seconds are not looked into: records are summed up by the second before they come here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from leadergate.audit.holders.bands import Band, Gap, Held, Shown
from leadergate.audit.holders.takeovers import Takeover, takeovers
from leadergate.audit.timeline.parts import Axis, Count, Kind, Late, Row, Who

Event = Takeover | Gap


@dataclass(frozen=True, slots=True)
class Story:
    """One gate. ``events`` are its takeovers and gaps in order; ``late`` is by event, with those of a reign that
    had begun before under None; ``letters`` names holders, and requesters that never held."""

    gate: str
    modes: tuple[str, ...]
    bands: tuple[Band, ...]
    rows: tuple[Row, ...]
    events: tuple[Event, ...]
    late: Mapping[Event | None, Sequence[Late]]
    letters: Mapping[str, str]
    routine: int

    @property
    def weight(self) -> int:
        """How many rejections are not routine."""
        return sum(row.rejections for row in self.rows if row.kind is not Kind.ROUTINE)

    @property
    def takeovers(self) -> list[Takeover]:
        """Its changes of holder."""
        return [event for event in self.events if isinstance(event, Takeover)]


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the command shows. ``left_out`` are routine rejections that were not asked for."""

    axis: Axis
    stories: tuple[Story, ...]
    left_out: int


def told(
    axis: Axis,
    found: Sequence[Band],
    counts: Iterable[Count],
    late: Iterable[Late],
    modes: Mapping[str, Sequence[str]],
    *,
    routine: bool,
) -> Timeline:
    """The timeline of all gates. With ``routine`` followers have rows of their own, else one together."""
    counted = list(counts)
    written = list(late)
    gates = sorted({band.gate for band in found} | {count.gate for count in counted})
    stories = tuple(
        _story(
            gate,
            tuple(modes.get(gate, ())),
            tuple(band for band in found if band.gate == gate),
            [count for count in counted if count.gate == gate],
            [one for one in written if one.gate == gate],
            routine=routine,
        )
        for gate in gates
    )
    stories = tuple(sorted(stories, key=lambda story: -story.weight))
    return Timeline(axis, stories, sum(story.routine for story in stories) if not routine else 0)


def _story(
    gate: str,
    modes: tuple[str, ...],
    found: tuple[Band, ...],
    counts: list[Count],
    late: list[Late],
    *,
    routine: bool,
) -> Story:
    rows: dict[tuple[Kind, Who | None], Row] = {}
    for count in counts:
        who = count.who if routine or count.kind is not Kind.ROUTINE else None
        row = rows.setdefault((count.kind, who), Row(count.kind, who, count.first, count.last))
        row.first, row.last = min(row.first, count.first), max(row.last, count.last)
        row.rejections += count.rejections
        row.columns[count.column] = row.columns.get(count.column, 0) + count.rejections
    order = list(Kind)
    ranked = tuple(sorted(rows.values(), key=lambda row: (order.index(row.kind), -row.rejections, row.first)))
    changes = takeovers(found)
    events: list[Event] = [*changes, *(band for band in found if isinstance(band, Gap))]
    events.sort(key=lambda event: event.at if isinstance(event, Takeover) else event.since)
    return Story(
        gate,
        modes,
        found,
        ranked,
        tuple(events),
        _late(events, late),
        _letters(found, ranked),
        sum(row.rejections for row in ranked if row.kind is Kind.ROUTINE),
    )


def _late(events: list[Event], late: list[Late]) -> dict[Event | None, Sequence[Late]]:
    """Who wrote late after which event: the record of a rejection tells the reign, or the gap, in which it was."""
    by_reign = {(one.to, one.acquired, one.transitions): one for one in events if isinstance(one, Takeover)}
    sorted_out: dict[Event | None, list[Late]] = {}
    for one in sorted(late, key=lambda one: -one.writes):
        event: Event | None = by_reign.get(one.reign)
        if one.shown is not Shown.HELD:
            gaps = [gap for gap in events if isinstance(gap, Gap) and gap.why is one.shown]
            event = next((gap for gap in gaps if gap.until is None or gap.until >= one.first), None)
        sorted_out.setdefault(event, []).append(one)
    return {event: tuple(written) for event, written in sorted_out.items()}


def _letters(found: tuple[Band, ...], rows: tuple[Row, ...]) -> dict[str, str]:
    """Short names: A, B, … for holders in the order in which they held, 1, 2, … for who never did."""
    letters: dict[str, str] = {}
    for band in found:
        if isinstance(band, Held) and band.holder not in letters:
            letters[band.holder] = _letter(len(letters))
    holders = dict(letters)
    outsiders = 0
    for row in rows:
        if row.who is None or row.who.text in letters:
            continue
        holder = _holder(row, holders)
        if holder is None:
            outsiders += 1
        letters[row.who.text] = str(outsiders) if holder is None else holders[holder]
    return letters


def _holder(row: Row, holders: Iterable[str]) -> str | None:
    """Which of the holders a requester is; None for none of them."""
    if row.who is None or row.kind is Kind.STRANGER:
        return None
    for holder in holders:
        # That it held the Lease is proven: the webhook said so.
        if row.who.is_named_by(holder) or (row.kind is Kind.FORMER_HOLDER and row.who.may_be_named_by(holder)):
            return holder
    return None


def _letter(number: int) -> str:
    quotient, rest = divmod(number, 26)
    return (_letter(quotient - 1) if quotient else "") + chr(ord("A") + rest)
