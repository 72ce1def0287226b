"""Logs by real kubectl, through the API server and the node's own kubelet."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO

import pytest

from leadergate_lab.processes import wait_until
from leadergate_lab.village.village import Village

from .conftest import PATIENCE, RunPod

LINES = "import sys\nfor n in range(5): print('line', n, flush=True)\n"


Kubectl = Callable[..., subprocess.CompletedProcess[str]]


def kubectl_process(village: Village, namespace: str, *arguments: str) -> subprocess.Popen[str]:
    """``kubectl logs`` with these arguments, on its way."""
    argv = [str(village.plane.kubectl), f"--kubeconfig={village.admin_kubeconfig}", "-n", namespace, "logs"]
    home = {"HOME": str(village.folder)}
    pipe = subprocess.PIPE
    return subprocess.Popen([*argv, *arguments], env=home, stdout=pipe, stderr=pipe, text=True)


@pytest.fixture
def kubectl(village: Village, namespace: str) -> Kubectl:
    """``kubectl logs`` with these arguments, to its end."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        process = kubectl_process(village, namespace, *arguments)
        out, err = process.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    return run


def test_a_log_is_read_by_any_of_its_options(kubectl: Kubectl, run_pod: RunPod) -> None:
    """Whole, from its end, from a moment on, cut off, with times; a long line comes in one piece."""
    run_pod(LINES + "print('x' * 40000, end='')")
    whole = kubectl("once").stdout
    assert whole == "".join(f"line {number}\n" for number in range(5)) + "x" * 40000 + "\n"
    assert kubectl("once", "--limit-bytes=7").stdout == "line 0\n"
    assert kubectl("once", "--since-time=2100-01-01T00:00:00Z").stdout == ""
    stamped = kubectl("once", "--timestamps").stdout.splitlines()
    assert [line.split(" ", 1)[1] for line in stamped] == whole.splitlines()
    times = [line.split(" ", 1)[0] for line in stamped]
    assert times == sorted(times)
    assert {len(time) for time in times} == {len("2026-01-01T00:00:00.000000000Z")}
    assert datetime.fromisoformat(times[0]).tzinfo is not None


def test_the_log_before_a_restart_is_kept(village: Village, namespace: str, kubectl: Kubectl, run_pod: RunPod) -> None:
    """Until there is one, it is said to be missing; each run has its own."""
    code = (
        "import os, time\nfirst = not os.path.exists('/run/room/been')\nopen('/run/room/been', 'w').close()\n"
        "print('first' if first else 'second', flush=True)\n"
        "while not (first and os.path.exists('/run/room/end')): time.sleep(0.05)\n"
    )
    mounts = [{"name": "room", "mountPath": "/run/room"}]
    run_pod(
        code,
        "Running",
        restartPolicy="Always",
        terminationGracePeriodSeconds=0,
        container={"volumeMounts": mounts},
        volumes=[{"name": "room", "emptyDir": {}}],
    )
    wait_until(lambda: kubectl("once").stdout == "first\n", what="it has begun", timeout=PATIENCE)
    none = kubectl("once", "--previous")
    assert none.returncode == 1
    assert 'previous terminated container "main" in pod "once" not found' in none.stderr
    (village.node.pod(namespace, "once").folder / "volumes" / "room" / "end").touch()
    wait_until(lambda: kubectl("once").stdout == "second\n", what="it has been started again", timeout=PATIENCE)
    assert kubectl("once", "--previous").stdout == "first\n"


def wait_for_the_end(run_pod: RunPod, before: str, after: str) -> None:
    """Run a Pod that says one word, and another one when the file ``end`` is in its folder ``room``, and ends."""
    code = f"import os, time\nprint({before!r}, flush=True)\n"
    code += f"while not os.path.exists('/run/room/end'): time.sleep(0.05)\nprint({after!r}, flush=True)"
    mounts = [{"name": "room", "mountPath": "/run/room"}]
    volumes = [{"name": "room", "emptyDir": {}}]
    run_pod(code, "Running", container={"volumeMounts": mounts}, volumes=volumes)


@contextmanager
def followed(village: Village, namespace: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """``kubectl logs --follow``, and what it prints."""
    following = kubectl_process(village, namespace, "once", "--follow")
    try:
        assert following.stdout is not None
        yield following, following.stdout
    finally:
        following.kill()
        following.communicate()


def test_a_log_is_followed_to_the_containers_end(village: Village, namespace: str, run_pod: RunPod) -> None:
    """kubectl ends by itself then, with all that was written."""
    wait_for_the_end(run_pod, "begin", "end")
    with followed(village, namespace) as (following, told):
        assert told.readline() == "begin\n"
        (village.node.pod(namespace, "once").folder / "volumes" / "room" / "end").touch()
        assert told.read() == "end\n"
        assert following.wait(timeout=PATIENCE) == 0


def test_a_log_that_is_rotated_is_followed(village: Village, namespace: str, kubectl: Kubectl, run_pod: RunPod) -> None:
    """What follows goes on in the new file; what begins afterwards has only that."""
    wait_for_the_end(run_pod, "old", "new")
    pod = village.node.pod(namespace, "once")
    with followed(village, namespace) as (following, told):
        assert told.readline() == "old\n"
        pod.log("main").rename(pod.folder / "main.0.log.rotated")
        (pod.folder / "volumes" / "room" / "end").touch()
        assert told.read() == "new\n"
        assert following.wait(timeout=PATIENCE) == 0
    village.wait_pod(namespace, "once", "Succeeded")
    assert kubectl("once").stdout == "new\n"
