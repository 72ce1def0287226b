"""Tells when something has changed: watches whose events say no more than that another look is due.

The look reads everything anew, so that an event that is lost, doubled or late does no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from leadergate_election.connection import Unreachable

WATCH_SECONDS = 240
_GRACE_SECONDS = 10
_PAUSE_SECONDS = 2.0


class Streams(Protocol):
    """Streams answers of the API server."""

    def lines(self, path: str, *, seconds: float) -> AsyncIterator[bytes]:
        """The lines of one answer. Raises Unreachable."""
        ...


async def wake_on_change(
    connection: Streams,
    lists: Sequence[str],
    wake: asyncio.Event,
    on_broken: Callable[[str, str], None] = lambda _path, _why: None,
) -> None:
    """Set ``wake`` at each change in any of these lists (paths with a query), until cancelled.

    ``on_broken`` is told the path of a watch that does not work and why, once until it works again: without it changes
    are seen late.
    """
    async with asyncio.TaskGroup() as group:
        for path in lists:
            group.create_task(_watch(connection, path, wake, on_broken))


async def _watch(connection: Streams, path: str, wake: asyncio.Event, on_broken: Callable[[str, str], None]) -> None:
    # Without a resourceVersion each watch begins with what is there, so that nothing is missed in between.
    query = f"{path}&watch=true&timeoutSeconds={WATCH_SECONDS}"
    said = ""
    while True:
        try:
            async for _ in connection.lines(query, seconds=WATCH_SECONDS + _GRACE_SECONDS):
                said = ""
                wake.set()
        except Unreachable as fault:
            if str(fault) != said:
                said = str(fault)
                on_broken(path, said)
            await asyncio.sleep(_PAUSE_SECONDS)
