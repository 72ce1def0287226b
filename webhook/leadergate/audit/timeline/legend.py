"""Whom the letters and digits of the timeline stand for. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from rich.cells import cell_len

from leadergate.audit.explain.record import is_bare_uuid
from leadergate.audit.holders.bands import Held
from leadergate.audit.telling.plain_text import printable
from leadergate.audit.telling.words import length
from leadergate.audit.timeline.events import Line
from leadergate.audit.timeline.parts import Kind, Who
from leadergate.audit.timeline.picture import Story

MOST_ROWS = 12
"""Rows of a gate that are drawn."""
HOLDER_STYLES = 6


def legend(story: Story, width: int) -> Iterator[Line]:
    """Whom each letter and digit stands for, in ``width`` columns."""
    held: dict[str, timedelta] = {}
    for band in story.bands:
        if isinstance(band, Held):
            end = band.until or band.seen or band.since
            held[band.holder] = held.get(band.holder, timedelta()) + (end - band.since)
    pods = [name.partition("_")[0] for name in held]
    rows = [[row for row in story.rows if (row.kind is Kind.ROUTINE) == routine] for routine in (False, True)]
    known = {row.who.text: row.who for part in rows for row in part[:MOST_ROWS] if row.who is not None}
    for name, letter in story.letters.items():
        if name in held:
            # The random part of an identity says nothing, unless one pod was holder under two.
            pod, cut, _ = name.partition("_")
            shown = f"{pod}_..." if cut and pods.count(pod) == 1 else name
            aside = f"held it {length(held[name])}" + ", names no pod" * is_bare_uuid(name)
            yield _named(letter, holder_style(letter), shown, aside, width)
        elif letter.isdecimal() and name in known:
            yield _named(letter, "strong", name, _aside(known[name], story), width)


def _named(letter: str, style: str, name: str, aside: str, width: int) -> Line:
    tail = f"  {aside}" if aside else ""
    return [(f"  {letter:<2} ", style), (_fitted(printable(name), width - 5 - len(tail)), ""), (tail, "dim")]


def _aside(who: Who, story: Story) -> str:
    """Why this requester has no letter of its own."""
    if not who.account:
        return "no service account"
    if not who.pod:
        return "its token is bound to no pod"
    kinds = {row.kind for row in story.rows if row.who == who}
    return "a stranger" if Kind.STRANGER in kinds else "never held it in this time"


def _fitted(text: str, cells: int) -> str:
    """The text in no more than so many cells; its end, where names differ, is kept."""
    if cell_len(text) <= cells:
        return text
    kept = text
    while cell_len(kept) > max(cells - 3, 1):
        kept = kept[1:]
    return f"...{kept}"


def holder_style(letter: str) -> str:
    """The name of the style that a holder is drawn in."""
    return f"holder-{sum(map(ord, letter)) % HOLDER_STYLES}"
