"""Runs a program as a container of Kubernetes would be run, without an engine: ``unshare --mount python jail.py …``.

``jail.py ROOT [--mount FROM=TO]… [--setenv NAME=VALUE]… -- PROGRAM [ARGUMENT]…``

ROOT is the root, read-only. Each FROM is mounted read-only at TO. There are /proc and a /dev with null, zero, random
and urandom, nothing else, and no path that can be written. The program runs as user and group 65532, with no capability
and no way to gain one, in an environment of what is named alone. The network is this machine's. It needs root and a
mount namespace of its own.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

USER = 65532
DEVICES = ("null", "zero", "random", "urandom")
# prctl(2), linux/prctl.h
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38


def enter(root: Path, mounts: list[tuple[str, str]]) -> None:
    """Make the root read-only, mount what is asked for, and go in for good. Raises OSError, CalledProcessError."""
    targets = [inside(root, to) for _, to in mounts]
    for target in targets:
        target.mkdir(parents=True, exist_ok=True)
    for name in ("dev", "proc"):
        (root / name).mkdir(exist_ok=True)
    _mount("--bind", root, root)
    devices = root / "dev"
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", devices)
    for name in DEVICES:
        (devices / name).touch()
        _mount("--bind", Path("/dev") / name, devices / name)
    _mount("-o", "remount,ro,bind", devices)
    _mount("-t", "proc", "proc", root / "proc")
    for (source, _), target in zip(mounts, targets, strict=True):
        _mount("--bind", source, target)
        _mount("-o", "remount,ro,bind", target)
    _mount("-o", "remount,ro,bind", root)
    os.chroot(root)
    os.chdir("/")


def inside(root: Path, path: str) -> Path:
    """Where an absolute path of the root lies, links followed as from within: /var/run often leads to /run."""
    at = root
    for part in os.path.normpath(path).strip("/").split("/"):
        at /= part
        if at.is_symlink():
            at = inside(root, os.path.join("/", at.parent.relative_to(root), at.readlink()))  # noqa: PTH118 - may be absolute
    return at


def give_up_rights() -> None:
    """Become user 65532 with no capability, now or ever. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = 0
    while libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) == 0:  # ends where the kernel knows no such capability
        number += 1
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    # A change of user undoes what leash.py asked for: the laboratory's end is ours.
    for option, value in ((_PR_SET_PDEATHSIG, signal.SIGKILL), (_PR_SET_NO_NEW_PRIVS, 1)):
        if libc.prctl(option, int(value), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"prctl({option})")


def _mount(*argv: str | Path) -> None:
    subprocess.run(["mount", *argv], check=True)


def main() -> None:
    """Run the program in place of this one."""
    parser = argparse.ArgumentParser(prog="jail.py", description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--mount", action="append", default=[])
    parser.add_argument("--setenv", action="append", default=[])
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()
    environment = dict(pair.split("=", 1) for pair in options.setenv)
    enter(options.root, [tuple(pair.split("=", 1)) for pair in options.mount])
    give_up_rights()
    try:
        os.execvpe(options.program[0], options.program, environment)  # noqa: S606 - no shell is wanted
    except OSError as fault:
        sys.exit(f"{options.program[0]}: {fault.strerror}; PATH is {environment.get('PATH')}")


if __name__ == "__main__":
    main()
