"""Progress of long work for people: one line redrawn on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LIVE_SECONDS = 1.0
"""How often the line is redrawn on a terminal."""

PLAIN_SECONDS = 10.0
"""How often a line is added where nothing can be redrawn: a CI log, a pipe."""

Report = Callable[[str], None]
"""Takes one whole line, without its line end."""


class Console:
    """A `Report` that writes to standard error and, on a terminal, can also redraw its last line."""

    @property
    def live(self) -> bool:
        """Whether a line can be redrawn in place."""
        return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def __call__(self, line: str) -> None:
        """Write a line that stays."""
        sys.stderr.write(f"{self._erase}{line}\n")
        sys.stderr.flush()

    def redraw(self, line: str) -> None:
        """Show `line` in place of the one redrawn before; cut to the terminal's width, for a wrapped line stays."""
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"{self._erase}{line[:width]}")
        sys.stderr.flush()

    @property
    def _erase(self) -> str:
        return "\r\x1b[K" if self.live else ""


@contextmanager
def ticking(report: Report, describe: Callable[[], str], began: float | None = None) -> Iterator[None]:
    """While the block runs, report `describe()` again and again, with the time since `began` (`time.monotonic()`).

    Without `began` time runs from the start of the block. `describe` runs in another thread: it may only read.
    """
    live = isinstance(report, Console) and report.live
    start = time.monotonic() if began is None else began
    over = threading.Event()

    def tick() -> None:
        while not over.wait(LIVE_SECONDS if live else PLAIN_SECONDS):
            line = f"{describe()} · {elapsed(time.monotonic() - start)}"
            if live and isinstance(report, Console):
                report.redraw(line)
            else:
                report(line)

    thread = threading.Thread(target=tick, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        if live and isinstance(report, Console):
            report.redraw("")


def elapsed(seconds: float) -> str:
    """Write a duration as people say it: `42 s`, `7 min 03 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
