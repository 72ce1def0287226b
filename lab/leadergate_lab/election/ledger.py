"""A process's own account of when it leads, written ahead, and what an observer in the process saw.

Each line is a JSON object that names the ``process`` (its identity and which life of it) and the ``lease``. ``at`` is
the moment on the machine's clock. A claim has ``until``: from ``at`` on the process leads till then, unless the next
line says otherwise; null ends it. A sighting has ``seen``, the first and last moment at which ``is_leader`` was true
without a break. ``leader`` is the identity of a new leader that the process was told of. ``died`` is written by the
laboratory for a process that it has killed.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from leadergate_election.clock import now
from leadergate_election.leadership import Leadership
from leadergate_lab.election.judge import Belief

LOOK_SECONDS = 0.002
PRECISE_SECONDS = 0.005
BREAK_SECONDS = 0.05
WRITE_SECONDS = 0.1

Line = dict[str, Any]


class Ledger:
    """Appends lines to a file, whole and at once; from any thread."""

    def __init__(self, path: Path, process: str) -> None:
        self._process = process
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, **line: Any) -> None:
        """Append one line."""
        os.write(self._file, (json.dumps({"process": self._process, **line}) + "\n").encode())


class WrittenLeadership(Leadership):
    """Writes each claim to a ledger before it is made, and each end after it has come."""

    def __init__(self, ledger: Ledger, lease: str, clock: Callable[[], float] = now) -> None:
        super().__init__(clock)
        self._ledger = ledger
        self._lease = lease

    def begin(self, until: float) -> None:
        """As there."""
        self._claim(until)
        super().begin(until)

    def extend(self, until: float) -> bool:
        """As there."""
        self._claim(until)
        extended = super().extend(until)
        if not extended:
            self._claim(None)
        return extended

    def end(self) -> None:
        """As there."""
        held = self.left > 0
        super().end()
        if held:
            self._claim(None)

    def _claim(self, until: float | None) -> None:
        self._ledger.write(lease=self._lease, at=now(), until=until)


class CarelessLeadership(WrittenLeadership):
    """One that knows no deadline: once begun it lasts until someone ends it. A fault made on purpose."""

    def begin(self, until: float) -> None:  # noqa: ARG002 - careless of it
        """For ever."""
        super().begin(math.inf)

    def extend(self, until: float) -> bool:  # noqa: ARG002 - careless of it
        """For ever."""
        return super().extend(math.inf)


def watch(ledger: Ledger, lease: str, is_leader: Callable[[], bool]) -> None:
    """Look at ``is_leader`` for ever and write down what was seen. Call it on a thread of its own.

    A look that took long says nothing, since it is not known at which moment of it the answer was true; nor is it known
    what was true in a long break between two looks, such as a freeze.
    """
    first = last = written = 0.0
    while True:
        before = now()
        leads = is_leader()
        after = now()
        precise = after - before <= PRECISE_SECONDS
        if first and (not leads or not precise or before - last > BREAK_SECONDS):
            ledger.write(lease=lease, seen=[first, last])
            first = 0.0
        if leads and precise:
            if not first:
                first, written = after, after
            last = max(before, first)
            if last - written > WRITE_SECONDS:
                ledger.write(lease=lease, seen=[first, last])
                # The next stretch begins where this one ends, so that together they are one.
                first = written = last
        time.sleep(LOOK_SECONDS)


def read(path: Path) -> list[Line]:
    """The whole lines of a ledger, oldest first."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def claims(lines: Iterable[Mapping[str, Any]]) -> list[Belief]:
    """When each process was entitled to believe that it leads, by its own account."""
    found: list[Belief] = []
    standing: dict[tuple[str, str], tuple[float, float]] = {}

    def close(key: tuple[str, str], at: float) -> None:
        start, until = standing.pop(key)
        if min(until, at) > start:
            found.append(Belief(*key, start, min(until, at)))

    for line in lines:
        if "died" in line:
            for key in [key for key in standing if key[0] == line["process"]]:
                close(key, line["died"])
        elif "at" in line:
            key = (line["process"], line["lease"])
            if key in standing:
                close(key, line["at"])
            if line["until"] is not None:
                standing[key] = (line["at"], line["until"])
    for key in list(standing):
        close(key, math.inf)
    return found


def sightings(lines: Iterable[Mapping[str, Any]]) -> list[Belief]:
    """When each process was seen to believe it."""
    return [Belief(line["process"], line["lease"], *line["seen"]) for line in lines if "seen" in line]


def watching(ledger: Ledger, lease: str, is_leader: Callable[[], bool]) -> None:
    """Begin :func:`watch` on a thread that ends with the process."""
    threading.Thread(target=watch, args=(ledger, lease, is_leader), name="observer", daemon=True).start()
