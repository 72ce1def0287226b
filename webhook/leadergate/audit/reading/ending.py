"""How a command ends that somebody ends: what it left in its folder goes first."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def swept() -> Iterator[None]:
    """Unwind the block on a signal that ends the process, as Ctrl-C does, whatever runs when it comes.

    It becomes KeyboardInterrupt, or SystemExit with 128 and the signal's number, also where it came during a query and
    DuckDB says no more than that the query was interrupted.
    """
    came: list[int] = []

    def end(number: int, _: FrameType | None) -> NoReturn:
        came.append(number)
        raise _ending(number)

    before = {}
    try:
        for number in _ENDS:
            before[number] = signal.signal(number, end)
    except ValueError:  # not the main thread, which alone is told of signals
        pass
    try:
        yield
    except Exception:
        if came:
            raise _ending(came[0]) from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interruptible(work: Coroutine[Any, Any, T]) -> T:
    """What comes of ``work``, in a loop of its own; on a signal that ends the process it is cancelled, and unwinds.

    Then it ends as in :func:`swept`, of which the handlers of signals are in force again afterwards.
    """
    came: list[int] = []

    async def watched() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        before = {}

        def end(number: int) -> None:
            came.append(number)
            if task is not None:
                task.cancel()

        if threading.current_thread() is threading.main_thread():
            for number in _ENDS:
                before[number] = signal.getsignal(number)
                loop.add_signal_handler(number, end, number)
        try:
            return await work
        finally:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)

    try:
        return asyncio.run(watched())
    except (Exception, asyncio.CancelledError):
        if came:
            raise _ending(came[0]) from None
        raise


def _ending(number: int) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
