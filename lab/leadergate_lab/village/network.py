"""A network namespace of our own: all that runs in it has addresses that nobody else has, and no way out."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

from leadergate_lab.village.errors import NoVillage

NODE_ADDRESS = "10.244.0.1"
POD_RANGE = "10.244.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"
FIRST_SERVICE = "10.96.0.1"

# On the loopback interface the whole range of a prefix is local: every Pod and every Service has its address at once.
_ADDRESSES = (
    ("lo", "127.0.0.1", "255.0.0.0"),
    ("lo:1", NODE_ADDRESS, "255.255.0.0"),
    ("lo:2", FIRST_SERVICE, "255.255.0.0"),
)
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
# linux/sockios.h and linux/if.h
_SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
_IFF_UP, _IFF_RUNNING = 0x1, 0x40


def enter_new() -> None:
    """Move this process, which must have one thread, into a new network namespace, and set up its loopback.

    Without root it gets a user namespace of its own as well, in which it is root (user_namespaces(7)).
    Raises NoVillage where that is not permitted.
    """
    uid, gid = os.getuid(), os.getgid()
    root = uid == 0
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET if root else _CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise NoVillage(
            f"This system does not let us make {'a network namespace' if root else 'user and network namespaces'}:"
            f" {os.strerror(number)}. The village needs one: run it as root, or permit them"
            " (sysctl user.max_net_namespaces, user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns;"
            " in a container, --privileged or --cap-add SYS_ADMIN)."
        )
    if not root:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    _set_up()


def _set_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for name, address, mask in _ADDRESSES:
            for request, payload in (
                (_SIOCSIFADDR, _address(address)),
                (_SIOCSIFNETMASK, _address(mask)),
                (_SIOCSIFFLAGS, struct.pack("H", _IFF_UP | _IFF_RUNNING)),
            ):
                fcntl.ioctl(control, request, struct.pack("16s24s", name.encode(), payload))


def _address(text: str) -> bytes:
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))
