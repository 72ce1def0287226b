"""What ``leadergate elect`` says to those who start it."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from leadergate_lab.processes import python_environment

from .conftest import Scene


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, check=False, env=python_environment()
    )


def test_both_names_teach_the_same() -> None:
    """``leadergate elect --help`` and ``python -m leadergate_election --help`` name every flag and the RBAC."""
    told = [_run("leadergate", "elect", "--help"), _run("leadergate_election", "--help")]
    for help_text in (one.stdout for one in told):
        for word in ("--identity", "--while-healthy", "--lease-name", "/leader", "restartPolicy", "RBAC", "POD_NAME"):
            assert word in help_text
    assert [one.returncode for one in told] == [0, 0]


def test_all_faults_at_once(tmp_path: Path) -> None:
    """Each names the flag, the value and what was expected; there is no trace."""
    done = _run(
        *("leadergate", "elect", "--identity", "op-0", "--namespace", "Demo", "--renew-deadline", "30"),
        *("--listen", "here", "--log-level", "loud", "--while-healthy", "nowhere", "--expired-tolerance", "-1"),
        *("--kubeconfig", str(tmp_path / "none")),
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert lines[0] == "leadergate elect cannot start; 7 setting(s) to mend:"
    for part in ("'Demo'", "30 s", "'here'", "'loud'", "'nowhere'", "--expired-tolerance: -1", "there is no such file"):
        assert sum(part in line for line in lines[1:]) == 1, part


def test_the_identity_is_asked_for() -> None:
    """Without a Pod's name there is nothing to stand in the name of."""
    done = _run("leadergate", "elect", "--namespace", "demo")
    assert done.returncode == 2
    assert "--identity" in done.stderr


def test_an_address_that_is_taken(scene: Scene) -> None:
    """It says so, and does not stand."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        kubeconfig = scene.cluster.kubeconfig(f"{scene.namespace}-taken", token="t", namespace=scene.namespace)
        flags = ("--identity", "op-0", "--namespace", scene.namespace, "--kubeconfig", str(kubeconfig))
        done = _run("leadergate", "elect", *flags, "--listen", address)
    assert done.returncode == 2
    assert address in done.stderr
    assert "Traceback" not in done.stderr
    assert scene.lease() == {}
