"""Temporary folders that are swept up even when their owner was killed.

The owner holds a lock on a file in its folder (flock(2)), which the kernel lets go of when the owner ends. So the next
one that makes a folder can tell those that nobody owns any more, and removes them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "leadergate-lab-"
_LOCK = "owner.lock"


class Scratch:
    """A temporary folder, readable by its owner alone, until :meth:`remove`."""

    def __init__(self) -> None:
        sweep()
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        # Locked before it gets its name: a sweep under way elsewhere never finds it unlocked.
        fresh = self.path / f"{_LOCK}.new"
        self._lock = os.open(fresh, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        fresh.rename(self.path / _LOCK)

    def remove(self) -> None:
        """Remove the folder and all that is in it. May be called again."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


def sweep() -> None:
    """Remove the folders of this user whose owners are gone."""
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{_LOCK}"):
        # Another sweep may be at the same folder, and another user's is not ours to open.
        with contextlib.suppress(OSError):
            _remove_unowned(lock)


def _remove_unowned(lock: Path) -> None:
    descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_uid == os.getuid():
            shutil.rmtree(lock.parent)
    finally:
        os.close(descriptor)
