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
    """Writes whole lines to a file descriptor without ever blocking the event loop.

    A full pipe makes only the writers of records wait, each until its own deadline. The descriptor is opened anew where
    the system allows it, so that making it non-blocking does not change the original, which a shell or another process
    may share.
    """

    def __init__(self, descriptor: int) -> None:
        self._fd = _own_nonblocking(descriptor)
        self._lock = asyncio.Lock()
        self._unfinished = b""

    async def write(self, line: bytes, deadline: float) -> None:
        """See :meth:`RecordSink.write`."""
        rest = line
        if not self._lock.locked() and not self._unfinished:
            rest = line[self._try(line) :]
            if not rest:
                return
            if len(rest) < len(line):
                self._unfinished, rest = rest, b""
        its_turn = False
        try:
            async with asyncio.timeout_at(deadline), self._lock:
                await self._drain()
                self._unfinished, its_turn = rest, True
                await self._drain()
        except TimeoutError as error:
            raise RecordLost("the log takes no more: its pipe is full") from error
        finally:
            if its_turn and self._unfinished is rest:
                # None of it is written, and its answer is withheld: it must not turn up later.
                self._unfinished = b""

    async def _drain(self) -> None:
        """Write out what is unfinished; a line that was begun is completed even when its own writer has given up."""
        while self._unfinished:
            written = self._try(self._unfinished)
            if written:
                self._unfinished = self._unfinished[written:]
            else:
                await self._writable()

    def _try(self, data: bytes) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise RecordLost(f"the log cannot be written: {error.strerror}") from error

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


def _own_nonblocking(descriptor: int) -> int:
    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_APPEND | os.O_CLOEXEC
    with contextlib.suppress(OSError):
        return os.open(f"/proc/self/fd/{descriptor}", flags)
    own = os.dup(descriptor)
    os.set_blocking(own, False)
    return own
