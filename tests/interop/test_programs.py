"""The programs themselves: how they are built and kept, and how one comes by its Pod's host name."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from leadergate_lab.interop import hostnames, programs
from leadergate_lab.progress import Console


@pytest.mark.timeout(1800)  # the first run on a machine compiles all that they import
def test_go_vet_finds_nothing() -> None:
    """They are sound by the checks that come with Go."""
    go = programs.go(Console())
    vetted = subprocess.run(
        [go.command, "vet", "-mod=readonly", "./..."],
        cwd=programs.MODULE,
        env=dict(go.env),
        capture_output=True,
        text=True,
    )
    assert vetted.returncode == 0, vetted.stderr


def test_nothing_is_built_twice(built: dict[str, Path]) -> None:
    """What the cache holds of these sources is taken from it, in silence."""
    told: list[str] = []
    assert programs.binaries(told.append) == built
    assert told == []


def test_the_key_names_the_sources(tmp_path: Path) -> None:
    """Another source, or another version of a module, is another key; the folder's other files are not asked."""
    module = tmp_path / "module"
    shutil.copytree(programs.MODULE, module)
    before = programs.key(module)
    assert before == programs.key()
    (module / "test_something.py").write_text("")
    assert programs.key(module) == before
    with (module / "elector" / "main.go").open("a") as source:
        source.write("\n")
    changed = programs.key(module)
    with (module / "go.sum").open("a") as sums:
        sums.write("\n")
    assert len({before, changed, programs.key(module)}) == 3


def test_a_replica_runs_on_a_host_of_its_pods_name() -> None:
    """It sees the Pod's name as its host's, and the machine keeps its own. Where that is not permitted, it says so."""
    own = socket.gethostname()
    argv = hostnames.by_namespace("pod-7", [sys.executable, "-c", "import os; print(os.uname()[1])"])
    ran = subprocess.run(argv, check=False, capture_output=True, text=True)
    if hostnames.namespaces_permitted():
        assert ran.stdout == "pod-7\n"
    else:
        assert "cannot give" in ran.stderr
    assert socket.gethostname() == own != "pod-7"


PROGRAM = """package main

import "os"

func main() {
	name, err := os.Hostname()
	if err != nil {
		panic(err)
	}
	print(name)
}
"""


@pytest.mark.timeout(1800)
def test_a_replica_can_be_told_its_hosts_name_by_its_environment(tmp_path: Path) -> None:
    """What is built with our overlay takes HOSTNAME for its host's name, and asks the kernel where there is none."""
    go = programs.go(Console())
    (tmp_path / "main.go").write_text(PROGRAM)
    flag = f"-overlay={hostnames.overlay(go, tmp_path)}"
    build: list[str | Path] = [go.command, "build", flag, "-o", tmp_path / "program", tmp_path / "main.go"]
    subprocess.run(build, cwd=tmp_path, env=dict(go.env), check=True)
    for environment, wanted in (({"HOSTNAME": "pod-7"}, "pod-7"), ({}, socket.gethostname())):
        told = subprocess.run([tmp_path / "program"], env=environment, capture_output=True, text=True, check=True)
        assert told.stderr == wanted
