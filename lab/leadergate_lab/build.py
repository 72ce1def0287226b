"""Build the control plane's binaries from Go modules into a cache, resumably, one process at a time."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from leadergate_lab import gocommand, toolchain
from leadergate_lab.errors import AssetError
from leadergate_lab.progress import Report, elapsed, ticking
from leadergate_lab.recipe import FLAGS, MODULE, PACKAGES, Recipe


@dataclass
class _Compiling:
    """How far a build is: Go names each package that it compiles, and none that its cache already has."""

    name: str
    deps: frozenset[str]
    done: frozenset[str]
    """The packages of the binaries that were built before this one."""
    total: int
    compiled: set[str] = field(default_factory=set)
    pid: int = 0

    def line(self, text: str) -> bool:
        if text not in self.deps:
            return False
        if text not in self.done:
            self.compiled.add(text)
        return True

    def started(self, pid: int) -> None:
        self.pid = pid

    def describe(self) -> str:
        share = 100 * (len(self.done) + len(self.compiled)) // self.total
        if self._linking():
            return f"building {self.name}: linking, {share}% of all"
        compiled, most = len(self.compiled), len(self.deps - self.done)
        return f"building {self.name}: {compiled} of up to {most} packages, {share}% of all"

    def _linking(self) -> bool:
        try:
            return any(child.name() == "link" for child in psutil.Process(self.pid).children(recursive=True))
        except psutil.Error:
            return False


def build(into: Path, cache: Path, recipe: Recipe, report: Report, module: Path = MODULE) -> None:
    """Build those binaries that the folder `into` lacks; each appears there only when it is whole and runs.

    Another process that builds into the same `cache` is waited for. Raises `AssetError`.
    """
    try:
        into.mkdir(parents=True, exist_ok=True)
        with _alone(cache / "build.lock", report), _work(cache / "work"):
            for left in into.glob(".*.part"):  # by a build that was killed outright
                left.unlink()
            missing = [name for name in PACKAGES if not (into / name).is_file()]
            if missing:
                _build(missing, into, cache, recipe, report, module)
    except OSError as fault:
        raise gocommand.disk_fault(fault, f"Building the control plane into {into}") from fault


def _build(missing: Sequence[str], into: Path, cache: Path, recipe: Recipe, report: Report, module: Path) -> None:
    began = time.monotonic()
    go = toolchain.find(recipe.go, cache, report)
    env = {**go.env, "GOTMPDIR": str(cache / "work")}
    report(
        f"building {', '.join(missing)} (Kubernetes {recipe.kubernetes}, etcd {recipe.etcd}) with Go {go.version} into"
        f" {into}; from nothing this takes about 8 minutes on 2 cores, and an interrupted build resumes"
    )
    _download(go, module, report, began)
    with ticking(report, lambda: "counting the packages to build", began):
        deps = {name: _dependencies(go, PACKAGES[name], module) for name in missing}
    total = len(frozenset[str]().union(*deps.values()))
    done: frozenset[str] = frozenset()
    for name in missing:
        compiling = _Compiling(name, deps[name], done, total)
        part = into / f".{name}.{os.getpid()}.part"
        try:
            with ticking(report, compiling.describe, began):
                gocommand.run(
                    [go.command, "build", *FLAGS, "-v", "-ldflags", recipe.ldflags, "-o", part, PACKAGES[name]],
                    what=f"Building {name}",
                    cwd=module,
                    env=env,
                    on_line=compiling.line,
                    on_start=compiling.started,
                )
            _try(name, part, recipe)
            part.rename(into / name)
        finally:
            part.unlink(missing_ok=True)
        done |= deps[name]
        report(f"built {name}, {100 * len(done) // total}% of all · {elapsed(time.monotonic() - began)}")


def _try(name: str, binary: Path, recipe: Recipe) -> None:
    """A binary that cannot run, or whose version was not stamped, would fail far from here and say less."""
    expected = recipe.etcd.removeprefix("v") if name == "etcd" else recipe.kubernetes
    arguments = ["version", "--client"] if name == "kubectl" else ["--version"]
    told = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=60, check=False)
    if told.returncode or expected not in told.stdout:
        said = (told.stdout + told.stderr).strip() or "nothing"
        raise AssetError(
            f"{name} was built, but asked for its version it ended with exit status {told.returncode} and said: {said}."
            f" {expected} was expected. {gocommand.OTHERWISE}"
        )


def _download(go: toolchain.Go, module: Path, report: Report, began: float) -> None:
    """Fetch all modules before anything is compiled: a build that fetches as it goes cannot say how far it is."""
    total = len(re.findall(r"^\t\S+ v\S+", (module / "go.mod").read_text(), re.MULTILINE))
    fetched: set[str] = set()

    def line(text: str) -> bool:
        if found := re.match(r"# get (\S+\.zip): 200", text):
            fetched.add(found.group(1))
        return text.startswith("# get ")

    with ticking(report, lambda: f"downloading modules: {len(fetched)} of up to {total}", began):
        gocommand.run(
            [go.command, "mod", "download", "-x"], what="Downloading Go modules", cwd=module, env=go.env, on_line=line
        )


def _dependencies(go: toolchain.Go, package: str, module: Path) -> frozenset[str]:
    found: set[str] = set()

    def line(text: str) -> bool:
        is_path = " " not in text  # Go's remarks are sentences
        if is_path:
            found.add(text)
        return is_path

    gocommand.run(
        [go.command, "list", "-mod=readonly", "-deps", package],
        what=f"Listing the packages of {package}",
        cwd=module,
        env=go.env,
        on_line=line,
    )
    return frozenset(found)


@contextmanager
def _work(folder: Path) -> Iterator[None]:
    """Give Go's temporary files a folder: interrupted, Go leaves them behind, and /tmp is often too small for them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone(lock: Path, report: Report) -> Iterator[None]:
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = f"another process ({file.read().strip() or 'unknown'}) is building the control plane"
            report(f"{owner}; waiting for it")
            with ticking(report, lambda: f"{owner}; waiting for it"):
                fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(f"pid {os.getpid()}")
        file.flush()
        yield
