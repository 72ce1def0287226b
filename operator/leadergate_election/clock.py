"""The clock that leadership is measured by."""

from __future__ import annotations

import sys
import time

if sys.platform == "linux":
    # Unlike CLOCK_MONOTONIC it goes on while the machine sleeps: whoever led before has not led since then.
    _CLOCK = time.CLOCK_BOOTTIME

    def now() -> float:
        """Seconds on a clock that never steps, and that all processes of this machine share."""
        return time.clock_gettime(_CLOCK)

else:

    def now() -> float:
        """Seconds on a clock that never steps."""
        return time.monotonic()
