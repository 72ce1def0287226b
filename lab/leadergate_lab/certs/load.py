"""A constant load of status writes by the holder, each of which the gate has to allow."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import TracebackType

from leadergate_lab.processes import wait_until
from leadergate_lab.writer import Writer

PER_SECOND = 80.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A write that was not admitted: when (``time.monotonic``), the HTTP code, and what was said."""

    at: float
    code: int
    message: str


class StatusLoad:
    """Writes the status of each of ``paths`` (Deployments) from a thread of its own, ``per_second`` in all.

    A context manager: it begins at once, and ends with the block.
    """

    def __init__(self, writer: Writer, paths: Sequence[str], *, per_second: float = PER_SECOND) -> None:
        self._writer = writer
        self._interval = len(paths) / per_second
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._times: list[float] = []
        self.failures: list[Failure] = []
        self._threads = [threading.Thread(target=self._write, args=(path,), daemon=True) for path in paths]

    @property
    def admitted(self) -> int:
        """How many writes have been admitted."""
        return len(self._times)

    def wait_admitted(self, count: int, *, timeout: float = 30.0) -> None:
        """Wait until ``count`` more are admitted from now on. Raises TimeoutError with the last failure."""
        begun = self.admitted
        try:
            wait_until(
                lambda: self.admitted >= begun + count, what=f"{count} more writes are admitted", timeout=timeout
            )
        except TimeoutError as error:
            last = self.failures[-1].message if self.failures else "none failed"
            raise TimeoutError(f"{error}; the last failure: {last}") from None

    def longest_gap(self) -> float:
        """The most seconds that have passed between two admitted writes, of any objects."""
        with self._lock:
            times = sorted(self._times)
        return max((after - before for before, after in pairwise(times)), default=0.0)

    def outage(self) -> float:
        """Seconds from the first failure to the last one; 0 when none or one failed."""
        with self._lock:
            times = [failure.at for failure in self.failures]
        return max(times) - min(times) if times else 0.0

    def told(self) -> str:
        """The counts, and the first failures, for a message."""
        shown = "; ".join(f"{failure.code} {failure.message}" for failure in self.failures[:3])
        return f"{self.admitted} admitted, {len(self.failures)} failed" + (f": {shown}" if shown else "")

    def __enter__(self) -> StatusLoad:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _write(self, path: str) -> None:
        number = 0
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._interval, time.monotonic())
            number += 1
            try:
                answer = self._writer.status(path, {"observedGeneration": number})
                ok, code, message = answer.ok, answer.code, answer.message
            except Exception as error:  # whatever it is, the write was not admitted
                ok, code, message = False, 0, repr(error)
            with self._lock:
                if ok:
                    self._times.append(time.monotonic())
                else:
                    self.failures.append(Failure(time.monotonic(), code, message))
