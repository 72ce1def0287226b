"""How often bundles are written: at once, but not without end when they are refused or always overwritten."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

BURST = 10
WINDOW_SECONDS = 60.0
CONTESTED_SECONDS = 1.0
_FIRST_REFUSAL = 1.0
_LONGEST_REFUSAL = 60.0


class Contest:
    """Which configurations may be written now.

    Ten writes a minute go at once. A configuration that needs more has somebody else writing it back: it is still
    written, once a second. One whose write was refused is tried again after a second, then ever less often.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._writes: dict[str, deque[float]] = {}
        self._until: dict[str, float] = {}
        self._refusals: dict[str, float] = {}

    def may_write(self, name: str) -> bool:
        """Whether it may be written now."""
        return self._until.get(name, 0.0) <= self._clock()

    def wrote(self, name: str) -> bool:
        """Take note of a write; returns whether the configuration has just turned out to be contested."""
        now = self._clock()
        self._refusals.pop(name, None)
        writes = self._writes.setdefault(name, deque(maxlen=BURST))
        often = len(writes) == BURST and now - writes[0] < WINDOW_SECONDS
        writes.append(now)
        told = name in self._until
        if often:
            self._until[name] = now + CONTESTED_SECONDS
        else:
            self._until.pop(name, None)
        return often and not told

    def refused(self, name: str) -> None:
        """Take note of a refusal."""
        pause = self._refusals.get(name, _FIRST_REFUSAL)
        self._refusals[name] = min(2 * pause, _LONGEST_REFUSAL)
        self._until[name] = self._clock() + pause

    def seconds(self) -> float | None:
        """Seconds until the next one may be written again, None when none is put off."""
        now = self._clock()
        left = [until - now for until in self._until.values() if until > now]
        return min(left) if left else None
