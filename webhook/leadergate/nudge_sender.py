"""Sends one nudge, and makes out what the API server's answer means for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
import structlog

from leadergate.change import seen
from leadergate.model import LeaseKey
from leadergate.nudge import ANNOTATION, LOOK, MAX_TRIES, Nudge, Outcome, Pace, passing, patch, path, pause
from leadergate.stuck import StuckObjects
from leadergate_election.connection import ApiAnswer, Unreachable

log: structlog.stdlib.BoundLogger = structlog.get_logger("leadergate")

PATCH_SECONDS = 5.0
MERGE_PATCH = "application/merge-patch+json"
_MAX_SAID = 1024
_REMEDY = (
    "grant the webhook's service account 'patch' on this resource (docs/takeover.md), or leave --nudge out; "
    "until then it is tried again, ever less often"
)


class Connection(Protocol):
    """Sends requests to the API server."""

    def request(
        self, method: str, path: str, body: bytes | None = None, *, content_type: str = ...
    ) -> Awaitable[ApiAnswer]:
        """Send one request. Raises Unreachable."""
        ...


class NudgeSender:
    """Patches objects over ``connection``, at most ``per_second`` requests on average; tells ``memory`` what it saw."""

    def __init__(
        self,
        memory: StuckObjects,
        connection: Connection,
        *,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._memory = memory
        self._connection = connection
        self._clock = clock
        self._pace = Pace(per_second)
        self._said: set[tuple[LeaseKey, str, str, str]] = set()

    async def nudge(self, nudge: Nudge, needed: Callable[[], bool]) -> Outcome | None:
        """Nudge one object, as often as it takes; None when that is, or turns out to be, no longer ``needed``."""
        try:
            where = path(nudge.key, nudge.stuck.version)
        except ValueError:
            self._memory.moved_on(nudge.key, nudge.stuck)
            return Outcome.FAILED
        for tries in range(1, MAX_TRIES + 1):
            if not needed():
                return None
            await self._turn()
            if not needed():
                return None
            result = await self._attempt(nudge, where, tries)
            if isinstance(result, Outcome):
                return result
            await asyncio.sleep(result)
        log.warning("nudge_put_off", path=where, tries=MAX_TRIES)
        return Outcome.FAILED

    async def check(self, nudge: Nudge, needed: Callable[[], bool]) -> None:
        """Forget an object that is gone, or whose status was written since its rejection."""
        await self._turn()
        if not needed():
            return
        stuck, answer = nudge.stuck, await self._send(path(nudge.key, nudge.stuck.version), LOOK)
        if answer is not None and answer.code == 200:
            self._found(nudge, answer.body, looked=True)
        elif answer is not None and answer.code == 404:
            self._memory.moved_on(nudge.key, stuck)

    async def _attempt(self, nudge: Nudge, where: str, tries: int) -> Outcome | float:
        """One attempt: what came of it, or the seconds to wait until the next."""
        stuck = nudge.stuck
        answer = await self._send(where, patch(stuck.resource_version, nudge.value))
        looked = answer is not None and answer.code == 409
        if looked:
            # Somebody has written the object since it was rejected. Was it its status?
            await self._turn()
            answer = await self._send(where, LOOK)
        if answer is None:
            self._memory.put_back(nudge.key, stuck)
            return Outcome.UNANSWERED
        if answer.code == 200:
            return self._found(nudge, answer.body, looked=looked)
        if answer.code == 404:
            self._memory.moved_on(nudge.key, stuck)
            return Outcome.GONE
        if answer.code == 403:
            self._say_forbidden(nudge, answer.body)
            return Outcome.FORBIDDEN
        if passing(answer.code):
            return pause(tries, answer.retry_after)
        log.warning("nudge_refused", path=where, code=answer.code, answer=_message(answer.body))
        return Outcome.FAILED

    def _found(self, nudge: Nudge, body: bytes, *, looked: bool) -> Outcome | float:
        stuck, shown = nudge.stuck, seen(body)
        if shown is None:
            return Outcome.NUDGED if not looked else Outcome.FAILED
        if looked and (shown.deleting or shown.status != stuck.status):
            self._memory.moved_on(nudge.key, stuck)
            return Outcome.MOVED_ON
        stuck.resource_version = shown.resource_version
        if not looked:
            return Outcome.NUDGED
        return Outcome.ALREADY if shown.annotations.get(ANNOTATION) == nudge.value else 0.0

    async def _turn(self) -> None:
        await asyncio.sleep(self._pace.wait(self._clock()))

    async def _send(self, where: str, body: bytes) -> ApiAnswer | None:
        """The answer, None if there was none in time."""
        try:
            async with asyncio.timeout(PATCH_SECONDS):
                return await self._connection.request("PATCH", where, body, content_type=MERGE_PATCH)
        except (Unreachable, TimeoutError) as fault:
            log.debug("nudge_unanswered", path=where, fault=str(fault))
            return None

    def _say_forbidden(self, nudge: Nudge, body: bytes) -> None:
        key = nudge.key
        subject = (key.lease, key.group, key.resource, key.namespace)
        if subject in self._said or len(self._said) >= _MAX_SAID:
            return
        self._said.add(subject)
        log.error(
            "nudge_forbidden",
            lease=str(key.lease),
            resource=f"{key.resource}.{key.group}" if key.group else key.resource,
            namespace=key.namespace,
            answer=_message(body),
            remedy=_REMEDY,
        )


class _Status(msgspec.Struct):
    message: str = ""


def _message(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Status).message
    except msgspec.MsgspecError:
        return repr(body[:200])
