"""The webhook's Pods as they come, change and go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from leadergate.audit.cluster.logs import split
from leadergate.audit.cluster.replicas import CannotRead, Replica, Replicas, replica
from leadergate.audit.cluster.rights import denied
from leadergate.survey.parts import Right
from leadergate.survey.raw import mapping, metadata, text
from leadergate_certs.calls import query
from leadergate_election.connection import Unreachable

WATCH_SECONDS = 240
_GRACE_SECONDS = 10
_PAUSE_SECONDS = 0.5
PATIENCE_SECONDS = 30.0
"""How long a refusal may last, once it worked."""

Told = Callable[[Mapping[str, Replica]], None]


class Contact:
    """Says that the API server is out of reach, and that it is back: once, however many calls of it fail."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lost = False

    def lost(self, why: str) -> None:
        """A call failed."""
        if not self._lost:
            self._lost = True
            self._say(f"{why}; trying again")

    def back(self) -> None:
        """A call succeeded."""
        if self._lost:
            self._lost = False
            self._say("the API server answers again; reading goes on after the last lines that were seen")


class PodWatch:
    """Tells all Pods by uid after each change."""

    def __init__(self, replicas: Replicas, told: Told, contact: Contact) -> None:
        self._replicas, self._told, self._contact = replicas, told, contact
        self._worked = False
        self._refused_since: float | None = None

    async def run(self) -> None:
        """For ever, through every fault that may pass.

        Raises:
            CannotRead: a right is missing. Once it worked that is borne for a while: an API server that has just
                started refuses everybody for a moment.
        """
        while True:
            try:
                await self._once()
                continue
            except CannotRead:
                self._refused_since = self._refused_since or time.monotonic()
                if not self._worked or time.monotonic() - self._refused_since > PATIENCE_SECONDS:
                    raise
            except Unreachable as fault:
                self._contact.lost(str(fault))
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _once(self) -> None:
        """List, and watch until it ends or must begin anew."""
        there, version = await self._replicas.list()
        self._contact.back()
        self._told(dict(there))
        connection, where = self._replicas.connection, self._replicas.where
        more = query(watch="true", resourceVersion=version, timeoutSeconds=str(WATCH_SECONDS))
        async with connection.stream(f"{where.path}&{more}", idle=WATCH_SECONDS + _GRACE_SECONDS) as stream:
            if stream.code == 403:
                raise CannotRead(await denied(connection, Right("watch", "", "pods", where.namespace)))
            if stream.code != 200:
                raise Unreachable(f"the API server answered {stream.code} to a watch of the webhook's pods")
            self._worked, self._refused_since = True, None
            async for line, _ in split(stream.chunks):
                if not _apply(line, there, where.container):
                    return
                self._told(dict(there))


def _apply(line: bytes, there: dict[str, Replica], container: str) -> bool:
    """Take an event of the watch in; False when one must begin with a new list."""
    try:
        event: dict[str, Any] = mapping(msgspec.json.decode(line))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    item = mapping(event.get("object"))
    match event.get("type"):
        case "ADDED" | "MODIFIED":
            found = replica(item, container)
            there[found.uid] = found
        case "DELETED":
            there.pop(text(metadata(item).get("uid")), None)
        case _:
            return False
    return True
