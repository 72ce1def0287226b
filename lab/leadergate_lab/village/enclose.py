"""Become a container's program: mounts, host name, user and rights of its own, as its Pod says.

Run as a script, ``python enclose.py SPEC``, with a file in JSON:

- ``argv``, ``env``, ``cwd``, ``hostname``, and ``parent``, the process id of the node;
- ``show``: folders that must stay readable, though a folder above them may be closed to other users;
- ``mounts``: ``source``, ``target`` and ``read_only`` of each;
- ``read_only_root``, ``uid``, ``gid``, ``groups``, ``drop`` (all capabilities), ``no_new_privileges``.

What is mounted is seen by this program alone: it has a mount namespace of its own, and nothing outside changes.
"""

# Each container waits for this script, and without pathlib it starts sooner.
# ruff: noqa: PTH102, PTH103, PTH110, PTH112, PTH115, PTH116, PTH120, PTH123, PTH211
from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import sys
from typing import Any

# sys/mount.h, linux/sched.h, linux/prctl.h, linux/mount.h
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_CLONE_NEWNS, _CLONE_NEWUTS = 0x00020000, 0x04000000
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38
_SYS_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        sys.exit(f"cannot {what}: {os.strerror(ctypes.get_errno())}")


def _mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    parts = [part.encode() if part is not None else None for part in (source, target, kind)]
    done = _libc.mount(*parts, ctypes.c_ulong(flags), options.encode() if options is not None else None)
    _checked(done, f"mount {source} on {target}")


def _read_only(target: str, *, on: bool, recursive: bool = False) -> None:
    bits = (_MOUNT_ATTR_RDONLY, 0) if on else (0, _MOUNT_ATTR_RDONLY)
    attributes = struct.pack("QQQQ", *bits, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    call = (_SYS_MOUNT_SETATTR, _AT_FDCWD, target.encode(), flags, attributes, len(attributes))
    _checked(_libc.syscall(*call), f"set {target} read-only or not")


def _folders_above(path: str) -> list[str]:
    parts = path.strip("/").split("/")
    return ["/" + "/".join(parts[:depth]) for depth in range(1, len(parts))]


class _Covers:
    """Small file systems in memory over folders, so that mount points can be made without a trace."""

    def __init__(self) -> None:
        self._devices: set[int] = set()

    def show(self, paths: list[str]) -> None:
        """Keep these readable: a closed folder above one is covered, and shows nothing but those of them beneath it."""
        # Outer ones first: what is in them is shown with them.
        originals = {path: os.open(path, os.O_PATH) for path in sorted(paths, key=len)}
        for path in originals:
            closed = next((above for above in _folders_above(path) if os.stat(above).st_mode & 0o001 == 0), None)
            if closed is None:
                continue
            self._cover(closed)
            for beneath, original in originals.items():
                if beneath.startswith(f"{closed}/") and not os.path.exists(beneath):
                    os.makedirs(beneath)
                    _mount(f"/proc/self/fd/{original}", beneath, None, _MS_BIND | _MS_REC)
        for original in originals.values():
            os.close(original)

    def mount_point(self, target: str, *, folder: bool) -> None:
        """Make the folder or file ``target``, which may be anywhere but at the top."""
        if os.path.exists(target):
            return
        above = os.path.dirname(target)
        while not os.path.isdir(above):
            above = os.path.dirname(above)
        if os.stat(above).st_dev not in self._devices:
            if above == "/":
                sys.exit(f"cannot mount on {target}: folders at the top must exist already, like /etc, /run and /tmp")
            original = os.open(above, os.O_PATH)
            self._cover(above)
            self._keep_entries(original, above)
            os.close(original)
        os.makedirs(target if folder else os.path.dirname(target), exist_ok=True)
        if not folder:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))

    def _cover(self, folder: str) -> None:
        _mount("village", folder, "tmpfs", 0, "mode=0755")
        self._devices.add(os.stat(folder).st_dev)

    @staticmethod
    def _keep_entries(original: int, folder: str) -> None:
        """Let what was in the folder be seen again."""
        beneath = f"/proc/self/fd/{original}"
        for entry in os.scandir(beneath):
            here = f"{folder}/{entry.name}"
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), here)
                continue
            if entry.is_dir():
                os.mkdir(here)
            else:
                os.close(os.open(here, os.O_CREAT | os.O_WRONLY, 0o600))
            _mount(entry.path, here, None, _MS_BIND | _MS_REC)


def _arrange(spec: dict[str, Any]) -> None:
    _checked(_libc.unshare(_CLONE_NEWNS | _CLONE_NEWUTS), "make a mount namespace")
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    hostname = spec["hostname"].encode()
    _checked(_libc.sethostname(hostname, len(hostname)), "set the host name")
    covers = _Covers()
    sources = [os.open(one["source"], os.O_PATH) for one in spec["mounts"]]
    if spec["uid"] not in (None, 0):
        covers.show(spec["show"])
    writable = ["/dev/shm"]  # noqa: S108 - a mount of its own, as in any container
    for source, one in zip(sources, spec["mounts"], strict=True):
        # /var/run is a link to /run on most systems.
        target = os.path.realpath(one["target"])
        real = f"/proc/self/fd/{source}"
        covers.mount_point(target, folder=os.path.isdir(real))
        _mount(real, target, None, _MS_BIND | _MS_REC)
        if one["read_only"]:
            _read_only(target, on=True)
        else:
            writable.append(target)
        os.close(source)
    if spec["read_only_root"]:
        if os.path.isdir("/dev/shm"):  # noqa: S108
            _mount("village", "/dev/shm", "tmpfs", 0, "mode=1777")  # noqa: S108
        _read_only("/", on=True, recursive=True)
        for target in writable:
            if os.path.exists(target):
                _read_only(target, on=False)


def _step_down(spec: dict[str, Any]) -> None:
    if spec["drop"]:
        for capability in range(64):
            # Beyond the last one that this kernel knows it fails, and there is nothing to drop.
            _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    if spec["uid"] is not None:
        os.setgroups(spec["groups"])
        os.setresgid(spec["gid"], spec["gid"], spec["gid"])
        os.setresuid(spec["uid"], spec["uid"], spec["uid"])
    if spec["no_new_privileges"]:
        _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "give up new privileges")


def main(arguments: list[str]) -> None:
    """Replace this process by the container's program."""
    with open(arguments[0], "rb") as file:
        spec = json.load(file)
    _arrange(spec)
    _step_down(spec)
    # Last, since a change of user makes the kernel forget it.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != spec["parent"]:
        sys.exit("the node is gone")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.chdir(spec["cwd"])
        os.execvpe(spec["argv"][0], spec["argv"], spec["env"])  # noqa: S606 - no shell is wanted
    except OSError as fault:
        sys.stderr.write(f"cannot run {spec['argv'][0]}: {fault.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])
