"""The Go programs of ``tests/interop``, built once and kept."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from leadergate_lab import gocommand, toolchain
from leadergate_lab.assets import cache_folder
from leadergate_lab.errors import AssetError
from leadergate_lab.interop.hostnames import namespaces_permitted, overlay
from leadergate_lab.progress import Console, Report, elapsed, ticking

MODULE = Path(__file__).parents[3] / "tests" / "interop"
PROGRAMS = ("elector", "controllerruntime", "clientgo")
BY_HOSTNAME = "controllerruntime"
"""The program that learns its Pod's name from its host's name alone."""

SUFFIX = "-by-environment"
REMEDY = "Mend what the output names and run it again."


def binaries(report: Report = Console(), module: Path = MODULE) -> dict[str, Path]:  # noqa: B008 - it has no state
    """The binaries by program, built if the cache lacks them. Raises AssetError."""
    kept = cache_folder() / "interop" / key(module)
    try:
        kept.mkdir(parents=True, exist_ok=True)
        names = [file_name(name) for name in PROGRAMS]
        for name in names:
            if not (kept / name).is_file():
                _build(name, kept, report, module)
    except OSError as fault:
        raise gocommand.disk_fault(fault, f"Building the operators of {module} into {kept}") from fault
    return {program: kept / name for program, name in zip(PROGRAMS, names, strict=True)}


def file_name(program: str) -> str:
    """What the binary is called: it is another one where a process may have no host name of its own."""
    return program + SUFFIX if program == BY_HOSTNAME and not namespaces_permitted() else program


def key(module: Path = MODULE) -> str:
    """What the binaries depend on, in short: the modules and every source."""
    digest = hashlib.sha256()
    for file in sorted([module / "go.mod", module / "go.sum", *module.rglob("*.go")]):
        digest.update(f"{file.relative_to(module)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def go(report: Report, module: Path = MODULE) -> toolchain.Go:
    """A Go that is new enough for the module. Raises AssetError."""
    found = re.search(r"^go (\S+)$", (module / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise AssetError(f"{module / 'go.mod'} names no version of Go. Add a line such as `go 1.26.0`.")
    return toolchain.find(found.group(1), cache_folder(), report)


def _build(name: str, into: Path, report: Report, module: Path) -> None:
    began = time.monotonic()
    found = go(report, module)
    report(f"building the operator {name} of {module} (some minutes the first time on 2 cores)")
    # Two processes may build at the same time: each its own file, and the last one stays.
    part = into / f".{name}.{os.getpid()}.part"
    argv: list[str | Path] = [found.command, "build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", part]
    try:
        with ticking(report, lambda: f"building the operator {name}", began), TemporaryDirectory() as folder:
            if name.endswith(SUFFIX):
                argv.append(f"-overlay={overlay(found, Path(folder))}")
            argv.append(f"./{name.removesuffix(SUFFIX)}")
            gocommand.run(argv, what=f"Building {name}", cwd=module, env=found.env, remedy=REMEDY)
        part.rename(into / name)
    finally:
        part.unlink(missing_ok=True)
    report(f"built the operator {name} · {elapsed(time.monotonic() - began)}")


def main() -> int:
    """Build them and print where they are."""
    try:
        found = binaries()
    except AssetError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 1
    for path in found.values():
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
