"""What happened to a Lease, in lines of text: its takeovers, who wrote late after each, and its gaps. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.cells import cell_len

from leadergate.audit.holders.bands import Gap, Shown
from leadergate.audit.holders.takeovers import Takeover
from leadergate.audit.telling.plain_text import printable
from leadergate.audit.telling.words import counted, length, stamp
from leadergate.audit.timeline.parts import Axis, Late
from leadergate.audit.timeline.picture import Event, Story

Line = list[tuple[str, str]]

MOST = 30
"""Events of one gate that are told."""
_MOST_LATE = 4

_GAPS = {
    Shown.EXPIRED: "{who} did not renew: the Lease had run out",
    Shown.UNHELD: "nobody held the Lease",
    Shown.ABSENT: "there was no Lease",
    Shown.UNREADABLE: "the Lease could not be read",
}


def event_lines(story: Story, axis: Axis, width: int, arrow: str) -> Iterator[Line]:
    """The events in order, those first left out that say least, and the late writes after each takeover."""
    dated = axis.begin.date() != axis.end.date()
    before = story.late.get(None, ())
    kept = _kept(story)
    if not kept and not before:
        return
    if before:
        yield [("  before this time", "strong"), ("  somebody else had taken over", "")]
        yield from _late(before, story, width)
    for event in kept:
        yield from _event(event, story, width, arrow, dated=dated)
    if len(kept) < len(story.events):
        rest = counted(len(story.events) - len(kept), "event")
        yield [(f"  and {rest} more: narrow the time with --since and --until", "dim")]


def _kept(story: Story) -> list[Event]:
    if len(story.events) <= MOST:
        return list(story.events)

    def says(event: Event) -> tuple[int, int]:
        late = sum(one.writes for one in story.late.get(event, ()))
        if isinstance(event, Takeover):
            return late, 1
        return late, 0

    best = sorted(story.events, key=says, reverse=True)[:MOST]
    return [event for event in story.events if event in best]


def _event(event: Event, story: Story, width: int, arrow: str, *, dated: bool) -> Iterator[Line]:
    if isinstance(event, Gap):
        who = story.letters.get(event.holder, "its holder")
        span = f" for {length(event.until - event.since)}" if event.until else " to the end"
        text = f"{_GAPS[event.why].format(who=who)}{span}"
        yield _first(_at(event.since, dated=dated), "", text, "gap")
        yield from _late(story.late.get(event, ()), story, width)
        return
    change = f"{story.letters[event.of]} {arrow} {story.letters[event.to]}"
    yield _first(_at(event.at, dated=dated), change, event.why, "")
    yield from _late(story.late.get(event, ()), story, width)


def _first(moment: str, change: str, text: str, style: str) -> Line:
    return [(f"  {moment}  ", "dim"), (f"{change:<8}" if change else "", "strong"), (text, style)]


def _at(moment: datetime, *, dated: bool) -> str:
    text = stamp(moment)
    return f"{text[5:10]} {text[11:19]}" if dated else text[11:19]


def _late(late: Sequence[Late], story: Story, width: int) -> Iterator[Line]:
    for one in late[:_MOST_LATE]:
        name = story.letters.get(one.who.text) or printable(one.who.text)
        span = f"{stamp(one.first)[11:19]} to {stamp(one.last)[11:19]} ({length(one.last - one.first)})"
        text = f"{name} kept writing: {counted(one.writes, 'write')}, {span}, {counted(one.objects, 'object')}"
        yield [("    ! ", "former-holder"), (text, "former-holder")]
        yield [(_most(one, width), "")]
    if rest := late[_MOST_LATE:]:
        yield [(f"    and {len(rest)} more pods, {sum(one.writes for one in rest):,} writes", "dim")]


def _most(late: Late, width: int) -> str:
    """The objects with most writes, as many as there is room for, and one at least."""
    shown = [f"{printable(thing)} x{writes}" for thing, writes in late.most]
    line = ""
    while shown:
        word = "most" if late.objects > len(shown) else "on"
        line = f"      {word}: {', '.join(shown)}"
        if cell_len(line) <= width or len(shown) == 1:
            break
        shown.pop()
    return line
