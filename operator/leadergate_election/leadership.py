"""Whether this process leads, as any thread may ask at any moment."""

from __future__ import annotations

import math
from collections.abc import Callable

from leadergate_election.clock import now


class Leadership:
    """One number, the moment until which this process leads, and so atomic.

    Time alone ends it: whoever asks after that moment hears no, though the event loop be blocked or the process have
    been frozen in between.
    """

    def __init__(self, clock: Callable[[], float] = now) -> None:
        self._clock = clock
        self._until = -math.inf

    @property
    def held(self) -> bool:
        """Whether this process leads now."""
        return self._clock() < self._until

    @property
    def left(self) -> float:
        """Seconds until it leads no longer unless it renews; 0 when it does not lead."""
        return max(0.0, self._until - self._clock())

    def begin(self, until: float) -> None:
        """Lead until that moment."""
        self._until = until

    def extend(self, until: float) -> bool:
        """Lead until that moment, if it still does; whether it does. What has ended does not come back."""
        if not self.held:
            return False
        self._until = until
        return True

    def end(self) -> None:
        """Lead no longer."""
        self._until = -math.inf
