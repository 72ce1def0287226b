"""A build that fails, is interrupted, or meets another one."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from leadergate_lab.assets import AssetError, ensure

if TYPE_CHECKING:
    from tests.lab.assets.conftest import Machine

APISERVER = "k8s.io/kubernetes/cmd/kube-apiserver"


def test_a_failed_build_shows_go_s_words_and_resumes(machine: Machine) -> None:
    """The error holds the end of Go's output without its progress; what was built before is not built again."""
    machine.install_go()
    (machine.go / "fail").write_text(f"{APISERVER}\n# {APISERVER}\nmain.go:7: broken")
    with pytest.raises(
        AssetError, match=r"Building kube-apiserver failed: `go build` ended with exit status 1"
    ) as fault:
        ensure(machine.lines.append)
    assert "main.go:7: broken\n" in str(fault.value)
    assert "    fmt\n" not in str(fault.value)
    assert machine.leftovers == []
    (machine.go / "fail").unlink()
    ensure(machine.lines.append)
    assert machine.built == ["v3", "kube-apiserver", "kube-apiserver", "kubectl"]


@pytest.mark.parametrize(
    ("output", "remedy"),
    [
        ("write $WORK/b001/a.out: no space left on device", "disk is full"),
        ("compile: signal: killed", "want of memory"),
        ("dial tcp: lookup proxy: no such host", "module proxy cannot be reached"),
        ("something else", "Mend what the output names"),
    ],
)
def test_known_faults_have_a_remedy(machine: Machine, output: str, remedy: str) -> None:
    """What Go says when the disk, the memory or the network fails is explained, with what to do."""
    machine.install_go()
    (machine.go / "fail").write_text(f"{APISERVER}\n{output}")
    with pytest.raises(AssetError, match=remedy):
        ensure(machine.lines.append)


def test_a_binary_of_another_version_is_refused(machine: Machine) -> None:
    """A binary without the pinned version stamped on it never enters the cache."""
    machine.install_go()
    (machine.go / "says").write_text("v0.0.0-master")
    with pytest.raises(AssetError, match=r"said: v0\.0\.0-master\. 3\.7\.0 was expected"):
        ensure(machine.lines.append)
    assert not any(path.is_file() for path in (machine.cache / "controlplane").rglob("*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_ends_go_and_resumes(
    machine: Machine, command: Callable[[], subprocess.Popen[str]], number: signal.Signals
) -> None:
    """Ctrl-C or SIGTERM ends Go too, leaves no half binary, says that it resumes; the next run keeps what was built."""
    machine.install_go()
    (machine.go / "hang").write_text(APISERVER)
    os.mkfifo(machine.go / "hanging")  # so that reading it waits until the build has begun
    process = command()
    go = psutil.Process(int((machine.go / "hanging").read_text()))
    process.send_signal(number)
    out, error = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert "interrupted; what is built is kept, the next run resumes" in error
    assert "Traceback" not in error
    assert not go.is_running()
    assert machine.leftovers == []
    (machine.go / "hang").unlink()
    ensure(machine.lines.append)
    assert machine.built == ["v3", "kube-apiserver", "kube-apiserver", "kubectl"]


def test_leavings_of_a_killed_build_are_cleared(machine: Machine) -> None:
    """A half binary that a killed process left behind is neither used nor kept."""
    machine.install_go()
    folder = ensure(machine.lines.append).etcd.parent
    (folder / "kubectl").rename(folder / ".kubectl.1.part")
    ensure(machine.lines.append)
    assert machine.leftovers == []
    assert machine.built == ["v3", "kube-apiserver", "kubectl", "kubectl"]


def test_a_second_build_waits_and_says_so(machine: Machine, command: Callable[[], subprocess.Popen[str]]) -> None:
    """While another process holds the lock, its id is named; once it lets go, the waiting one goes on by itself."""
    machine.install_go()
    machine.cache.mkdir()
    with (machine.cache / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("pid 4711")
        lock.flush()
        process = command()
        assert "another process (pid 4711)" in _lines_until(process, "waiting")[-1]
        assert machine.built == []
    out, _ = process.communicate()
    assert process.returncode == 0
    assert "kubectl" in out


def test_two_at_once_build_once(machine: Machine, command: Callable[[], subprocess.Popen[str]]) -> None:
    """Of two that start together both get the binaries, and each is built a single time."""
    machine.install_go()
    both = [command(), command()]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert outputs[0] == outputs[1]
    assert machine.built == ["v3", "kube-apiserver", "kubectl"]


def test_a_fault_is_told_without_a_trace(
    machine: Machine, command: Callable[[], subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The command prints the error in words, on standard error, and exits with 1."""
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "nowhere"))
    process = command()
    out, error = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert error.startswith("error: KUBEBUILDER_ASSETS is ")
    assert "Traceback" not in error


def _lines_until(process: subprocess.Popen[str], words: str) -> list[str]:
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError(f"it ended without saying {words!r}, but: {''.join(lines)}")
