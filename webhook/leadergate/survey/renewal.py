"""How long ago a Lease was renewed, and whether that is too long: one judgement for all who look at a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from leadergate.history import expires
from leadergate.survey.parts import SeenLease

SKEW = timedelta(seconds=10)
"""How far this machine's clock and the holder's may differ: as the webhook allows once, at its start."""


class Standing(StrEnum):
    """``late`` is within ``SKEW`` of expired, ``ahead`` in the future by more than that, ``never`` has no renewTime."""

    CURRENT = "current"
    AHEAD = "ahead"
    LATE = "late"
    EXPIRED = "expired"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Renewal:
    """``age`` is since the renewal by two machines' clocks, negative when it lies ahead; None when there was none."""

    standing: Standing
    age: timedelta | None


def renewal(seen: SeenLease) -> Renewal:
    """Judge a Lease as it was read. Without a duration that expiry can rest on, it never expires."""
    if seen.lease.renew_time is None:
        return Renewal(Standing.NEVER, None)
    age = seen.read_at - seen.lease.renew_time
    if age < -SKEW:
        return Renewal(Standing.AHEAD, age)
    lasts = timedelta(seconds=seen.lease.duration or 0)
    if not expires(seen.lease) or age <= lasts:
        return Renewal(Standing.CURRENT, age)
    return Renewal(Standing.EXPIRED if age > lasts + SKEW else Standing.LATE, age)
