"""What a root file system holds: sizes by part, shells, what can be written, and how two of them differ."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

SHELLS = frozenset({"sh", "bash", "dash", "ash", "busybox", "zsh"})
_BIN = frozenset({"bin", "sbin"})
TOOLS = frozenset({"pip", "pip3", "uv", "gcc", "cc", "g++", "make", "apt", "apt-get", "dpkg"})

Entry = tuple[str, int, int, int, int, str]
"""Kind, permissions, owner, group, time of change in seconds, and the content's digest or the link's target."""


def entries(root: Path) -> dict[str, Entry]:
    """Everything beneath ``root``, by its path from there."""
    return {str(path.relative_to(root)): _entry(path) for path in _walk(root)}


def differences(one: dict[str, Entry], other: dict[str, Entry]) -> list[str]:
    """The paths that are not alike in both."""
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def sizes(root: Path, depth: int) -> dict[str, int]:
    """Bytes of files by the first ``depth`` parts of their path, largest first."""
    found: Counter[str] = Counter()
    for path in _walk(root):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            found["/".join(path.relative_to(root).parts[:depth])] += status.st_size
    return dict(found.most_common())


def commands(root: Path, names: frozenset[str]) -> list[str]:
    """Where a program of one of these names lies."""
    return sorted(
        str(path.relative_to(root)) for path in _walk(root) if path.name in names and path.parent.name in _BIN
    )


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            yield Path(folder, name)


def _entry(path: Path) -> Entry:
    status = path.lstat()
    kind = stat.filemode(status.st_mode)[0]
    content = ""
    if stat.S_ISLNK(status.st_mode):
        content = str(path.readlink())
    elif stat.S_ISREG(status.st_mode):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    owner = (status.st_uid, status.st_gid)
    return (kind, stat.S_IMODE(status.st_mode), *owner, int(status.st_mtime), content)
