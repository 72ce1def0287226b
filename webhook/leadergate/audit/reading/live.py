"""The logs of the webhook's replicas as they grow, handed on as :func:`leadergate.audit.reading.follow.follow` does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from leadergate.audit.cluster.live import Live
from leadergate.audit.cluster.logs import LogLine
from leadergate.audit.cluster.replicas import Replicas
from leadergate.audit.reading.follow import POLL_SECONDS
from leadergate.audit.reading.origin import Origin
from leadergate.audit.reading.reaching import note, reached
from leadergate.audit.reading.sift import Bad, Foreign, sift
from leadergate.audit.telling.words import counted

_BATCH = 4096
NAME = "the cluster"

New = Callable[[str, list[bytes]], None]


def _go_on(_: float) -> None:
    """Nobody asks it to end."""


def follow_replicas(
    origin: Origin,
    new: New,
    *,
    history: bool = False,
    wait: Callable[[float], None] = _go_on,
    say: Callable[[str], None] = note,
) -> None:
    """Hand on new lines of records in the order of their times, until ``wait`` raises or a signal comes.

    It begins with ``origin.begin``, else with all that there is (``history``), or now. ``new`` takes records of all
    replicas by one name, and a line that is a bad record by its pod's; what else the webhook logs is left out. ``wait``
    is called several times a second, with how long there is nothing to do, and must not wait. ``say`` is told what
    happens to the replicas. Raises OutOfReach.
    """

    async def work(replicas: Replicas) -> None:
        there, _ = await replicas.list()
        if there:  # else it is told why that is a fault
            say(f"following {counted(len(there), 'replica')} of the webhook in namespace {replicas.where.namespace}")
        async with Live(replicas, since=origin.begin, history=history, say=say) as live:
            held: list[LogLine] = []

            async def take() -> None:
                async for line in live:
                    held.append(line)
                    if len(held) >= _BATCH:
                        _hand_on(held, new)

            taking = asyncio.create_task(take())
            try:
                while not taking.done():
                    await asyncio.wait({taking}, timeout=POLL_SECONDS)
                    _hand_on(held, new)
                    wait(0)
                taking.result()
            finally:
                taking.cancel()
                await asyncio.gather(taking, return_exceptions=True)

    reached(origin, work)


def _hand_on(held: list[LogLine], new: New) -> None:
    lines = held.copy()
    held.clear()
    good: list[bytes] = []
    for line in lines:
        one = sift(line.text)
        if isinstance(one, Bad):
            new(f"pod/{line.pod}", [line.text])
        elif not isinstance(one, Foreign):
            good.append(line.text)
    if good:
        new(NAME, good)
