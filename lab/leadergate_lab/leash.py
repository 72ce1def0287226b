"""Become another program, which the kernel kills when the laboratory that started it is gone.

Run as a script, ``python leash.py PARENT-PID EXECUTABLE ARGUMENTS…``: prctl(2), PR_SET_PDEATHSIG, is kept across
execve(2), and asking for it here spares the laboratory any code of its own between fork and exec.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Replace this process by the command in ``arguments``; ends at once if its parent is gone already."""
    parent, *command = arguments
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        sys.exit("the process that started this one is gone")
    # Python ignores these two, and what is ignored stays so across execve.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
