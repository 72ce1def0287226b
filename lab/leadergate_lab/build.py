"""Build the control plane's binaries from Go modules into a cache, resumably, one process at a time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from leadergate_lab import gocommand, toolchain
from leadergate_lab.errors import AssetError
from leadergate_lab.progress import Report, ticking

MODULE = Path(__file__).parents[1] / "controlplane"
"""Where the go.mod stands that pins every version."""

PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
}
"""What each binary is built from; in this order, so that a wait ends with the short ones or the long one, not both."""

VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
"""Where a Kubernetes binary keeps its version; unset, kubectl warns on each call of it."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what is built."""

    kubernetes: str
    """Such as `v1.37.2`."""
    etcd: str
    """Such as `v3.7.0`."""
    go: str
    """The least version of Go that can build it, such as `1.26.0`."""
    key: str
    """Names the folder of the cache: the version, a digest of the recipe, the platform."""
    ldflags: str

    @classmethod
    def read(cls, module: Path = MODULE) -> Recipe:
        """Read it from the go.mod and go.sum in `module`. Raises `AssetError` if they do not say."""
        try:
            mod, checksums = (module / "go.mod").read_text(), (module / "go.sum").read_bytes()
        except OSError as fault:
            raise AssetError(
                f"{fault.filename} cannot be read: {fault.strerror}. It belongs to the checkout: restore it with git."
            ) from fault
        go = _found(r"^go (\S+)$", mod, module)
        kubernetes = _found(r"^\s*k8s\.io/kubernetes (v\S+)", mod, module)
        etcd = _found(r"^\s*go\.etcd\.io/etcd/server/v3 (v\S+)", mod, module)
        major, minor = kubernetes.removeprefix("v").split(".")[:2]
        told = {"gitVersion": kubernetes, "gitMajor": major, "gitMinor": minor, "gitCommit": "", "gitTreeState": ""}
        settings = [f"-X {package}.{name}={value}" for package in VERSION_PACKAGES for name, value in told.items()]
        ldflags = " ".join(["-s", "-w", *settings])
        digest = hashlib.sha256(b"\0".join([mod.encode(), checksums, ldflags.encode(), repr(PACKAGES).encode()]))
        key = f"{kubernetes}-{digest.hexdigest()[:12]}-{_platform()}"
        return cls(kubernetes=kubernetes, etcd=etcd, go=go, key=key, ldflags=ldflags)


@dataclass
class _Compiling:
    """How far a build is: Go names each package that it compiles, and none that its cache already has."""

    name: str
    deps: frozenset[str]
    before: int
    """Packages of the binaries that were built before this one."""
    total: int
    compiled: set[str] = field(default_factory=set)
    pid: int = 0

    def line(self, text: str) -> bool:
        if text not in self.deps:
            return False
        self.compiled.add(text)
        return True

    def started(self, pid: int) -> None:
        self.pid = pid

    def describe(self) -> str:
        share = 100 * (self.before + len(self.compiled)) // self.total
        if self._linking():
            return f"building {self.name}: linking, {share}% of all"
        return (
            f"building {self.name}: {len(self.compiled)} of up to {len(self.deps)} packages compiled, {share}% of all"
        )

    def _linking(self) -> bool:
        try:
            return any(child.name() == "link" for child in psutil.Process(self.pid).children(recursive=True))
        except psutil.Error:
            return False


def build(names: Sequence[str], into: Path, cache: Path, recipe: Recipe, report: Report, module: Path = MODULE) -> None:
    """Build the binaries called `names` that the folder `into` still lacks; each appears there only when whole.

    Another process that builds into the same folder is waited for. Raises `AssetError`.
    """
    try:
        into.mkdir(parents=True, exist_ok=True)
        with _alone(into.with_name(f"{into.name}.lock"), report):
            missing = [name for name in names if not (into / name).is_file()]
            if missing:
                _build(missing, into, cache, recipe, report, module)
    except OSError as fault:
        raise gocommand.disk_fault(fault, f"Building the control plane into {into}") from fault


def _build(missing: Sequence[str], into: Path, cache: Path, recipe: Recipe, report: Report, module: Path) -> None:
    go = toolchain.find(recipe.go, cache, report)
    report(
        f"building {', '.join(missing)} (Kubernetes {recipe.kubernetes}, etcd {recipe.etcd}) with Go {go.version} into"
        f" {into}; from nothing this takes about 8 minutes on 2 cores, and an interrupted build resumes"
    )
    _download(go, module, report)
    deps = {name: _dependencies(go, PACKAGES[name], module) for name in missing}
    total = len(frozenset[str]().union(*deps.values()))
    done: frozenset[str] = frozenset()
    for name in missing:
        new = deps[name] - done
        compiling = _Compiling(name, new, before=len(done), total=total)
        part = into / f".{name}.{os.getpid()}.part"
        flags: list[str | Path] = [
            "-mod=readonly",
            "-buildvcs=false",
            "-trimpath",
            "-v",
            "-ldflags",
            recipe.ldflags,
            "-o",
            part,
        ]
        try:
            with ticking(report, compiling.describe):
                gocommand.run(
                    [go.command, "build", *flags, PACKAGES[name]],
                    what=f"Building {name}",
                    cwd=module,
                    env=go.env,
                    on_line=compiling.line,
                    on_start=compiling.started,
                )
            part.rename(into / name)
        finally:
            part.unlink(missing_ok=True)
        done |= new
        report(f"built {name}, {100 * len(done) // total}% of all")


def _download(go: toolchain.Go, module: Path, report: Report) -> None:
    total = len(re.findall(r"^\t\S+ v\S+", (module / "go.mod").read_text(), re.MULTILINE))
    fetched: set[str] = set()

    def line(text: str) -> bool:
        if found := re.match(r"# get (\S+\.zip): 200", text):
            fetched.add(found.group(1))
        return text.startswith("# get ")

    with ticking(report, lambda: f"downloading modules: {len(fetched)} of up to {total}"):
        gocommand.run(
            [go.command, "mod", "download", "-x"], what="Downloading Go modules", cwd=module, env=go.env, on_line=line
        )


def _dependencies(go: toolchain.Go, package: str, module: Path) -> frozenset[str]:
    found: set[str] = set()

    def line(text: str) -> bool:
        found.add(text)
        return False

    gocommand.run(
        [go.command, "list", "-mod=readonly", "-deps", package],
        what=f"Listing the packages of {package}",
        cwd=module,
        env=go.env,
        on_line=line,
    )
    return frozenset(found)


@contextmanager
def _alone(lock: Path, report: Report) -> Iterator[None]:
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = f"another process ({file.read().strip() or 'unknown'}) builds the control plane"
            report(f"{owner}; waiting for it")
            with ticking(report, lambda: f"{owner}; waiting"):
                fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(f"pid {os.getpid()}")
        file.flush()
        yield


def _platform() -> str:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{sys.platform}-{machine}"


def _found(pattern: str, text: str, module: Path) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise AssetError(f"{module / 'go.mod'} has no line like `{pattern}`. Restore it with git.")
    return found.group(1)
