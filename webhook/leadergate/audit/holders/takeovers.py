"""Changes of a Lease's holder, and why they came, told from the bands of who held it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from leadergate.audit.holders.bands import Band, Gap, Held, Shown


class Takeover(NamedTuple):
    """One holder came after another. ``of`` and ``to`` are the same where it lost the Lease unseen and got it back.

    ``unseen`` is by how much more ``leaseTransitions`` rose than this change accounts for: so many more times somebody
    acquired the Lease, and no record shows it. ``gaps`` lie between the two; ``silent`` is for how many seconds
    at most the old holder had not renewed, by the clocks of both: a renewal after the last record is not known.
    """

    gate: str
    at: datetime
    of: str
    to: str
    acquired: datetime | None = None
    transitions: int | None = None
    unseen: int = 0
    gaps: tuple[Gap, ...] = ()
    silent: float | None = None
    duration: int | None = None

    @property
    def why(self) -> str:
        """In words, what let the new one in."""
        kinds = [gap.why for gap in self.gaps]
        if self.unseen:
            return f"leaseTransitions +{self.unseen + 1}: acquired {_times(self.unseen)}, unseen"
        if Shown.ABSENT in kinds:
            return "the Lease had been deleted"
        if Shown.UNHELD in kinds:
            return "it was released"
        if Shown.EXPIRED in kinds:
            return f"not renewed for {self.silent:.0f} s: it had run out" if self.silent else "it had run out"
        if Shown.UNREADABLE in kinds:
            return "while the Lease could not be read"
        if self.silent is not None and 0 <= self.silent < (self.duration or 0):
            return f"{self.silent:.1f} s after a renewal: handed over, or edited"
        return "the records do not tell why"


def takeovers(found: Iterable[Band]) -> list[Takeover]:
    """The changes of holder that the bands show, gate by gate, in order."""
    changes = []
    for _, group in groupby(found, lambda band: band.gate):
        last: Held | None = None
        gaps: list[Gap] = []
        for band in group:
            if isinstance(band, Gap):
                gaps.append(band)
                continue
            if last is not None and (change := _change(last, band, tuple(gaps))):
                changes.append(change)
            last, gaps = band, []
    return changes


def _change(before: Held, after: Held, gaps: tuple[Gap, ...]) -> Takeover | None:
    risen = 0
    if before.transitions is not None and after.transitions is not None:
        risen = after.transitions - before.transitions
    # Who releases the Lease and takes it again raises the count by one, and nobody else held it.
    if before.holder == after.holder and risen < 2:
        return None
    silent = (after.since - before.renewed).total_seconds() if before.renewed is not None else None
    return Takeover(
        after.gate, after.since, before.holder, after.holder, after.acquired, after.transitions, max(risen - 1, 0),
        gaps, silent, before.duration,
    )  # fmt: skip


def _times(count: int) -> str:
    return "once more" if count == 1 else f"{count} more times"
