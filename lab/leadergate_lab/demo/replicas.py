"""Replicas of the sample operator: Pods as objects, real tokens that are bound to them, real processes."""

from __future__ import annotations

import http.client
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.demo.lines import JsonLines
from leadergate_lab.demo.link import Link
from leadergate_lab.demo.place import ACCOUNT, LEASE, Place
from leadergate_lab.processes import ManagedProcess, python_environment

LEASE_SECONDS = 4
RENEW_SECONDS = 3
RETRY_SECONDS = 1
RESYNC_SECONDS = 0.5
TOKEN_SECONDS = 24 * 3600
START_SECONDS = 60.0
WRITE_SECONDS = 60
"""Client libraries set no bound by default: this one is long, not short."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a replica answered to a GET; ``location`` is empty when it redirects nowhere."""

    status: int
    location: str
    body: bytes


class Replica:
    """One operator process, and what it says of itself. ``ended`` is how we ended it, empty while it should run."""

    def __init__(self, pod: str, kubeconfig: Path, process: ManagedProcess, link: Link) -> None:
        self.pod = pod
        self.kubeconfig = kubeconfig
        self.process = process
        self.link = link
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

    def under_way(self, redirect: str) -> list[dict[str, Any]]:
        """The writes of one Redirect's status that it has begun, by its log, and that have not ended: one at most."""
        begun: list[dict[str, Any]] = []
        for line in self._log.all():
            if line.get("redirect") == redirect and line.get("event") == "status_write_begins":
                begun = [line]
            elif line.get("redirect") == redirect and line.get("event") == "status_write":
                begun = []
        return begun

    def get(self, path: str) -> Answer:
        """GET from it, without following. Raises OSError."""
        host, _, port = self._address().rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
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
        """SIGSTOP, and what it has sent stands still as well."""
        self.link.hold()
        self.process.freeze()
        self.frozen = True

    def thaw(self) -> None:
        """SIGCONT, and its network comes back."""
        self.frozen = False
        self.process.thaw()
        self.link.release()

    def kill(self) -> None:
        """SIGKILL."""
        self.ended = "killed"
        self.process.kill()

    def _address(self) -> str:
        serving = [line for line in self._log.all() if line.get("event") == "serving"]
        return str(serving[-1]["address"]) if serving else ""


def launch(plane: ControlPlane, place: Place, number: int, *, gate: str) -> Replica:
    """Make the Pod, its token, its link and its process; returns before it serves. ``gate`` is its --status-gate."""
    pod = f"{place.stem}-{number}"
    cluster = plane.cluster
    token = cluster.pod_token(cluster.pod(place.namespace, pod, ACCOUNT), seconds=TOKEN_SECONDS)
    server = urlsplit(plane.url)
    link = Link(server.hostname or "", server.port or 0)
    kubeconfig = cluster.kubeconfig(pod, token=token, namespace=place.namespace, server=link.url)
    argv = [sys.executable, "-m", "leadergate_operator", "run", "--pod-name", pod, "--namespace", place.namespace]
    argv += ["--kubeconfig", str(kubeconfig), "--status-gate", gate, "--lease-name", LEASE]
    argv += ["--lease-duration", str(LEASE_SECONDS), "--renew-deadline", str(RENEW_SECONDS)]
    argv += ["--retry-period", str(RETRY_SECONDS), "--resync-seconds", str(RESYNC_SECONDS)]
    # The line before each write tells when one is under way.
    argv += ["--write-timeout", str(WRITE_SECONDS), "--log-level", "debug"]
    process = ManagedProcess(pod, argv, log_dir=plane.directory, env=python_environment())
    process.start()
    return Replica(pod, kubeconfig, process, link)
