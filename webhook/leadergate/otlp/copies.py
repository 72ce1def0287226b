"""Copies of records, handed on in the background: whatever happens to them, no review waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, Full, Queue
from typing import Protocol

import structlog

from leadergate.otlp.metrics import Outcome
from leadergate.records import RecordSink

log: structlog.stdlib.BoundLogger = structlog.get_logger("leadergate")

ROOM = 8192
"""Copies that may wait: some 10 MB, and four seconds at 2,000 rejections a second."""
BATCH = 128
"""Copies in one request: some 150 KB. Encoding them holds the interpreter, so more would only make reviews wait."""
LINGER_SECONDS = 0.5
"""How long a copy waits for others to share its request."""

_WAKE = b""


class ExportFailed(Exception):
    """A batch was not taken; the message says why."""


class CopiesObserver(Protocol):
    """Who counts copies."""

    def copies(self, outcome: Outcome, count: int) -> None:
        """So many came to this."""
        ...


class Copies:
    """A bounded queue of lines, and the thread that sends them.

    ``send`` blocks and raises :class:`ExportFailed`; it is called on the thread alone. A line that finds no room is
    dropped: the newest, so that what has a place keeps it.
    """

    def __init__(
        self, send: Callable[[Sequence[bytes]], None], *, room: int = ROOM, linger: float = LINGER_SECONDS
    ) -> None:
        self.observer: CopiesObserver | None = None
        self._send = send
        self._linger = linger
        self._queue: Queue[bytes] = Queue(room)
        self._closing = threading.Event()
        self._sending = self._wakes = 0
        self._failing = False
        # A daemon, so that a collector that never answers cannot keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="leadergate-otlp", daemon=True)

    def start(self, observer: CopiesObserver) -> None:
        """Begin to send."""
        self.observer = observer
        self._thread.start()

    def waiting(self) -> int:
        """How many copies have no outcome yet."""
        return self._queue.qsize() + self._sending - self._wakes

    def offer(self, line: bytes) -> None:
        """Take a copy, or drop it. Never blocks."""
        try:
            self._queue.put_nowait(line)
        except Full:
            self._count(Outcome.DROPPED, 1)

    async def close(self, within: float) -> None:
        """Send what waits, for ``within`` seconds at most, and stop; what is left then is told in the log."""
        self._closing.set()
        self._wakes = 1  # before the thread can take it
        try:
            self._queue.put_nowait(_WAKE)
        except Full:
            self._wakes = 0
        await asyncio.to_thread(self._thread.join, within)
        if self._thread.is_alive():
            log.warning("otlp_records_left", count=self.waiting(), waited_seconds=within)

    def _run(self) -> None:
        while not (self._closing.is_set() and self._queue.empty()):
            batch = self._batch()
            self._sending = len(batch)
            if batch:
                self._count(self._outcome(batch), len(batch))
            self._sending = 0

    def _batch(self) -> list[bytes]:
        """Wait for one line, and a little longer for others."""
        batch = [self._queue.get()]
        if self._queue.qsize() < BATCH - 1:
            self._closing.wait(self._linger)
        with contextlib.suppress(Empty):
            while len(batch) < BATCH:
                batch.append(self._queue.get_nowait())
        lines = [line for line in batch if line is not _WAKE]
        self._wakes -= len(batch) - len(lines)
        return lines

    def _outcome(self, batch: list[bytes]) -> Outcome:
        began = time.monotonic()
        try:
            self._send(batch)
        except Exception as fault:
            if not self._failing:
                self._failing = True
                if isinstance(fault, ExportFailed):
                    log.warning(
                        "otlp_export_failing", fault=str(fault), after_seconds=round(time.monotonic() - began, 1)
                    )
                else:  # Nothing is known to come here, and the thread must outlive it.
                    log.exception("otlp_export_failing")
            return Outcome.FAILED
        if self._failing:
            self._failing = False
            log.info("otlp_export_works_again")
        return Outcome.EXPORTED

    def _count(self, outcome: Outcome, count: int) -> None:
        if self.observer is not None:
            self.observer.copies(outcome, count)


class CopyingSink:
    """Writes to ``first``, and has a copy of what was written there.

    ``first`` stays the record of record: a line that could not be written is not copied, since its answer is withheld.
    """

    def __init__(self, first: RecordSink, copies: Copies) -> None:
        self._first = first
        self._copies = copies

    async def write(self, line: bytes, deadline: float) -> None:
        """See :meth:`RecordSink.write`."""
        await self._first.write(line, deadline)
        self._copies.offer(line)
