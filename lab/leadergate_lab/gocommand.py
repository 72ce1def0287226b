"""Run one command of a build and watch its lines: alive in the progress, whole in the error, dead after Ctrl-C."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from leadergate_lab.errors import AssetError

TAIL_LINES = 15
"""How much of a failed command's output its error shows."""

STOP_SECONDS = 5.0
"""How long an interrupted command may take to end before it is killed."""

REMEDIES = {
    "no space left on device": "The disk is full. A build from nothing needs about 5 GB: 3 GB in Go's build cache"
    " (`go env GOCACHE`), 0.6 GB in its module cache (`go env GOMODCACHE`), 1 GB in our cache ($LEADERGATE_CACHE)."
    " Free some, or point these elsewhere, and run it again.",
    "signal: killed": "Something killed the compiler, most likely for want of memory. Free some, or run again with"
    " GOFLAGS=-p=1 so that one package is compiled at a time.",
    "dial tcp": "The network or the module proxy cannot be reached. Check both (`go env GOPROXY`) and run it again.",
}
"""What a known sign in a failed command's output means to the user."""

OTHERWISE = (
    "Mend what the output names and run it again: it resumes. Or set KUBEBUILDER_ASSETS to a folder that holds etcd,"
    " kube-apiserver and kubectl."
)


def run(
    argv: Sequence[str | Path],
    *,
    what: str,
    cwd: Path,
    env: Mapping[str, str],
    remedy: str = OTHERWISE,
    on_line: Callable[[str], bool] = lambda _: False,
    on_start: Callable[[int], None] = lambda _: None,
) -> None:
    """Run `argv` to its end.

    `on_line` sees each line of its output and says whether it was progress; the other lines are kept for the error.
    `on_start` is told the process id. `remedy` is the error's advice where the output shows none of the known signs.
    Whatever ends the wait, Ctrl-C included, ends the process and its children.
    Raises `AssetError` if the command cannot start or fails.
    """
    words = [str(word) for word in argv]
    try:
        # Its own session, so that ending it ends the compilers that it started too.
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as fault:
        raise AssetError(f"{what} failed: cannot run {words[0]}: {fault.strerror}.") from fault
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    on_start(process.pid)
    with process:
        try:
            assert process.stdout is not None  # noqa: S101 - stdout=PIPE makes it so
            for line in process.stdout:
                if not on_line(line.rstrip()) and line.strip():
                    tail.append(line.rstrip())
            code = process.wait()
        except BaseException:
            _end(process)
            raise
    if code:
        raise AssetError(_failure(what, words, code, list(tail), remedy))


def disk_fault(fault: OSError, doing: str) -> AssetError:
    """Say what an I/O fault of our own cache means."""
    if fault.errno == errno.ENOSPC:
        return AssetError(f"{doing} failed. {REMEDIES['no space left on device']}")
    return AssetError(
        f"{doing} failed: {fault.strerror}: {fault.filename}. Make that folder writable, or set LEADERGATE_CACHE to one"
        " that is."
    )


def _end(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _failure(what: str, words: Sequence[str], code: int, tail: Sequence[str], otherwise: str) -> str:
    output = "\n".join(f"    {line}" for line in tail) or "    (nothing)"
    remedy = next((text for sign, text in REMEDIES.items() if any(sign in line for line in tail)), otherwise)
    ended = f"ended with exit status {code}" if code > 0 else f"was ended by signal {-code}"
    return f"{what} failed: `{Path(words[0]).name} {words[1]}` {ended}. The end of its output:\n{output}\n{remedy}"
