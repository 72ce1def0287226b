"""How a command ends that somebody ends: what it left in its folder goes first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

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


def _ending(number: int) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
