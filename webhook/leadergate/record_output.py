"""The descriptor that records are written to: opened anew, and its end looked at where it is a file."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat

TORN = b"#torn\n"
"""Ends what there is of a line whose rest will never come. After it no parser takes that line for a record."""


class AppendedFile:
    """A regular file that is only ever appended to, perhaps by other processes as well.

    ``readable`` says whether ``descriptor`` is an open file description of our own that can be read, too. If it is not,
    nothing can be told about what others wrote.
    """

    def __init__(self, descriptor: int, *, readable: bool) -> None:
        self._fd = descriptor
        self._readable = readable

    def ends_whole(self) -> bool:
        """Whether the next line would begin a line; False where that cannot be seen."""
        size = os.fstat(self._fd).st_size
        return size == 0 or (self._readable and os.pread(self._fd, 1, size - 1) == b"\n")

    def glued(self, size: int) -> bool:
        """Whether the line of ``size`` bytes that was just written stands behind what another process tore.

        Appending moves the position of our descriptor to the end of what we wrote (write(2) under ``O_APPEND``). A file
        that was truncated since then has nothing there. Where the look fails, the line itself still stands.
        """
        if not self._readable:
            return False
        before = os.lseek(self._fd, 0, os.SEEK_CUR) - size - 1
        try:
            return before >= 0 and os.pread(self._fd, 1, before) not in (b"\n", b"")
        except OSError:
            return False


def opened(descriptor: int) -> tuple[int, AppendedFile | None]:
    """A descriptor of our own for the same output, which never waits; and the file, if it is a regular one."""
    regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
    # Without O_NOCTTY a terminal could become the controlling one, whose hang-up would end the process.
    flags = os.O_NONBLOCK | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY
    for access in (os.O_RDWR, os.O_WRONLY) if regular else (os.O_WRONLY,):
        with contextlib.suppress(OSError):
            own = os.open(f"/proc/self/fd/{descriptor}", access | flags)
            return own, AppendedFile(own, readable=access == os.O_RDWR) if regular else None
    own = os.dup(descriptor)
    if regular:
        # Without it, a file that is rotated by copying and truncating would go on at its old length.
        fcntl.fcntl(own, fcntl.F_SETFL, fcntl.fcntl(own, fcntl.F_GETFL) | os.O_APPEND)
        return own, AppendedFile(own, readable=False)
    os.set_blocking(own, False)
    return own, None
