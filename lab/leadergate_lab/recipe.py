"""What the control plane's binaries are built from: the versions that go.mod pins, and how Go is called."""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from leadergate_lab.errors import AssetError

MODULE = Path(__file__).parents[1] / "controlplane"
"""Where the go.mod stands that pins every version."""

PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
}
"""What each binary is built from, in the order of the builds: the first is there soon."""

FLAGS = ("-mod=readonly", "-buildvcs=false", "-trimpath")
"""How all are built. They keep the checkout's path out of the binaries, so they fit any checkout."""

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
        how = repr((PACKAGES, FLAGS, ldflags)).encode()
        digest = hashlib.sha256(b"\0".join([mod.encode(), checksums, how])).hexdigest()
        return cls(kubernetes, etcd, go, key=f"{kubernetes}-{digest[:12]}-{_platform()}", ldflags=ldflags)


def _platform() -> str:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{sys.platform}-{machine}"


def _found(pattern: str, text: str, module: Path) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise AssetError(f"{module / 'go.mod'} has no line like `{pattern}`. Restore it with git.")
    return found.group(1)
