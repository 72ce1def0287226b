"""Become another program in the village's network namespace.

Run as a script, ``python join.py PARENT-PID GATEHOUSE-PID EXECUTABLE ARGUMENTS…``, behind ``leash.py``: entering a user
namespace changes credentials, at which the kernel forgets the parent-death signal (PR_SET_PDEATHSIG, prctl(2)).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Replace this process by the command in ``arguments``."""
    parent, gatehouse, *command = arguments
    libc = ctypes.CDLL(None, use_errno=True)
    for kind in ("user", "net"):
        namespace = f"/proc/{gatehouse}/ns/{kind}"
        # One cannot enter the user namespace that one is in already.
        if os.stat(namespace).st_ino == os.stat(f"/proc/self/ns/{kind}").st_ino:  # noqa: PTH116 - starts faster
            continue
        descriptor = os.open(namespace, os.O_RDONLY)
        if libc.setns(descriptor, 0) != 0:
            sys.exit(f"cannot enter {namespace}: {os.strerror(ctypes.get_errno())}")
        os.close(descriptor)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        sys.exit("the process that started this one is gone")
    # There is no way out, so a proxy that the environment names cannot be reached.
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    os.execvpe(command[0], command, environment)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
