"""Freed memory is kept at hand."""

from __future__ import annotations

import subprocess
import sys

COUNT_FAULTS = """
import resource, sys
from leadergate.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
for warm in (True, False):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        pieces = [bytes(100_000) for _ in range(10)]
        body = b"".join(pieces)
        del pieces, body
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(how: str) -> int:
    argv = [sys.executable, "-c", COUNT_FAULTS, how]
    return int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


def test_bodies_are_not_faulted_in_anew() -> None:
    """Fifty bodies of a megabyte cost next to no page faults, where without it each costs some hundred."""
    assert _faults("kept") < 1_000
    assert _faults("as glibc does") > 5_000
