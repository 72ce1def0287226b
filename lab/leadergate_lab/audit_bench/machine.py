"""What the figures were seen on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil


def described(jq: str) -> dict[str, Any]:
    """The machine as plain values: memory in MiB, load as the averages over 1, 5 and 15 minutes."""
    memory = psutil.virtual_memory()
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return {
        "cpu": model.group(1) if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": memory.total >> 20,
        "memoryAvailable": memory.available >> 20,
        "load": [round(one, 1) for one in os.getloadavg()],
        "kernel": platform.release(),
        "python": platform.python_version(),
        "duckdb": version("duckdb"),
        "jq": subprocess.run([jq, "--version"], capture_output=True, text=True, check=True).stdout.strip(),
    }


def told(machine: dict[str, Any]) -> str:
    """The same in a line."""
    return (
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory']:,} MiB ({machine['memoryAvailable']:,}"
        f" available), load {machine['load'][0]:.1f}; Linux {machine['kernel']}, Python {machine['python']},"
        f" DuckDB {machine['duckdb']}, {machine['jq']}"
    )
