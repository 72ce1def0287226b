"""Which rejections a guard hands on to whom makes Events of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from leadergate.case import Case
from leadergate.gate import parse
from leadergate.guard import Guard
from leadergate.model import Mode, Reading, Standing
from leadergate.patience import Patience

from .test_guard import HELD, UNREADABLE, Counted, Reader, Records, review


@dataclass
class Listener:
    """Keeps what it was told."""

    told: list[tuple[str, Standing, bytes]] = field(default_factory=list)

    def rejected(self, case: Case, standing: Standing, until: datetime | None, body: bytes) -> None:
        """Keep it."""
        self.told.append((case.write.name, standing, body))


def told(body: bytes, reading: Reading = HELD, *, mode: Mode = Mode.ENFORCE, broken: bool = False) -> Listener:
    """What the listener hears of one review."""
    listener = Listener()
    records = Records(broken)
    guard = Guard(Reader(reading), records, Counted(), lambda: datetime.now(UTC), "leadergate-0", events=listener)
    asyncio.run(guard.review(parse(f"/{mode}/shop/operator"), body, Patience.of(0.0, 10.0, 0.0)))
    return listener


@pytest.mark.parametrize("mode", Mode)
def test_a_rejection_is_handed_on(mode: Mode) -> None:
    """With the review's body, for the object's uid; in every mode."""
    body = review("operator-2")
    assert told(body, mode=mode).told == [("thing", Standing.FOLLOWER, body)]


def test_what_is_allowed_or_not_decided_is_not() -> None:
    """The holder's write, one that is not of status, and one that nobody can judge."""
    assert told(review("operator-1")).told == []
    assert told(review("operator-2", subresource="scale")).told == []
    assert told(review("operator-1"), UNREADABLE).told == []


def test_what_could_not_be_recorded_is_not() -> None:
    """No verdict was given, so that nothing was rejected; the next attempt will be."""
    assert told(review("operator-2"), broken=True).told == []
