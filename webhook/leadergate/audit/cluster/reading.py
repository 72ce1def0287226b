"""Reading one replica's log on from where it was read last: its container's, and that of the container before."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from enum import Enum, auto

from leadergate.audit.cluster.logs import WHOLE, Begin, Stamped, log
from leadergate.audit.cluster.replicas import Replica
from leadergate.audit.cluster.seen import Seen
from leadergate_election.connection import ApiConnection, Silent

Emit = Callable[[Replica, Stamped], Awaitable[None]]


class Ended(Enum):
    """How a reading ended: at the log's end, so that it is due anew, or without the line that was read last."""

    END = auto()
    AGAIN = auto()
    CUT = auto()


class Reading:
    """Hands on what is new by ``emit``. It begins with ``begin``, or after what has been ``seen``.

    ``idle``: seconds without a line after which a log is asked for anew.
    """

    def __init__(self, connection: ApiConnection, emit: Emit, begin: Begin, seen: Seen | None, idle: float) -> None:
        self._connection, self._emit, self._begin, self._idle = connection, emit, begin, idle
        self._born = asyncio.get_running_loop().time()
        self._late = Seen()
        self._rest: tuple[Replica, Stamped] | None = None
        self._limit: asyncio.Timeout | None = None
        self.seen = seen or Seen()
        self.complete = False
        """Whether the last answer ended with the log."""

    async def previous(self, replica: Replica) -> None:
        """What has not been read of the container before this one. Raises as ``podlogs.log`` does."""
        resumption = self.seen.resume()
        async for line in self._previous(replica, self.seen):
            if resumption.is_new(line):
                await self._hand_on(replica, line, self.seen)
        if resumption.anchored:
            # The new container's log has nothing of this one.
            self.seen = Seen()
            return
        # It is not the one that was read, or its log was cut: all of it is new, and where the one that was read is, is
        # still to be found.
        resumption = self._late.resume()
        async for line in self._previous(replica, self._late):
            if resumption.is_new(line):
                await self._hand_on(replica, line, self._late)
        self._late = Seen()

    async def current(self, replica: Replica, answered: Callable[[], None]) -> Ended:
        """Follow its container's log; ``answered`` is told that there is one. Raises as ``podlogs.log`` does."""
        resumption, begin = self.seen.resume(), self.seen.begin(self._start())
        self._rest = None
        try:
            async with (
                asyncio.timeout(None) as self._limit,
                log(self._connection, replica, begin, follow=True, idle=self._idle) as lines,
            ):
                self.complete = False
                answered()
                async for line in lines:
                    if not line.whole:
                        self._rest = replica, line
                    elif not self._begin.before(line) and resumption.is_new(line):
                        await self._hand_on(replica, line, self.seen)
                    if resumption.cut:
                        return Ended.CUT
        except Silent:
            return Ended.CUT if resumption.unsure and not resumption.anchored else Ended.AGAIN
        except TimeoutError:
            return Ended.AGAIN
        finally:
            self._limit = None
        self.complete = resumption.anchored
        return Ended.END if resumption.anchored else Ended.CUT

    def end_within(self, seconds: float) -> None:
        """Let a log that is followed come to its end by itself for so long."""
        if self._limit is not None:
            with contextlib.suppress(RuntimeError):  # it is being ended
                self._limit.reschedule(asyncio.get_running_loop().time() + seconds)

    def next_container(self) -> None:
        """From now on logs are wanted whole."""
        self._begin = WHOLE

    async def finish(self) -> None:
        """No more will come: hand on the last line though its end is missing."""
        if self._rest is not None:
            await self._hand_on(*self._rest, self.seen)

    def last(self, replica: Replica) -> str:
        """When the last line was written, for people."""
        last = self.seen.last
        at: datetime | None = None if last is None else last.line(replica).at
        return "the beginning" if at is None else f"{at:%F %T}Z"

    async def _previous(self, replica: Replica, seen: Seen) -> AsyncIterator[Stamped]:
        begin = seen.begin(self._start())
        async with log(self._connection, replica, begin, previous=True, idle=self._idle) as lines:
            async for line in lines:
                if not self._begin.before(line):
                    yield line

    def _start(self) -> Begin:
        """From where on, while nothing has been seen: the last seconds grow as time goes by."""
        if self._begin.seconds is None:
            return self._begin
        return Begin(seconds=self._begin.seconds + int(asyncio.get_running_loop().time() - self._born))

    async def _hand_on(self, replica: Replica, line: Stamped, seen: Seen) -> None:
        await self._emit(replica, line)
        # Nothing is waited for in between: what is handed on is known to be.
        if line.whole:
            seen.add(line)
