"""One Go program that a go.mod of ours pins: built once into the cache, and kept by what it depends on."""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path

from leadergate_lab import gocommand, toolchain
from leadergate_lab.assets import cache_folder
from leadergate_lab.errors import AssetError
from leadergate_lab.progress import Console, Report, elapsed, ticking

REMEDY = "Mend what the output names and run it again; what is compiled already is kept."


def tool(
    name: str,
    package: str,
    module: Path,
    *,
    ldflags: str = "-s -w",
    report: Report = Console(),  # noqa: B008 - it has no state
) -> Path:
    """The binary ``name`` of ``package``, at the version in the go.mod of the folder ``module``.

    Raises:
        AssetError: there is no Go for it, or it cannot be built.
    """
    kept = cache_folder() / "tools" / f"{name}-{_key(package, module, ldflags)}"
    if kept.is_file():
        return kept
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        _build(kept, name, package, module, ldflags, report)
    except OSError as fault:
        raise gocommand.disk_fault(fault, f"Building {name} into {kept.parent}") from fault
    return kept


def _key(package: str, module: Path, ldflags: str) -> str:
    digest = hashlib.sha256(f"{package}\0{ldflags}\0".encode())
    for file in ("go.mod", "go.sum"):
        digest.update((module / file).read_bytes())
    return digest.hexdigest()[:16]


def _build(into: Path, name: str, package: str, module: Path, ldflags: str, report: Report) -> None:
    began = time.monotonic()
    version = re.search(r"^go (\S+)$", (module / "go.mod").read_text(), re.MULTILINE)
    if version is None:
        raise AssetError(f"{module / 'go.mod'} names no version of Go. Restore it with git.")
    go = toolchain.find(version.group(1), cache_folder(), report)
    report(f"building {name} with Go {go.version} (minutes the first time on 2 cores)")
    # Two processes may build at the same time: each its own file, and the last one stays.
    part = into.with_name(f".{into.name}.{os.getpid()}.part")
    argv: list[str | Path] = [go.command, "build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", ldflags]
    try:
        with ticking(report, lambda: f"building {name}", began):
            gocommand.run([*argv, "-o", part, package], what=f"Building {name}", cwd=module, env=go.env, remedy=REMEDY)
        part.rename(into)
    finally:
        part.unlink(missing_ok=True)
    report(f"built {name} · {elapsed(time.monotonic() - began)}")
