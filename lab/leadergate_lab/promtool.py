"""A real promtool: the program that lab/promtool pins, which checks rules, runs their tests and parses PromQL."""

from __future__ import annotations

import subprocess
from pathlib import Path

from leadergate_lab.gotool import tool
from leadergate_lab.progress import Console, Report

MODULE = Path(__file__).parents[1] / "promtool"
PACKAGE = "github.com/prometheus/prometheus/cmd/promtool"


def binary(report: Report = Console()) -> Path:  # noqa: B008 - it has no state
    """The program, built if the cache lacks it. Raises AssetError."""
    return tool("promtool", PACKAGE, MODULE, report=report)


def run(program: Path, *arguments: str | Path, timeout: float = 280) -> subprocess.CompletedProcess[str]:
    """Run it with these arguments to its end, whatever that is. Raises TimeoutExpired after ``timeout`` seconds."""
    argv = [str(program), *map(str, arguments)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=timeout)
