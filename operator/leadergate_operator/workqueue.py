"""A work queue after client-go's ``util/workqueue``.

No key waits twice, none is worked on twice at once, and failures back off. A queue belongs to one event loop; from
another thread, go through ``loop.call_soon_threadsafe``.
"""

from __future__ import annotations

import asyncio


class WorkQueue:
    """Keys to be worked on, in order of arrival.

    A key added while it waits is dropped; added while it is being worked on, it comes again after ``done``. ``first``
    and ``longest`` bound the back-off, in seconds: it doubles with each failure in a row.
    """

    def __init__(self, *, first: float = 0.25, longest: float = 30.0) -> None:
        self._first = first
        self._longest = longest
        self._ready: asyncio.Queue[str | None] = asyncio.Queue()
        self._waiting: set[str] = set()
        self._working: set[str] = set()
        self._again: set[str] = set()
        self._failures: dict[str, int] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._closed = False

    def add(self, key: str) -> None:
        """Ask for work on ``key`` now, whatever back-off it is in."""
        self._cancel_timer(key)
        if self._closed or key in self._waiting:
            return
        if key in self._working:
            self._again.add(key)
            return
        self._waiting.add(key)
        self._ready.put_nowait(key)

    @property
    def depth(self) -> int:
        """How many keys wait to be worked on; those in their back-off are not among them."""
        return len(self._waiting)

    async def get(self) -> str | None:
        """The next key, to be given back with ``done``; ``None`` once the queue is closed."""
        key = await self._ready.get()
        if key is None or self._closed:
            # Left for the other workers, so that each of them ends.
            self._ready.put_nowait(None)
            return None
        self._waiting.discard(key)
        self._working.add(key)
        return key

    def done(self, key: str) -> None:
        """The work on ``key`` is over, well or badly."""
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def retry(self, key: str) -> float:
        """Add ``key`` again after its back-off. Returns that back-off in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = back_off(failures, first=self._first, longest=self._longest)
        self._cancel_timer(key)
        if not self._closed:
            self._timers[key] = asyncio.get_running_loop().call_later(delay, self.add, key)
        return delay

    def forget(self, key: str) -> None:
        """The work succeeded or became void: the next failure starts at the first back-off."""
        self._failures.pop(key, None)
        self._cancel_timer(key)

    def close(self) -> None:
        """Hand out nothing more. What is being worked on may finish."""
        self._closed = True
        for key in list(self._timers):
            self._cancel_timer(key)
        self._ready.put_nowait(None)

    def _cancel_timer(self, key: str) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()


def back_off(failures: int, *, first: float, longest: float) -> float:
    """Seconds to wait after ``failures`` failures in a row before this one."""
    # The exponent is bounded too: a float overflows at 2**1024, which a key reaches that fails for hours.
    return min(longest, first * 2.0 ** min(failures, 64))
