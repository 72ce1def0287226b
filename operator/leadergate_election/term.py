"""One stretch of leadership: the leader's work, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from leadergate_election.clock import now

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What happens when leadership changes; all are called on the elector's event loop.

    ``on_started_leading`` is the leader's work: it runs as a task for each time that this process leads, and is
    cancelled when leadership ends. It may also return early. What it raises while it leads ends the election:
    :meth:`Elector.run` raises it. ``on_stopped_leading`` is called at once when leadership ends, while that task may
    still be finishing. ``on_new_leader`` is told each new holder's identity, our own and the first one included. The
    latter two must not block; what they raise is logged.
    """

    on_started_leading: Callable[[], Awaitable[None]] | None = None
    on_stopped_leading: Callable[[], None] | None = None
    on_new_leader: Callable[[str], None] | None = None


class Term:
    """Begins the leader's work when it is made. ``expires`` is when the Lease does, unless it is renewed."""

    def __init__(self, callbacks: Callbacks, expires: float) -> None:
        self.expires = expires
        self._callbacks = callbacks
        self._closed = False
        self._raised = False
        self._work: asyncio.Task[None] | None = None
        if callbacks.on_started_leading is not None:
            self._work = asyncio.create_task(_perform(callbacks.on_started_leading), name="leader's work")

    @property
    def closed(self) -> bool:
        """Whether leadership was given up; its work may still be ending."""
        return self._closed

    @property
    def over(self) -> bool:
        """Whether leadership was given up and its work has ended. From any thread."""
        return self._closed and (self._work is None or self._work.done())

    @property
    def expired_for(self) -> float:
        """Seconds since the Lease expired, negative while it is good. From any thread."""
        return now() - self.expires

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than until the work fails.

        Raises:
            Exception: whatever the work raised.
        """
        if self._work is None or self._work.done():
            await asyncio.sleep(seconds)
        else:
            await asyncio.wait({self._work}, timeout=seconds)
        self.check()

    def check(self) -> None:
        """Raise what the work raised, if it has."""
        if self._work is not None and self._work.done() and not self._work.cancelled():
            self._raised = True
            self._work.result()

    def close(self) -> None:
        """Ask the work to end and tell that leadership has ended; a second time it does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._work is not None and not self._raised:
            self._work.cancel()
            self._work.add_done_callback(_tell_failure)
        call(self._callbacks.on_stopped_leading)

    async def ended(self, timeout: float | None) -> bool:
        """Wait until the work has ended, for ``timeout`` seconds or for as long as it takes; whether it has."""
        if self._work is not None and not self._work.done():
            await asyncio.wait({self._work}, timeout=timeout)
        return self.over


def call(callback: Callable[..., None] | None, *arguments: object) -> None:
    """Call one of the callbacks. What it raises is its own fault, and must not stop the election."""
    if callback is None:
        return
    try:
        callback(*arguments)
    except Exception as error:
        _log.error("callback_failed", callback=getattr(callback, "__name__", repr(callback)), message=_described(error))


async def _perform(work: Callable[[], Awaitable[None]]) -> None:
    await work()


def _tell_failure(work: asyncio.Task[None]) -> None:
    if not work.cancelled() and (error := work.exception()) is not None:
        _log.error("work_failed_at_end", message=_described(error))


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
