"""How far reading has come, on standard error, where that is a terminal and reading takes its time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import duckdb

from leadergate.audit.telling.plain_text import printable

T = TypeVar("T")

QUIET_SECONDS = 2.0
"""Nothing is said before."""
_EVERY_SECONDS = 0.5
_OVER_SECONDS = 0.1
_CLEAR = "\r\x1b[K"


class Screen:
    """One line of standard error that is written over again and again; nothing where nobody watches."""

    def __init__(self) -> None:
        self._shows = sys.stderr is not None and sys.stderr.isatty()
        self._next = time.monotonic() + QUIET_SECONDS
        self._dirty = False

    def lines(self, name: str, lines: int, size: int) -> None:
        """``lines`` lines of ``size`` bytes of a source have been gone through."""
        self._say(f"reading {printable(name)} line by line: {lines:,} lines, {size / (1 << 20):,.0f} MiB")

    def say(self, text: str) -> None:
        """How far something else has come."""
        self._say(printable(text))

    def clear(self) -> None:
        """Leave the line empty for what comes next."""
        if self._dirty:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            self._dirty = False

    def run(self, engine: duckdb.DuckDBPyConnection, query: Callable[[], T]) -> T:
        """The answer of a query of the engine, which is told of while it runs.

        It runs in a thread of its own: in this one, no signal would be seen to before the query is through. What ends
        the wait, such as Ctrl-C, ends the query.
        """
        with ThreadPoolExecutor(max_workers=1) as pool:
            # Its thread is there before the query is: nobody would wait for one whose start was interrupted.
            pool.submit(_nothing).result()
            try:
                answer = pool.submit(query)
                while not wait([answer], _EVERY_SECONDS).done:
                    percent = engine.query_progress() if self._shows else -1
                    if percent >= 0:
                        self._say(f"reading records: {percent:.0f} %")
            except BaseException:
                # This is done when the query is over, or was never begun.
                behind = pool.submit(_nothing)
                engine.interrupt()
                # Between two statements there was nothing to interrupt.
                while not wait([behind], _OVER_SECONDS).done:
                    engine.interrupt()
                raise
            finally:
                self.clear()
            return answer.result()

    def _say(self, text: str) -> None:
        now = time.monotonic()
        if self._shows and now >= self._next:
            self._next = now + _EVERY_SECONDS
            sys.stderr.write(f"{_CLEAR}{text}")
            sys.stderr.flush()
            self._dirty = True


def _nothing() -> None:
    return
