"""Calls of the API server, each bounded in time, every failure translated to :class:`ClusterFault`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol
from urllib.parse import urlencode

import msgspec

from leadergate_election.connection import ApiAnswer, Unreachable

SECONDS = 10.0
JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class Connection(Protocol):
    """Sends requests to the API server."""

    def request(
        self, method: str, path: str, body: bytes | None = None, *, content_type: str = ...
    ) -> Awaitable[ApiAnswer]:
        """Send one request. Raises Unreachable."""
        ...


class ClusterFault(Exception):
    """The API server refused something or did not answer; the message says what and what to do about it."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class Conflict(ClusterFault):
    """Somebody else has written the object since it was read."""


class Calls:
    """Calls over one connection; each takes ``SECONDS`` at most. ``what`` says in a fault what was tried."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, path: str, *, what: str) -> dict[str, Any]:
        """GET an object. Raises ClusterFault; its ``code`` is 404 when there is none."""
        return await self.send("GET", path, what=what)

    async def send(
        self, method: str, path: str, body: Any = None, *, what: str, content_type: str = JSON
    ) -> dict[str, Any]:
        """Send an object, and return the one that is answered. Raises Conflict at 409, else ClusterFault."""
        encoded = None if body is None else msgspec.json.encode(body)
        try:
            async with asyncio.timeout(SECONDS):
                answer = await self._connection.request(method, path, encoded, content_type=content_type)
        except TimeoutError:
            raise ClusterFault(f"cannot {what}: no answer within {SECONDS:.0f} s") from None
        except Unreachable as fault:
            raise ClusterFault(f"cannot {what}: {fault}") from fault
        parsed = _parsed(answer.body)
        if 200 <= answer.code < 300 and parsed is not None:
            return parsed
        said = str((parsed or {}).get("message") or "no reason given")
        if answer.code == 409:
            raise Conflict(f"cannot {what}: {said}", 409)
        remedy = "; docs/certificates.md says which rights it takes" if answer.code == 403 else ""
        raise ClusterFault(f"cannot {what}: the API server answered {answer.code}: {said}{remedy}", answer.code)


def query(**parameters: str) -> str:
    """Parameters as they stand in a URL."""
    return urlencode(parameters)


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        parsed = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    return parsed if isinstance(parsed, dict) else None
