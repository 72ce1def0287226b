"""Reading a request's body within bounds: of one body, of all bodies together, and of time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.types import Receive, Scope

from leadergate.review import BadCall


class Overloaded(Exception):
    """Too much is under way; the message names the bound and its setting."""


class CallerGone(Exception):
    """The caller hung up before its body was whole, so there is nobody to answer."""


@dataclass(slots=True)
class BodyBudget:
    """The bytes that all bodies under way may hold together."""

    limit: int
    held: int = 0

    def take(self, size: int) -> None:
        """Take ``size`` bytes. Raises :class:`Overloaded` when they are not to be had."""
        if self.held + size > self.limit:
            raise Overloaded(f"bodies under way hold {self.held} bytes (--max-body-bytes-in-flight {self.limit})")
        self.held += size

    def give_back(self, size: int) -> None:
        """Return what was taken."""
        self.held -= size


@dataclass(slots=True)
class Body:
    """One body. Use it as a context manager: what it holds of the budget goes back at the end."""

    budget: BodyBudget
    limit: int
    held: int = 0

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_: object) -> None:
        self.budget.give_back(self.held)

    async def read(self, scope: Scope, receive: Receive, deadline: float) -> bytes | bytearray:
        """The whole body.

        Raises:
            BadCall: 413 beyond the limit, 408 when it is not whole at ``deadline`` (loop time).
            Overloaded: all bodies together exceed the budget.
            CallerGone: the caller hung up.
        """
        for name, value in scope["headers"]:
            if name == b"content-length" and int(value) > self.limit:
                raise self._too_large()
        try:
            async with asyncio.timeout_at(deadline):
                return await self._pieces(receive)
        except TimeoutError as error:
            raise BadCall(408, "the body did not arrive in time") from error

    async def _pieces(self, receive: Receive) -> bytes | bytearray:
        piece, more = await self._piece(receive)
        if not more:
            # The usual case: a small body comes in one piece and is never copied.
            return piece
        body = bytearray(piece)
        while more:
            piece, more = await self._piece(receive)
            body += piece
        return body

    async def _piece(self, receive: Receive) -> tuple[bytes, bool]:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        piece: bytes = message.get("body", b"")
        if self.held + len(piece) > self.limit:
            raise self._too_large()
        self.budget.take(len(piece))
        self.held += len(piece)
        return piece, message.get("more_body", False)

    def _too_large(self) -> BadCall:
        return BadCall(413, f"the body exceeds {self.limit} bytes (--max-body-bytes)")
