"""What the machine gives to each process, and what it took."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import psutil


def cpu_seconds(pid: int) -> float:
    """Processor time that a process took so far, its own and the kernel's for it."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def one_core_each(servers: Sequence[int], others: Sequence[int]) -> str:
    """Give the servers that are compared one core, and the rest to all else; says what was done.

    The two never work at the same time, and in production neither the API server nor the caller runs on their core.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return "one core for all: the figures also measure what the control plane and the load take away"
    for group, where in ((servers, cores[:1]), (others, cores[1:])):
        for pid in group:
            for thread in psutil.Process(pid).threads():
                os.sched_setaffinity(thread.id, where)
    return f"gate and bare handler have core {cores[0]} to themselves; control plane and load share {cores[1:]}"


def peak_memory(pid: int) -> float:
    """The most memory that a process ever held, in MiB (VmHWM of proc(5))."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found.group(1)) / 1024 if found else 0.0
