"""The load: bombardier, built from its Go module, and what it says of one round."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from leadergate_lab import gocommand, toolchain
from leadergate_lab.assets import cache_folder
from leadergate_lab.progress import Report

MODULE = Path(__file__).parents[2] / "loadgenerator"
PACKAGE = "github.com/codesenberg/bombardier"
_GO = "1.26.0"


@dataclass(frozen=True, slots=True)
class Round:
    """One round: requests answered 200 a second, the 99th percentile in milliseconds, and answers that were not 200."""

    per_second: float
    p99: float
    failed: int


def generator(report: Report) -> Path:
    """The load generator's binary, built once and kept. Raises AssetError."""
    version = next(line.split()[1] for line in (MODULE / "go.mod").read_text().splitlines() if PACKAGE + " v" in line)
    binary = cache_folder() / "loadgenerator" / f"bombardier-{version}"
    if binary.is_file():
        return binary
    binary.parent.mkdir(parents=True, exist_ok=True)
    go = toolchain.find(_GO, cache_folder(), report)
    report(f"building the load generator {PACKAGE} {version} (about half a minute)")
    part = binary.with_suffix(".part")
    argv: list[str | Path] = [go.command, "build", "-mod=readonly", "-trimpath", "-o", part, PACKAGE]
    gocommand.run(argv, what="Building the load generator", cwd=MODULE, env=go.env)
    return part.rename(binary)


def run(binary: Path, url: str, body: Path, *, connections: int, seconds: float) -> Round:
    """POST ``body`` for ``seconds`` over ``connections`` kept-alive TLS connections, as fast as answers come."""
    argv = [str(binary), "-c", str(connections), "-d", f"{seconds:g}s", "-m", "POST", "-f", str(body), "-k", "-l"]
    argv += ["-t", "10s", "-H", "Content-Type: application/json", "-p", "r", "-o", "json", url]
    done = subprocess.run(argv, capture_output=True, check=True, timeout=seconds + 60)
    result = json.loads(done.stdout)["result"]
    succeeded = int(result["req2xx"])
    others = sum(int(result[key]) for key in ("req1xx", "req3xx", "req4xx", "req5xx", "others"))
    return Round(
        per_second=succeeded / float(result["timeTakenSeconds"]),
        p99=float(result["latency"]["percentiles"]["99"]) / 1000,
        failed=others,
    )
