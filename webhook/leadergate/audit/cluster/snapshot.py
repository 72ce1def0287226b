"""All that the cluster still has of the webhook's logs, fetched once and merged in order.

Logs are kept in temporary files while they are merged, so that memory stays small whatever their size.
"""

from __future__ import annotations

import asyncio
import heapq
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from leadergate.audit.cluster.logs import WHOLE, Begin, LogLine, NoLog, NotNow, Stamped, log, nanoseconds, stamped
from leadergate.audit.cluster.replicas import CannotRead, Replica, Replicas
from leadergate.audit.cluster.seen import Seen
from leadergate_election.connection import Unreachable

Say = Callable[[str], None]

_AT_ONCE = 4
_TELL_SECONDS = 2.0
_STARTUP = timedelta(seconds=60)
_ATTEMPTS = 3
_PAUSE_SECONDS = 1.0
_GLIMPSE = 4096


@dataclass(slots=True)
class Fetched:
    """One replica's logs, oldest first, as files; and what has been seen of its container's, to read on from."""

    replica: Replica
    files: list[Path] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)
    first: Stamped | None = None


class _Cut(Exception):
    """What was read last is not there any more."""


class Snapshot:
    """A context manager that keeps the files. ``say`` is told how far it is, and what may be missing, and why.

    ``since`` leaves out what is older.
    """

    def __init__(self, replicas: Replicas, *, since: datetime | None, say: Say) -> None:
        self._replicas, self._since, self._say = replicas, since, say
        self._begin = WHOLE if since is None else Begin(nanos=nanoseconds(since))
        self._folder = tempfile.TemporaryDirectory(prefix="leadergate-audit-")
        self._few = asyncio.Semaphore(_AT_ONCE)
        self._bytes, self._numbers = 0, 0
        self.fetched: dict[str, Fetched] = {}
        self.missing: list[str] = []
        """What was said to be missing, a sentence each."""
        self.holes = False
        """Whether something may be missing after a log begins, not only before."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    async def fetch(self) -> None:
        """Fetch the logs of all replicas, previous containers' too.

        Raises:
            CannotRead: a right is missing, there are no replicas, or the log of none can be read.
            Unreachable: no answer came.
        """
        there, _ = await self._replicas.list()
        if not there:
            raise self._replicas.none()
        telling = asyncio.create_task(self._tell(len(there)))
        try:
            async with asyncio.TaskGroup() as group:
                for one in there.values():
                    group.create_task(self._replica(one))
        except BaseExceptionGroup as faults:
            raise faults.exceptions[0] from None
        finally:
            telling.cancel()
        if not any(one.files for one in self.fetched.values()) and self.missing:
            raise CannotRead("no replica's log can be read: " + "; ".join(self.missing))

    def lines(self) -> Iterator[LogLine]:
        """All lines in the order of their times, by the nodes' clocks."""
        parts = [_with_key(one) for one in self.fetched.values()]
        for _, line, replica in heapq.merge(*parts, key=lambda part: part[0]):
            yield line.line(replica)

    async def _replica(self, one: Replica) -> None:
        async with self._few:
            for _ in range(_ATTEMPTS):
                fetched = await self._both(one)
                again = (await self._replicas.list())[0].get(one.uid)
                if again is None or again.current == one.current:
                    break
                # It was started again meanwhile: what was its log is its previous one now.
                one = again
        self.fetched[one.uid] = fetched
        await self._judge(fetched)

    async def _both(self, one: Replica) -> Fetched:
        fetched = Fetched(one)
        if one.previous and one.previous != one.current:
            await self._one(fetched, previous=True)
        earlier = fetched.first
        fetched.seen, fetched.first = Seen(), None
        if one.current:
            await self._one(fetched, previous=False)
        if earlier is not None and fetched.first is not None and earlier.raw == fetched.first.raw:
            # Both answers were of one container: the node knew more than the API server.
            fetched.files.pop(0)
        fetched.first = earlier or fetched.first
        return fetched

    async def _one(self, fetched: Fetched, *, previous: bool) -> None:
        self._numbers += 1
        path = Path(self._folder.name) / f"{self._numbers}.log"
        what = f"{fetched.replica.name}: its {'previous ' if previous else ''}log"
        with path.open("wb") as file:
            for attempt in range(_ATTEMPTS):
                try:
                    await self._read(fetched, file, previous=previous)
                except _Cut:
                    self._miss(f"{what} was cut (rotated) while it was read; lines may be missing", inside=True)
                    continue
                except NoLog as fault:
                    if fault.lost or fault.gone:
                        self._miss(f"{what} cannot be had any more: {fault}", inside=True)
                except (NotNow, Unreachable) as fault:
                    if attempt + 1 < _ATTEMPTS:
                        await asyncio.sleep(_PAUSE_SECONDS)
                        continue
                    self._miss(f"{what} cannot be read to its end: {fault}", inside=True)
                break
        if path.stat().st_size:
            fetched.files.append(path)

    async def _read(self, fetched: Fetched, file: BinaryIO, *, previous: bool) -> None:
        """Once, or on from where it broke off."""
        one, seen, begin = fetched.replica, fetched.seen, self._begin
        resumption = seen.resume()
        async with log(self._replicas.connection, one, seen.begin(begin), previous=previous) as lines:
            async for line in lines:
                if resumption.cut:
                    break
                if begin.before(line) or not resumption.is_new(line):
                    continue
                if line.whole or previous or not one.running:
                    file.write(line.raw + b"\n")
                    self._bytes += len(line.raw) + 1
                if line.whole:
                    seen.add(line)
                    fetched.first = fetched.first or line
        if not resumption.anchored:
            seen.let_go()
            raise _Cut

    async def _judge(self, fetched: Fetched) -> None:
        """Say what a node has thrown away already of what is asked for, as far as it can be told."""
        one, since = fetched.replica, self._since
        oldest = one.previous_started or one.started
        if one.restarts > 1 and (since is None or (oldest is not None and since < oldest)):
            self._miss(
                f"{one.name}: started again {one.restarts} times; a node keeps the logs of the last two containers, and"
                " those of the ones before are gone"
            )
        if oldest is None:
            return
        begins = await self._beginning(fetched)
        # A webhook writes as it starts; one that seems to have begun later has had its log rotated.
        if begins is not None and begins > (oldest if since is None else max(since, oldest)) + _STARTUP:
            self._miss(f"{one.name}: its log begins at {begins:%F %T}Z, though it runs since {oldest:%F %T}Z: rotated")

    async def _beginning(self, fetched: Fetched) -> datetime | None:
        """When the oldest line was written that the node has."""
        one, first = fetched.replica, fetched.first
        if self._since is not None:
            first = None
            try:
                previous = bool(one.previous)
                async with log(self._replicas.connection, one, previous=previous, limit=_GLIMPSE) as lines:
                    async for line in lines:
                        first = first or line
            except (NoLog, NotNow, Unreachable):
                return None
        return None if first is None else first.line(one).at

    def _miss(self, what: str, *, inside: bool = False) -> None:
        self.missing.append(what)
        self.holes = self.holes or inside
        self._say(what)

    async def _tell(self, count: int) -> None:
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            self._say(f"reading logs of {count} replicas: {self._bytes / (1 << 20):.1f} MiB so far")


def _with_key(fetched: Fetched) -> Iterator[tuple[int, Stamped, Replica]]:
    """A line without a time stands where the one before it does."""
    at = 0
    for path in fetched.files:
        with path.open("rb") as file:
            for raw in file:
                line = stamped(raw[:-1])
                at = line.nanos if line.nanos is not None else at
                yield at, line, fetched.replica
