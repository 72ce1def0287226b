"""What is appended to logs while the page is open: a thread takes it into the table."""

from __future__ import annotations

import threading
from collections.abc import Callable

import duckdb

from leadergate.audit.page.view import View
from leadergate.audit.reading.follow import Unreadable
from leadergate.audit.reading.sift import Bad, RecordLine, sift
from leadergate.audit.reading.tally import BadLine
from leadergate.audit.telling.plain_text import printable

New = Callable[[str, list[bytes]], None]
"""Takes new lines, with the name of where they stand."""
Wait = Callable[[float], None]
"""Called with how many seconds there is nothing to do."""


class _Ended(Exception):
    """Nobody watches any more."""


class Following:
    """Takes new lines into a view until it is ended.

    ``follow`` hands them on, as :func:`leadergate.audit.reading.follow.follow` does, and lets whatever ``Wait`` raises
    pass. ``say`` tells the terminal.
    """

    def __init__(self, view: View, follow: Callable[[New, Wait], None], say: Callable[[str], None]) -> None:
        self._view = view
        self._follow = follow
        self._say = say
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follow", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """End it, and wait until it has let go of the table."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        try:
            self._follow(self._take, self._wait)
        except _Ended:
            return
        except (Unreadable, duckdb.Error) as fault:
            if self._ended.is_set():
                return
            self._view.fault = f"nothing is followed any more: {printable(str(fault).partition(chr(10))[0])}"
            self._say(self._view.fault)

    def _wait(self, seconds: float) -> None:
        if self._ended.wait(seconds):
            raise _Ended

    def _take(self, name: str, lines: list[bytes]) -> None:
        if self._ended.is_set():
            raise _Ended
        records = []
        for line in lines:
            match sift(line):
                case RecordLine(json):
                    records.append(json)
                case Bad(why):
                    self._view.tally.note(BadLine(name, 0, why))
                case _:
                    self._view.tally.foreign += 1
        if records:
            self._view.store.append(records)
