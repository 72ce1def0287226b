"""What a leader does that was frozen while another took over."""

from __future__ import annotations

import time
from dataclasses import dataclass

from leadergate_lab.interop.fleet import Fleet

EXIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Thaw:
    """``rejected`` counts the status writes that it still tried; ``exit_code`` is None when it went on running.

    ``exit_seconds`` is how long after the thaw it ended, and ``last_line`` the end of its log.
    """

    rejected: int
    exit_code: int | None
    exit_seconds: float
    last_line: str


def thaw(fleet: Fleet, *, rest: float = 0.0) -> Thaw:
    """Freeze the leader, let another take over and write every status anew, wait ``rest`` seconds, and thaw it.

    Raises TimeoutError when nobody takes over.
    """
    frozen = fleet.leader
    frozen.process.freeze()
    # What it finds in its watch when it wakes up, before it has found that it leads no more.
    fleet.change(fleet.names, "https://example.org/while-frozen")
    patience = fleet.timings.lease * 3 + 30
    fleet.until(lambda: fleet.holder not in ("", frozen.pod), "a takeover", patience)
    fleet.change(fleet.names, "https://example.org/after-the-takeover")
    fleet.until(lambda: not fleet.wrong(), "the statuses of the new specs", patience)
    time.sleep(rest)
    before = len(fleet.denials(frozen.pod))
    frozen.process.thaw()
    thawed = time.monotonic()
    while frozen.process.running and time.monotonic() < thawed + EXIT_SECONDS:
        time.sleep(0.01)
    ended = time.monotonic() - thawed
    log = frozen.log()
    return Thaw(len(fleet.denials(frozen.pod)) - before, frozen.process.returncode, ended, log[-1] if log else "")
