"""The reads of one Lease: who waits for the next of them, which are under way, and what they have shown so far."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field

from leadergate.history import LeaseHistory
from leadergate.lease_waiters import Waiter
from leadergate.model import LeaseKey


@dataclass(slots=True)
class Channel:
    """Belongs to one event loop, whose times its times are. ``nearest`` is the first deadline of those who wait."""

    key: LeaseKey
    history: LeaseHistory
    waiting: list[Waiter] = field(default_factory=list)
    nearest: float = math.inf
    under_way: set[asyncio.Task[None]] = field(default_factory=set)
    last_start: float = -math.inf
    gathering: bool = False
    taken_in: int = 0
    newest: str = ""
    # uvloop gives a Handle without its time for what is due at once, so the time stands here.
    wake: asyncio.Handle | None = None
    wake_at: float = 0.0
    warned: bool = False

    def join(self, waiter: Waiter) -> None:
        """Wait for the next read."""
        self.waiting.append(waiter)
        self.nearest = min(self.nearest, waiter.deadline)

    def sealed(self) -> list[Waiter]:
        """All who wait, for a read that begins now; who comes later waits for the next one."""
        batch, self.waiting, self.nearest = self.waiting, [], math.inf
        return batch

    def overdue(self, now: float) -> list[Waiter]:
        """Those whose deadline has come before a read could begin; they wait no more."""
        everyone = self.sealed()
        for waiter in everyone:
            if waiter.deadline > now:
                self.join(waiter)
        return [waiter for waiter in everyone if waiter.deadline <= now]
