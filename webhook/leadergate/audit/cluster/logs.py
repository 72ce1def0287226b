"""Reading one log of one replica through the API: ``GET …/pods/{name}/log``, line by line, each with its time."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from leadergate.audit.cluster.replicas import CannotRead, Replica
from leadergate.audit.cluster.rights import denied
from leadergate.survey.parts import Right
from leadergate.survey.raw import mapping, text
from leadergate_certs.calls import query
from leadergate_election.connection import ApiConnection, ApiStream

IDLE_SECONDS = 60.0
"""A log that brings no line for so long is asked for anew: a connection may be dead without a sign of it."""

LONGEST = 16 << 20
"""Bytes of a line that are kept; a record is a few thousand bytes long."""

SECOND = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ")


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a replica's log, without its end. ``at`` is when the node took it, by the node's clock, to the µs."""

    pod: str
    container: str
    at: datetime | None
    text: bytes


class Stamped(NamedTuple):
    """A line as it came, its time as nanoseconds since 1970 (None when it has none), and whether its end has come."""

    nanos: int | None
    raw: bytes
    whole: bool

    def line(self, replica: Replica) -> LogLine:
        """As it is handed on."""
        if self.nanos is None:
            return LogLine(replica.name, replica.container, None, self.raw)
        at = _EPOCH + timedelta(microseconds=self.nanos // 1000)
        return LogLine(replica.name, replica.container, at, self.raw.partition(b" ")[2])


class NoLog(Exception):
    """There is no such log, at least not now: the container has not started, has no predecessor, or its Pod is gone.

    ``lost`` tells that there was one, which the node cannot give any more.
    """

    def __init__(self, why: str, *, gone: bool = False, lost: bool = False) -> None:
        super().__init__(why)
        self.gone, self.lost = gone, lost


class NotNow(Exception):
    """The API server has no log to give for the time being, such as when it cannot reach the node."""


@dataclass(frozen=True, slots=True)
class Begin:
    """From where on a log is wanted: all of it, from a moment on (``nanos`` since 1970), or its last ``seconds``."""

    nanos: int | None = None
    seconds: int | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """As PodLogOptions; the API server cuts moments down to whole seconds (registry/core/pod, LogLocation)."""
        if self.seconds is not None:
            return {"sinceSeconds": str(max(self.seconds, 1))}
        if self.nanos is not None:
            return {"sinceTime": f"{_EPOCH + timedelta(seconds=self.nanos // SECOND):%Y-%m-%dT%H:%M:%SZ}"}
        return {}

    def before(self, line: Stamped) -> bool:
        """Whether a line is older than the moment."""
        return self.nanos is not None and line.nanos is not None and line.nanos < self.nanos


WHOLE = Begin()


def nanoseconds(moment: datetime) -> int:
    """A moment as nanoseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def stamped(raw: bytes, *, whole: bool = True) -> Stamped:
    """Read a line that begins with the node's time and a space; one that does not has none."""
    found = _STAMP.match(raw)
    if found is None:
        return Stamped(None, raw, whole)
    seconds, fraction, zone = (part.decode() for part in (found[1], found[2] or b"0", found[3]))
    try:
        at = datetime.fromisoformat(seconds + zone)
    except ValueError:
        return Stamped(None, raw, whole)
    return Stamped(nanoseconds(at) + int(fraction.ljust(9, "0")), raw, whole)


@asynccontextmanager
async def log(
    connection: ApiConnection,
    replica: Replica,
    begin: Begin = WHOLE,
    *,
    previous: bool = False,
    follow: bool = False,
    limit: int | None = None,
    idle: float = IDLE_SECONDS,
) -> AsyncIterator[AsyncIterator[Stamped]]:
    """The lines of a replica's log, of the container before this one with ``previous``.

    With ``follow`` they end with the container, without where the log ends now, or after ``limit`` bytes. The last one
    may lack its end.

    Raises:
        NoLog: there is none.
        NotNow: there is none for the time being.
        CannotRead: a right is missing.
        Unreachable: no answer came; and between lines, it broke off. Silent: no byte came for ``idle`` seconds.
    """
    flags = {"previous": previous, "follow": follow, "timestamps": True}
    options = {name: "true" for name, is_set in flags.items() if is_set}
    if limit is not None:
        options["limitBytes"] = str(limit)
    parameters = query(container=replica.container, **options, **begin.parameters)
    path = f"/api/v1/namespaces/{replica.namespace}/pods/{replica.name}/log?{parameters}"
    async with connection.stream(path, idle=idle) as stream:
        if stream.code != 200:
            raise await _refusal(connection, replica, stream, previous=previous)
        yield _lines(stream.chunks)


async def split(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[bytes, bool]]:
    """Lines, without their ends; the last one with False when its end did not come. Of the longest the end is lost."""
    kept: list[bytes] = []
    size = 0
    async for chunk in chunks:
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            yield b"".join((*kept, line))[:LONGEST], True
            kept, size = [], 0
        if rest and size < LONGEST:
            kept.append(rest)
            size += len(rest)
    if kept:
        yield b"".join(kept)[:LONGEST], False


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[Stamped]:
    async for raw, whole in split(chunks):
        yield stamped(raw, whole=whole)


async def _refusal(
    connection: ApiConnection, replica: Replica, stream: ApiStream, *, previous: bool
) -> NoLog | NotNow | CannotRead:
    if stream.code == 403:
        return CannotRead(await denied(connection, Right("get", "", "pods/log", replica.namespace)))
    said = f"the API server answered {stream.code}: {await _said(stream)}"
    if stream.code == 404:
        return NoLog(said, gone=True)
    if stream.code == 400:
        # Without a predecessor it says "previous terminated container … not found"; one whose log has been cleared away
        # is there and cannot be retrieved.
        return NoLog(said, lost=previous and "not found" not in said)
    return NotNow(said)


async def _said(stream: ApiStream) -> str:
    body = b""
    async for chunk in stream.chunks:
        body += chunk
        if len(body) > 1 << 16:
            break
    try:
        return text(mapping(msgspec.json.decode(body)).get("message")) or "no reason given"
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body[:200].decode(errors="replace").strip() or "no reason given"
