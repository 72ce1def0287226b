"""One command as the user runs it, a whole process, and what it took."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from leadergate_lab.bench.machine import peak_memory

_SAMPLE_SECONDS = 0.02
_WELL_ABOVE = 1.25
_BLOCK = 512
"""What getrusage(2) counts reading in, in bytes."""


class Failed(RuntimeError):
    """A command did not do what is measured; the message has what it said."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a process took: wall clock and processor time in seconds, memory at its peak and bytes from disk in MiB.

    What was not read from the disk came out of the page cache.
    """

    seconds: float
    cpu: float
    peak: float
    from_disk: float


def run(argv: Sequence[str | Path], out: Path) -> Ran:
    """Run a command to its end, with its standard output in a file. Raises Failed unless it ends with 0."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LEADERGATE_")}
    errors = out.with_suffix(".stderr")
    with out.open("wb") as stdout, errors.open("wb") as stderr:
        floor = peak_memory(os.getpid())
        began = time.monotonic()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment)
        try:
            with _Watched(process.pid) as watched:
                _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - began
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            process.kill()
            process.wait()
            raise
    if process.returncode:
        told = "\n".join(errors.read_text(errors="replace").splitlines()[-20:])
        raise Failed(f"{' '.join(map(str, argv))}\nended with {process.returncode}\n{told}")
    # A child is charged with the memory of the process that it was forked from, by counters that are not exact: only
    # well above that it is its own. Below, what was seen counts.
    peak = usage.ru_maxrss / 1024
    return Ran(
        seconds=seconds,
        cpu=usage.ru_utime + usage.ru_stime,
        peak=peak if peak > _WELL_ABOVE * floor else watched.peak,
        from_disk=usage.ru_inblock * _BLOCK / (1 << 20),
    )


class _Watched:
    """Looks at the memory of a process now and then; ``peak`` is the most that was seen, in MiB."""

    def __init__(self, pid: int) -> None:
        self.peak = 0.0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak memory", daemon=True)

    def __enter__(self) -> _Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            try:
                self.peak = max(self.peak, peak_memory(self._pid))
            except OSError:
                return
            if self._over.wait(_SAMPLE_SECONDS):
                return
