"""Long work shows that it is alive: in place on a terminal, line by line elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading

import pytest

from leadergate_lab import progress
from leadergate_lab.progress import elapsed, ticking

ON_A_TERMINAL = """
import threading
from leadergate_lab import progress
progress.LIVE_SECONDS = 0.01
seen = threading.Event()
def describe():
    if describe.calls == 2:
        seen.set()
    describe.calls += 1
    return f"step {describe.calls}"
describe.calls = 0
report = progress.Console()
with progress.ticking(report, describe):
    seen.wait()
report("done")
"""


def test_lines_where_nothing_can_be_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that is no terminal gets whole lines, each with the time elapsed, until the work ends."""
    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0.01)
    lines: list[str] = []
    twice = threading.Event()

    def report(line: str) -> None:
        lines.append(line)
        if len(lines) == 2:
            twice.set()

    with ticking(report, lambda: "compiling"):
        assert twice.wait(60)
    assert set(lines) == {"compiling · 0 s"}
    assert "progress" not in [thread.name for thread in threading.enumerate()]


def test_one_line_redrawn_on_a_terminal() -> None:
    """On a terminal the line is erased and drawn again, and gone once the work is done."""
    leader, follower = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", ON_A_TERMINAL], stderr=follower, env={**os.environ, "TERM": "xterm"}):
        os.close(follower)
        shown = b""
        while b"done" not in shown:
            shown += os.read(leader, 4096)
    os.close(leader)
    assert b"\r\x1b[Kstep 1 \xc2\xb7 0 s\r\x1b[Kstep 2" in shown
    assert b"\r\x1b[K\r\x1b[Kdone" in shown
    assert b"\n" not in shown.partition(b"done")[0]


@pytest.mark.parametrize(("seconds", "written"), [(0, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (423, "7 min 03 s")])
def test_durations(seconds: float, written: str) -> None:
    """Seconds below a minute, then minutes and seconds."""
    assert elapsed(seconds) == written
