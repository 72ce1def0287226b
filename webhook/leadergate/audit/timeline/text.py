"""The timeline as lines of text for a terminal. Pure: a line is pieces of text, each with a style's name."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from leadergate.audit.holders.bands import Gap, Shown
from leadergate.audit.telling.plain_text import printable
from leadergate.audit.telling.words import counted, length, stamp
from leadergate.audit.timeline.events import Line, event_lines
from leadergate.audit.timeline.legend import MOST_ROWS, holder_style, legend
from leadergate.audit.timeline.parts import Axis, Kind, Row
from leadergate.audit.timeline.picture import Story, Timeline
from leadergate.model import Mode

GUTTER = 26

KINDS = {
    Kind.FORMER_HOLDER: ("!", "former holder"),
    Kind.STRANGER: ("x", "stranger"),
    Kind.CANNOT_TELL: ("?", "cannot tell"),
    Kind.NO_HOLDER: ("-", "no holder"),
    Kind.OTHER: ("*", "other"),
    Kind.ROUTINE: (".", "routine"),
}
_GAP_WORDS = {
    Shown.EXPIRED: "not renewed",
    Shown.UNHELD: "nobody",
    Shown.ABSENT: "no Lease",
    Shown.UNREADABLE: "unreadable",
}


class Signs(NamedTuple):
    """What the picture is drawn with."""

    levels: str
    fill: str
    tick: str
    arrow: str
    gaps: dict[Shown, str]

    @property
    def all(self) -> str:
        """All signs that are not ASCII in each form."""
        return f"{self.levels}{self.fill}{self.tick}{self.arrow}"


_GAPS = {Shown.EXPIRED: "%", Shown.UNHELD: "_", Shown.ABSENT: "~", Shown.UNREADABLE: "?"}
UNICODE = Signs("▁▂▃▄▅▆▇█", "─", "╷", "→", _GAPS)
ASCII = Signs(".:+*#", "-", "|", "->", _GAPS)


def lines(timeline: Timeline, width: int, signs: Signs, *, buckets: bool = False) -> Iterator[Line]:
    """The whole picture, ``width`` columns wide. With ``buckets`` the counts behind the marks follow each gate."""
    most = max((max(row.columns.values()) for story in timeline.stories for row in story.rows), default=1)
    yield from _head(timeline, signs, most)
    for story in timeline.stories:
        yield []
        yield from _picture(story, timeline.axis, width, signs, most)
        yield from event_lines(story, timeline.axis, width, signs.arrow)
        if buckets:
            yield from _buckets(story, timeline.axis)


def _head(timeline: Timeline, signs: Signs, most: int) -> Iterator[Line]:
    axis = timeline.axis
    weight = sum(story.weight for story in timeline.stories)
    changes = [change for story in timeline.stories for change in story.takeovers]
    routine = sum(story.routine for story in timeline.stories)
    yield [(f"{stamp(axis.begin)} to {stamp(axis.end)}", "strong"), (f" ({length(axis.end - axis.begin)})", "")]
    unseen = sum(change.unseen for change in changes)
    aside = f" and {unseen} more that no record shows" if unseen else ""
    yield [(counted(len(changes), "takeover") + aside, "strong"), (f", {counted(weight, 'rejection')} to look at", "")]
    if routine:
        hint = "; --routine shows them by pod" if timeline.left_out else ""
        yield [(f"and {counted(routine, 'routine rejection')} of followers{hint}", "dim")]
    marks = f"{signs.levels[0]} is 1, {signs.levels[-1]} is {most:,} in " if most > 1 else "one column is "
    yield [(f"marks: {marks}{length(axis.step)}", "dim")]


def _picture(story: Story, axis: Axis, width: int, signs: Signs, most: int) -> Iterator[Line]:
    modes = f" ({printable(', '.join(story.modes))})" if story.modes else ""
    through = ": writes went through" if story.weight and set(story.modes) & {Mode.WARN, Mode.AUDIT} else ""
    yield [(printable(story.gate), "title"), (modes, ""), (through, "gap")]
    yield from legend(story, width)
    yield from _axis(axis, signs)
    held = _bands(story, axis, signs)
    yield held
    if marks := _takeover_marks(story, axis):
        yield [(f"{'  takeovers':<{GUTTER}}", "dim"), (marks, "strong")]
    gaps = {sign for sign, style in held if style == "gap"}
    if gaps:
        told = ", ".join(f"{sign} {_GAP_WORDS[why]}" for why, sign in signs.gaps.items() if sign in gaps)
        yield [(f"{'':<{GUTTER}}{told}", "dim")]
    shown = [row for row in story.rows if row.kind is not Kind.ROUTINE]
    routine = [row for row in story.rows if row.kind is Kind.ROUTINE]
    for row in shown[:MOST_ROWS]:
        yield _row(row, story, axis, signs, most)
    if rest := shown[MOST_ROWS:]:
        yield [(f"  and {len(rest)} more rows with {counted(sum(row.rejections for row in rest), 'rejection')}", "dim")]
    for row in routine[:MOST_ROWS]:
        yield _row(row, story, axis, signs, most)
    if rest := routine[MOST_ROWS:]:
        yield [(f"  and {len(rest)} more followers with {sum(row.rejections for row in rest):,}", "dim")]


def _axis(axis: Axis, signs: Signs) -> Iterator[Line]:
    labels, ticks = [" "] * axis.columns, [" "] * axis.columns
    form = "%H:%M:%S" if axis.end - axis.begin < timedelta(minutes=20) else "%H:%M"
    if axis.end - axis.begin > timedelta(days=3):
        form = "%m-%d"
    every = _every((axis.end - axis.begin).total_seconds() * (len(f"{axis.begin:{form}}") + 1) / axis.columns)
    moment = math.ceil((axis.begin - axis.step).timestamp() / every) * every
    free = 0
    while moment <= axis.end.timestamp():
        at = datetime.fromtimestamp(moment, axis.begin.tzinfo)
        column, text = axis.column(at), f"{at:{form}}"
        if column >= free and column + len(text) <= axis.columns:
            labels[column : column + len(text)] = text
            ticks[column] = signs.tick
            free = column + len(text) + 1
        moment += every
    yield [(f"{'':<{GUTTER}}{''.join(labels)}".rstrip(), "dim")]
    yield [(f"{'':<{GUTTER}}{''.join(ticks)}".rstrip(), "dim")]


_EVERY = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def _every(seconds: float) -> int:
    days = math.ceil(seconds / 86400)
    return next((step for step in _EVERY if step >= seconds), days * 86400)


def _bands(story: Story, axis: Axis, signs: Signs) -> Line:
    """Who held the Lease: a holder's letter where it began, then a line; a gap's sign where there was one."""
    cells: list[tuple[str, str]] = [(" ", "")] * axis.columns
    holder, begun = "", set()
    for band in story.bands:
        first, last = axis.column(band.since), axis.column(band.until or axis.end)
        if isinstance(band, Gap):
            for column in range(first, max(last, first + 1)):
                if column not in begun:
                    cells[column] = (signs.gaps[band.why], "gap")
                    begun |= {column} if column == first else set()
            continue
        letter = story.letters[band.holder]
        style = holder_style(letter)
        for column in range(first, last + 1):
            if column > first or column not in begun:
                cells[column] = (signs.fill, style)
        if band.holder != holder or (first not in begun and last > first):
            for offset, sign in enumerate(letter):
                if first + offset < axis.columns:
                    cells[first + offset] = (sign, style)
            begun.add(first)
        holder = band.holder
    return [(f"{'  Lease held by':<{GUTTER}}", ""), *cells]


def _takeover_marks(story: Story, axis: Axis) -> str:
    marks = [0] * axis.columns
    for change in story.takeovers:
        marks[axis.column(change.at)] += 1 + change.unseen
    return "".join("+" if mark > 9 else str(mark) if mark else " " for mark in marks).rstrip()


def _row(row: Row, story: Story, axis: Axis, signs: Signs, most: int) -> Line:
    sign, word = KINDS[row.kind]
    letter = story.letters.get(row.who.text, "") if row.who is not None else ""
    label = f"{sign} {word} {letter}".rstrip()
    marks = "".join(_mark(row.columns.get(column, 0), signs.levels, most) for column in range(axis.columns))
    return [(f"{label:<17} {row.rejections:>7,} "[:GUTTER], row.kind.value), (marks.rstrip(), row.kind.value)]


def _mark(count: int, levels: str, most: int) -> str:
    """How dense a column is, on a scale that grows by factors, so that a single write is seen beside thousands."""
    if not count:
        return " "
    if most <= 1:
        return levels[-1]
    return levels[round((len(levels) - 1) * math.log(count) / math.log(most))]


def _buckets(story: Story, axis: Axis) -> Iterator[Line]:
    for row in story.rows:
        _, word = KINDS[row.kind]
        name = printable(row.who.text) if row.who is not None else "all followers"
        yield [(f"  {word}, {name}", row.kind.value)]
        for column, count in sorted(row.columns.items()):
            at = stamp(axis.begin + column * axis.step, millis=axis.step < timedelta(seconds=2))
            yield [(f"    {at} {count:>9,}", "")]
