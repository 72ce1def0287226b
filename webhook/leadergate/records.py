"""The record of a verdict: one JSON object a line, written before the answer leaves.

The schema is documented in ``docs/records.md``. A record never holds the object's content.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable
from datetime import datetime
from typing import Protocol

import msgspec
import structlog

from leadergate.record_output import TORN, AppendedFile, opened

log: structlog.stdlib.BoundLogger = structlog.get_logger("leadergate")

SCHEMA = "leadergate.dev/record/v1"


class ResourceField(msgspec.Struct, frozen=True):
    """The resource that was written."""

    group: str
    version: str
    resource: str
    subresource: str


class RequesterField(msgspec.Struct, frozen=True, rename="camel"):
    """Who asked; each part is null where the credentials do not tell it."""

    username: str
    namespace: str | None
    service_account: str | None
    pod: str | None
    pod_uid: str | None
    node: str | None


class LeaseField(msgspec.Struct, frozen=True, rename="camel"):
    """The Lease as the read behind the verdict showed it. ``observedAge`` is in seconds."""

    holder: str
    resource_version: str
    transitions: int | None
    acquire_time: datetime | None
    renew_time: datetime | None
    duration_seconds: int | None
    observed_age: float
    expired: bool


class Record(msgspec.Struct, frozen=True, rename="camel"):
    """One verdict. ``lease`` is null when the Lease does not exist or could not be read.

    ``latencyMs`` runs from the arrival of the call to the verdict. ``heldUntil`` is when a former holder was last known
    to hold the Lease.
    """

    schema: str
    time: datetime
    verdict: str
    reason: str
    message: str
    mode: str
    gate: str
    uid: str
    dry_run: bool
    operation: str
    resource: ResourceField
    namespace: str
    name: str
    requester: RequesterField
    standing: str | None
    held_until: datetime | None
    lease: LeaseField | None
    latency_ms: float
    webhook_pod: str


_encoder = msgspec.json.Encoder()
_NEWLINE = ord("\n")
_ATTEMPTS = 4
_TELL_SECONDS = 10.0


def line(record: Record) -> bytes:
    """The record as one line. JSON escapes every control character, so no name can forge a second line."""
    return _encoder.encode(record) + b"\n"


class RecordLost(Exception):
    """The record could not be handed to the log; the message says why."""


class RecordSink(Protocol):
    """Where records go."""

    def write(self, line: bytes, deadline: float) -> Awaitable[None]:
        """Return when the whole line has been handed on. Raises :class:`RecordLost`, at ``deadline`` at the latest."""
        ...


class DescriptorSink:
    """Writes whole lines to a file descriptor without ever blocking the event loop on a pipe.

    A full pipe makes only the writers of records wait, each until its own deadline; once one has waited in vain, those
    that come later are lost at once, until there is room again. The descriptor is opened anew where the system allows
    it, so that making it non-blocking does not change the original, which a shell or another process may share.

    A line of which only a part could be written stays a part, since its answer was withheld: ``TORN`` ends it before
    the next line. So it is with a part that was left by a process which wrote the same file before.
    ``docs/nothing-lost.md`` has the rule.
    """

    def __init__(self, descriptor: int) -> None:
        self._fd, self._file = opened(descriptor)
        self._torn = self._file is not None and not self._file.ends_whole()
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._stalled = False
        self._lost = 0
        self._tell_at = 0.0

    async def write(self, line: bytes, deadline: float) -> None:
        """See :meth:`RecordSink.write`."""
        try:
            await self._write(line, deadline)
        except TimeoutError as error:
            self._stalled = True
            raise self._loss("the log takes no more: its pipe is full") from error
        except OSError as error:
            raise self._loss(f"the log cannot be written: {error.strerror}") from error

    async def _write(self, line: bytes, deadline: float) -> None:
        rest: bytes | None = None
        if not self._waiting:
            rest = self._begin(line)
            if not rest:
                return
        if self._stalled:
            # Waiting would only fill the process with reviews until those that need no record are turned away.
            raise TimeoutError
        self._waiting += 1
        try:
            # With a line begun nobody waits, so that the lock is had at once.
            async with asyncio.timeout_at(deadline), self._lock:
                if rest is None:
                    rest = self._begin(line)
                while rest:
                    await self._writable()
                    rest = self._push(rest)
        finally:
            self._waiting -= 1

    def _begin(self, line: bytes) -> bytes:
        """Write as much of a new line as there is room for; returns the rest of it. Raises OSError."""
        if self._file is not None:
            self._append(line, self._file)
            return b""
        return self._push(self._apart(line))

    def _append(self, line: bytes, file: AppendedFile) -> None:
        """Write a line to a file until it stands there whole and by itself. Raises OSError."""
        for _ in range(_ATTEMPTS):
            # Of a line that was taken in part only the next attempt tells why.
            if not self._push(self._apart(line)) and not file.glued(len(line)):
                return
        raise OSError(0, "other processes write parts of lines to the same file")

    def _apart(self, line: bytes) -> bytes:
        return TORN + line if self._torn else line

    def _push(self, data: bytes) -> bytes:
        try:
            written = os.write(self._fd, data)
        except BlockingIOError:
            return data
        if written:
            self._stalled = False
            self._torn = data[written - 1] != _NEWLINE
        return data[written:]

    def _loss(self, why: str) -> RecordLost:
        self._lost += 1
        now = asyncio.get_running_loop().time()
        if now >= self._tell_at:
            self._tell_at = now + _TELL_SECONDS
            with contextlib.suppress(OSError):  # a log that fails as well must not hide what failed
                log.error(
                    "records_lost", fault=why, lost=self._lost, remedy="mend standard output: docs/nothing-lost.md"
                )
        return RecordLost(why)

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        loop.add_writer(self._fd, _wake, ready)
        try:
            await ready
        finally:
            loop.remove_writer(self._fd)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
