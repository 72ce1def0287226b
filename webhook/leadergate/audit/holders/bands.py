"""Who held each Lease when, put together from what records saw of it. Pure.

A record tells what one read showed: the holder with its ``acquireTime`` and ``leaseTransitions``, nobody, no Lease, or
that it could not be read. Revisions tell what came after what, whatever the clocks of the webhook's replicas say.
``acquireTime`` is the holder's own clock: it says when a takeover was, as far as it fits between the last record
before and the first one after; else the nearer of these two is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import groupby, pairwise
from typing import NamedTuple, TypeVar

T = TypeVar("T", int, datetime)


class Shown(StrEnum):
    """What a read of a Lease showed. All but ``held`` is a gap: nobody is known to hold it."""

    HELD = "held"
    EXPIRED = "expired"
    UNHELD = "unheld"
    ABSENT = "absent"
    UNREADABLE = "unreadable"


class Evidence(NamedTuple):
    """Records of one gate, near each other in time, that saw the same.

    ``first`` and ``last`` are the webhook's clock, ``low`` and ``high`` the least and greatest resourceVersion
    (None where they are no numbers, or no Lease was seen). ``ended`` is when an expired Lease ran out, by the webhook's
    clock.
    """

    gate: str
    shown: Shown
    holder: str
    acquired: datetime | None
    transitions: int | None
    first: datetime
    last: datetime
    low: int | None = None
    high: int | None = None
    renewed: datetime | None = None
    ended: datetime | None = None
    duration: int | None = None
    records: int = 1

    @property
    def reign(self) -> tuple[str, datetime | None, int | None]:
        """What tells one time of holding the Lease from another."""
        return self.holder, self.acquired, self.transitions


class Held(NamedTuple):
    """Someone held a Lease from ``since`` to ``until``, which is None where the records end and it still did.

    ``since`` is never before the first record, or the beginning that was asked for; ``acquired`` is what the Lease
    said. ``seen`` is the last record that showed it; ``renewed`` the last renewal, by the holder's clock.
    """

    gate: str
    holder: str
    since: datetime
    until: datetime | None
    transitions: int | None
    acquired: datetime | None = None
    renewed: datetime | None = None
    duration: int | None = None
    seen: datetime | None = None
    records: int = 0


class Gap(NamedTuple):
    """For that long nobody is known to have held the Lease. ``holder`` is whom an expired one still named."""

    gate: str
    why: Shown
    since: datetime
    until: datetime | None
    holder: str = ""
    records: int = 0


Band = Held | Gap


def bands(found: Iterable[Evidence], since: datetime | None = None) -> list[Band]:
    """The bands of each gate, in order, each beginning where the one before it ends.

    ``since`` is when the time that was asked for begins; without it that is the first record of all.
    """
    pieces = sorted(found, key=lambda piece: piece.gate)
    if not pieces:
        return []
    begin = since or min(piece.first for piece in pieces)
    return [band for _, group in groupby(pieces, lambda piece: piece.gate) for band in _gate(list(group), begin)]


def _gate(pieces: list[Evidence], begin: datetime) -> Iterable[Band]:
    merged = _merged(_ordered(pieces))
    starts = [_clamped(_told(merged[0]) or merged[0].first, begin, merged[0].first)]
    known = {merged[0].reign}
    for before, piece in pairwise(merged):
        # Where it held the Lease before a gap too, nothing tells when the gap ended, but that it is seen again.
        told = piece.first if piece.shown is Shown.HELD and piece.reign in known else _told(piece)
        known.add(piece.reign)
        start = _clamped(told or piece.first, *sorted((before.last, piece.first)))
        starts.append(max(start, starts[-1]))
    for piece, start, end in zip(merged, starts, [*starts[1:], None], strict=True):
        if piece.shown is not Shown.HELD:
            yield Gap(piece.gate, piece.shown, start, end, piece.holder, piece.records)
            continue
        yield Held(
            piece.gate, piece.holder, start, end, piece.transitions, piece.acquired, piece.renewed, piece.duration,
            piece.last, piece.records,
        )  # fmt: skip


def _ordered(pieces: list[Evidence]) -> list[Evidence]:
    """By revision where each has one, and what has none in between by time."""
    versioned = [piece for piece in pieces if piece.shown not in (Shown.ABSENT, Shown.UNREADABLE)]
    if all(piece.low is not None for piece in versioned):
        versioned.sort(key=lambda piece: (piece.low, piece.first))
    else:
        versioned.sort(key=lambda piece: piece.first)
    placed: list[tuple[datetime, Evidence]] = []
    for piece in versioned:
        # A replica whose clock is ahead does not move later revisions behind what was seen in between.
        placed.append((max(piece.first, placed[-1][0]) if placed else piece.first, piece))
    placed += [(piece.first, piece) for piece in pieces if piece.shown in (Shown.ABSENT, Shown.UNREADABLE)]
    return [piece for _, piece in sorted(placed, key=lambda one: one[0])]


def _merged(pieces: Sequence[Evidence]) -> list[Evidence]:
    """Neighbours that saw the same as one piece."""
    merged: list[Evidence] = []
    for piece in pieces:
        before = merged[-1] if merged else None
        if before is not None and piece.reign == before.reign and (piece.shown == before.shown or _late(before, piece)):
            merged[-1] = before._replace(
                first=min(before.first, piece.first),
                last=max(before.last, piece.last),
                high=_largest(before.high, piece.high),
                renewed=_largest(before.renewed, piece.renewed),
                records=before.records + piece.records,
            )
        else:
            merged.append(piece)
    return merged


def _late(expired: Evidence, piece: Evidence) -> bool:
    """Whether a replica that saw the renewal later merely has not let the Lease run out yet."""
    if expired.shown is not Shown.EXPIRED or piece.shown is not Shown.HELD:
        return False
    return piece.high is not None and expired.high is not None and piece.high <= expired.high


def _told(piece: Evidence) -> datetime | None:
    """When it began, as the Lease or the webhook's own measure of its age tells it."""
    match piece.shown:
        case Shown.HELD:
            return piece.acquired
        case Shown.EXPIRED:
            return piece.ended
        case Shown.UNHELD:  # client-go's release sets both times
            return _largest(piece.acquired, piece.renewed)
    return None


def _clamped(moment: datetime, low: datetime, high: datetime) -> datetime:
    return min(max(moment, low), max(low, high)) if low <= high else high


def _largest(one: T | None, other: T | None) -> T | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
