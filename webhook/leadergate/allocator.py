"""How glibc keeps freed memory.

By default it hands the memory of each large body back to the kernel, which then has to fault it in anew for the next
one: an eighth of the time that a review of 1 MiB takes. The bodies under way are bounded, so what is kept is as well.
"""

from __future__ import annotations

import ctypes

# malloc.h of glibc; other libraries have no mallopt, and are left alone.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_KEPT = 64 << 20
_LARGEST = 32 << 20


def keep_freed_memory() -> None:
    """Keep up to 64 MiB at hand. Does nothing where the C library knows no such thing."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_MMAP_THRESHOLD, _LARGEST)
