"""Watches that wake a rotation, and what is said of one that does not work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from leadergate_certs import wake as module
from leadergate_certs.wake import wake_on_change
from leadergate_election.connection import Unreachable


class Watches:
    """Answers each watch with the next of ``answers``: a line, or why there is none; then it is silent."""

    def __init__(self, *answers: bytes | Unreachable) -> None:
        self._answers = list(answers)
        self.over = asyncio.Event()

    async def lines(self, path: str, *, seconds: float) -> AsyncIterator[bytes]:
        """The lines of one answer."""
        if not self._answers:
            self.over.set()
            await asyncio.Event().wait()
        answer = self._answers.pop(0)
        if isinstance(answer, Unreachable):
            raise answer
        yield answer


async def test_a_broken_watch_is_told_once_until_it_works_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """And again when it breaks anew, or for another reason."""
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.0)
    refused, gone = Unreachable("answered 403"), Unreachable("cannot be reached")
    watches, wake = Watches(refused, refused, gone, b"event", gone), asyncio.Event()
    told: list[tuple[str, str]] = []
    task = asyncio.create_task(
        wake_on_change(watches, ["/secrets?a"], wake, lambda path, why: told.append((path, why)))
    )
    await asyncio.wait_for(watches.over.wait(), 10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert wake.is_set()
    assert told == [("/secrets?a", str(why)) for why in (refused, gone, gone)]
