"""Answers leave in one piece."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from leadergate.connection import JoinedWrites


class Wire:
    """What reaches the socket."""

    def __init__(self) -> None:
        self.sent: list[bytes | None] = []
        self.paused = False

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.sent.append(data)

    def close(self) -> None:
        """Keep that too."""
        self.sent.append(None)

    def pause_reading(self) -> None:
        """Something that is not about writing."""
        self.paused = True


@pytest.fixture(name="wire")
def a_wire() -> Wire:
    """An open connection."""
    return Wire()


def _joined(wire: Any) -> JoinedWrites:
    return JoinedWrites(wire, asyncio.get_running_loop())


async def test_head_and_body_are_one(wire: Wire) -> None:
    """Two pieces written at once are sent as one, and at once."""
    joined = _joined(wire)
    joined.write(b"head ")
    assert wire.sent == []
    joined.write(b"body")
    assert wire.sent == [b"head body"]
    await asyncio.sleep(0)
    assert wire.sent == [b"head body"]


async def test_a_piece_alone_waits_for_nobody(wire: Wire) -> None:
    """It is sent when the loop's turn ends: an answer to HEAD has no body that would push it out."""
    _joined(wire).write(b"100 Continue")
    await asyncio.sleep(0)
    assert wire.sent == [b"100 Continue"]


async def test_order_is_kept(wire: Wire) -> None:
    """Pipelined answers leave whole and in turn."""
    joined = _joined(wire)
    for piece in (b"1", b"2", b"3", b"4", b"5"):
        joined.write(piece)
    await asyncio.sleep(0)
    assert wire.sent == [b"12", b"34", b"5"]


async def test_closing_loses_nothing(wire: Wire) -> None:
    """What is held goes out before the connection ends."""
    joined = _joined(wire)
    joined.write(b"400")
    joined.close()
    await asyncio.sleep(0)
    assert wire.sent == [b"400", None]


async def test_the_rest_is_the_transports_own(wire: Wire) -> None:
    """Flow control reaches it."""
    _joined(wire).pause_reading()
    assert wire.paused
