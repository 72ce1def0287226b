"""Become another program on a host of another name, as a container is: its host name is the Pod's.

Run as a script, ``python hostname.py NAME EXECUTABLE ARGUMENTS…``, on Linux. The name is set in a UTS namespace of its
own (uts_namespaces(7)), which takes CAP_SYS_ADMIN, or else a user namespace around it (user_namespaces(7)).
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys

CLONE_NEWUTS = 0x04000000
CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Replace this process by the command in ``arguments``."""
    name, *command = arguments
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUTS) and libc.unshare(CLONE_NEWUSER | CLONE_NEWUTS):
        why = os.strerror(ctypes.get_errno())
        sys.exit(
            f"cannot give {command[0]} the host name {name}: {why}. It takes CAP_SYS_ADMIN (in Docker: --cap-add"
            " SYS_ADMIN) or unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1)."
        )
    socket.sethostname(name)
    # A change of credentials, as a user namespace brings, takes back what leash.py has asked for.
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores, and what is ignored stays so
        signal.signal(number, signal.SIG_DFL)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
