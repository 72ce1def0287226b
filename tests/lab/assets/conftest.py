"""A machine with nothing on PATH but what a test puts there, and a cache of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FAKE_GO = Path(__file__).with_name("fakego.py")


@dataclass
class Machine:
    """What a test knows of the machine that the tool under test sees."""

    path: Path
    """The one folder on PATH."""
    cache: Path
    go: Path
    """Where the fake Go is steered."""
    lines: list[str] = field(default_factory=list)
    """What was reported."""

    def program(self, folder: Path, name: str, script: str = "#!/bin/sh\n") -> Path:
        """Put an executable into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        program = folder / name
        program.write_text(script)
        program.chmod(0o755)
        return program

    def install_go(self, folder: Path | None = None) -> None:
        """Put the fake Go on PATH, or elsewhere."""
        self.program(folder or self.path, "go", f"#!{sys.executable}\n{FAKE_GO.read_text()}")

    @property
    def built(self) -> list[str]:
        """What Go was asked to build, in order."""
        calls = self.go / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [line.removeprefix("build ") for line in lines if line.startswith("build ")]

    @property
    def leftovers(self) -> list[Path]:
        """Files of builds that did not end well."""
        return [*self.cache.rglob("*.part"), *self.cache.rglob("go-build*")]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Give the test a machine without Go, without binaries, with an empty cache."""
    made = Machine(path=tmp_path / "path", cache=tmp_path / "cache", go=tmp_path / "go")
    made.path.mkdir()
    made.go.mkdir()
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("PATH", str(made.path))
    monkeypatch.setenv("LEADERGATE_CACHE", str(made.cache))
    monkeypatch.setenv("FAKE_GO", str(made.go))
    return made


@pytest.fixture
def command(machine: Machine) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start `python -m leadergate_lab.assets` on that machine; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "leadergate_lab.assets"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
