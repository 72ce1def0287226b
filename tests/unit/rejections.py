"""Rejections for the tests of Events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from leadergate.events.event import Denial, ObjectName
from leadergate.model import LeaseKey, Mode, Standing

LEASE = LeaseKey("shop", "operator")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def denial(
    name: str = "thing",
    *,
    standing: Standing = Standing.FORMER_HOLDER,
    gate: LeaseKey = LEASE,
    requester: str = "operator-0",
    holder: str = "operator-1",
    mode: Mode = Mode.ENFORCE,
    message: str = "pod shop/operator-0 may not write status",
    after: float = 0.0,
    held_until: datetime | None = None,
) -> Denial:
    """A rejection, so many seconds after noon."""
    target = ObjectName("g", "v1", "Thing", "shop", name)
    at = NOON + timedelta(seconds=after)
    return Denial(gate, mode, standing, target, requester, holder, message, at, held_until)
