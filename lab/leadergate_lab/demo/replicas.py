"""Replicas of the sample operator: Pods as objects, real tokens that are bound to them, real processes."""

from __future__ import annotations

import http.client
import math
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leadergate_lab.cluster import Cluster
from leadergate_lab.demo.lines import JsonLines
from leadergate_lab.demo.place import ACCOUNT, LEASE, NAMESPACE
from leadergate_lab.processes import ManagedProcess, python_environment

LEASE_SECONDS = 4
RENEW_SECONDS = 3
RETRY_SECONDS = 1
RESYNC_SECONDS = 0.5
TOKEN_SECONDS = 24 * 3600
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a replica answered to a GET; ``location`` is empty when it redirects nowhere."""

    status: int
    location: str
    body: bytes


class Replica:
    """One operator process, and what it says of itself. ``ended`` is how we ended it, empty while it should run."""

    def __init__(self, pod: str, kubeconfig: Path, process: ManagedProcess) -> None:
        self.pod = pod
        self.kubeconfig = kubeconfig
        self.process = process
        self.frozen = False
        self.ended = ""
        self._log = JsonLines(process.stderr_path)

    @property
    def number(self) -> int:
        """The number that the Pod's name ends with."""
        return int(self.pod.rpartition("-")[2])

    def writes(self) -> list[dict[str, Any]]:
        """Its attempts to write a status, as it logged them."""
        return [line for line in self._log.all() if line.get("event") == "status_write"]

    def accepted(self) -> int:
        """How many of them the API server accepted."""
        return sum(line["outcome"] == "accepted" for line in self.writes())

    def rested(self) -> float:
        """Seconds since its last attempt ended; endless before the first."""
        writes = self.writes()
        if not writes:
            return math.inf
        return (datetime.now(UTC) - datetime.fromisoformat(writes[-1]["time"])).total_seconds()

    def get(self, path: str) -> Answer:
        """GET from it, without following. Raises OSError."""
        host, _, port = self._address().rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheader("Location") or "", answer.read())
        except http.client.HTTPException as error:
            raise OSError(f"no HTTP answer from {self.pod}: {error!r}") from error
        finally:
            connection.close()

    def serves(self, path: str, target: str) -> bool:
        """Whether it sends a caller of ``path`` to ``target``; False while it does not serve at all."""
        if not self._address():
            return False
        try:
            return self.get(path).location == target
        except OSError:
            return False

    def freeze(self) -> None:
        """SIGSTOP."""
        self.process.freeze()
        self.frozen = True

    def thaw(self) -> None:
        """SIGCONT."""
        self.frozen = False
        self.process.thaw()

    def kill(self) -> None:
        """SIGKILL."""
        self.ended = "killed"
        self.process.kill()

    def _address(self) -> str:
        serving = [line for line in self._log.all() if line.get("event") == "serving"]
        return str(serving[-1]["address"]) if serving else ""


def launch(cluster: Cluster, number: int, log_dir: Path) -> Replica:
    """Make the Pod, its token and its process; returns before it serves."""
    pod = f"redirect-operator-{number}"
    identity = cluster.pod(NAMESPACE, pod, ACCOUNT)
    token = cluster.pod_token(identity, seconds=TOKEN_SECONDS)
    kubeconfig = cluster.kubeconfig(pod, token=token, namespace=NAMESPACE)
    argv = [sys.executable, "-m", "leadergate_operator", "run", "--pod-name", pod, "--namespace", NAMESPACE]
    argv += ["--kubeconfig", str(kubeconfig), "--lease-name", LEASE, "--lease-duration", str(LEASE_SECONDS)]
    argv += ["--renew-deadline", str(RENEW_SECONDS), "--retry-period", str(RETRY_SECONDS)]
    argv += ["--resync-seconds", str(RESYNC_SECONDS)]
    # The client library's elector writes local time and calls it UTC.
    process = ManagedProcess(pod, argv, log_dir=log_dir, env=python_environment(TZ="UTC"))
    process.start()
    return Replica(pod, kubeconfig, process)
