"""The link lets bytes pass, makes them stand still in both directions, and keeps their order."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from leadergate_lab.demo.link import Link

SHORT = 0.3
"""How long nothing must come, in seconds, to be taken for standing still."""


@pytest.fixture
def ends() -> Iterator[tuple[Link, socket.socket, socket.socket]]:
    """A link with one connection through it: the link, the near end and the far end."""
    with contextlib.ExitStack() as ending:
        server = ending.enter_context(socket.create_server(("127.0.0.1", 0)))
        link = Link(*server.getsockname())
        ending.callback(link.close)
        near = ending.enter_context(socket.create_connection(("127.0.0.1", link.port)))
        far = ending.enter_context(server.accept()[0])
        for end in (near, far):
            end.settimeout(10)
        yield link, near, far


def received(end: socket.socket, count: int) -> bytes:
    """That many bytes, or what came before the end."""
    found = b""
    while len(found) < count and (more := end.recv(count - len(found))):
        found += more
    return found


def stands_still(end: socket.socket) -> bool:
    """Whether nothing comes."""
    end.settimeout(SHORT)
    try:
        end.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True
    else:
        return False
    finally:
        end.settimeout(10)


def test_bytes_pass(ends: tuple[Link, socket.socket, socket.socket]) -> None:
    """In both directions, and an end does too."""
    _, near, far = ends
    near.sendall(b"question")
    assert received(far, 8) == b"question"
    far.sendall(b"answer")
    assert received(near, 6) == b"answer"
    near.close()
    assert received(far, 1) == b""


def test_what_is_held_comes_later_and_in_order(ends: tuple[Link, socket.socket, socket.socket]) -> None:
    """Held, nothing passes, not even an end; released, all of it comes."""
    link, near, far = ends
    link.hold()
    near.sendall(b"one")
    far.sendall(b"back")
    assert stands_still(far)
    assert stands_still(near)
    near.sendall(b"two")
    near.shutdown(socket.SHUT_WR)
    assert stands_still(far)
    link.release()
    assert received(far, 7) == b"onetwo"


def test_closing_ends_every_connection(ends: tuple[Link, socket.socket, socket.socket]) -> None:
    """Held or not, and nobody is served any more."""
    link, near, far = ends
    link.hold()
    link.close()
    assert received(far, 1) == b""
    assert received(near, 1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", link.port), timeout=5)
