"""Reading a request's body within bounds: of one body, of all bodies together, and of time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

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

    async def read(self, scope: Scope, receive: Receive, deadline: float) -> bytes:
        """The whole body.

        Raises:
            BadCall: 413 beyond the limit, 408 when it is not whole at ``deadline`` (loop time).
            Overloaded: all bodies together exceed the budget.
            CallerGone: the caller hung up.
        """
        for name, value in scope["headers"]:
            if name == b"content-length" and int(value) > self.limit:
                raise self._too_large()
        return await _by(deadline, self._pieces(receive))

    async def _pieces(self, receive: Receive) -> bytes:
        piece, more = await self._piece(receive)
        if not more:
            # The usual case: a small body comes in one piece and is never copied.
            return piece
        # Joined once at the end: a buffer that grows with each piece is copied again and again.
        pieces = [piece]
        while more:
            piece, more = await self._piece(receive)
            pieces.append(piece)
        return b"".join(pieces)

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


async def _by(deadline: float, body: Coroutine[Any, Any, bytes]) -> bytes:
    """``asyncio.timeout_at`` at a quarter of its cost, which counts here: this is passed for every review.

    Raises:
        BadCall: 408 at the deadline.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine is run by a task
    overdue = False

    def interrupt() -> None:
        nonlocal overdue
        overdue = True
        task.cancel()

    timer = asyncio.get_running_loop().call_at(deadline, interrupt)
    try:
        return await body
    except asyncio.CancelledError:
        if not overdue or task.uncancel() > 0:
            raise
        raise BadCall(408, "the body did not arrive in time") from None
    finally:
        timer.cancel()
