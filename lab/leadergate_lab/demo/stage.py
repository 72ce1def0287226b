"""All that runs in the demo, what can be seen of it, and how it ends."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil
from kubernetes.client.exceptions import ApiException

from leadergate_lab.assets import AssetError
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.demo import replicas
from leadergate_lab.demo.lines import JsonLines
from leadergate_lab.demo.place import LEASE, MERGE, Place
from leadergate_lab.demo.replicas import Replica
from leadergate_lab.processes import ManagedProcess, ProcessDied
from leadergate_lab.recorder import Recorder
from leadergate_lab.webhook import WebhookProcess

LOOK_SECONDS = 0.02
STOP_SECONDS = 10.0


class DemoFault(RuntimeError):
    """The story cannot go on, or did not come out as it must; the message is for people."""


@dataclass
class Stage:
    """The control plane and the processes of the story, at one place of it.

    Without a ``webhook`` there is no gate, and the replicas check by themselves whether they lead.
    """

    plane: ControlPlane
    place: Place
    recorder: Recorder
    webhook: WebhookProcess | None = None
    replicas: list[Replica] = field(default_factory=list)
    _records: JsonLines | None = None

    @property
    def gated(self) -> bool:
        """Whether there is a gate."""
        return self.webhook is not None

    @property
    def lease(self) -> dict[str, Any]:
        """The Lease's spec as the watch saw it last; empty before there is one."""
        found = self.recorder.standing(self.place.leases).get(LEASE)
        return found["spec"] if found else {}

    @property
    def holder(self) -> str:
        """The Pod that the Lease names, empty for none."""
        return self.lease.get("holderIdentity") or ""

    @property
    def alive(self) -> list[Replica]:
        """The replicas that were not ended."""
        return [replica for replica in self.replicas if not replica.ended]

    def replica(self, pod: str) -> Replica:
        """The replica of that name. Raises DemoFault when there is none."""
        for replica in self.replicas:
            if replica.pod == pod:
                return replica
        raise DemoFault(
            f"the Lease {self.place.namespace}/{LEASE} names {pod or 'nobody'}, which is none of the replicas"
        )

    def redirect(self, name: str) -> dict[str, Any]:
        """A Redirect as the watch saw it last."""
        return self.recorder.standing(self.place.redirects)[name]

    def denials(self) -> list[dict[str, Any]]:
        """The gate's records of what it denied, oldest first."""
        if self.webhook is None:
            return []
        if self._records is None:
            self._records = JsonLines(self.webhook.process.stdout_path)
        return [record for record in self._records.all() if record["verdict"] == "Deny"]

    def rejections(self) -> list[dict[str, Any]]:
        """Those of its denials that rejected a write: a dry run is none."""
        return [record for record in self.denials() if not record["dryRun"]]

    def launch(self, number: int) -> Replica:
        """Start one more replica."""
        replica = replicas.launch(self.plane, self.place, number, gate="server" if self.gated else "client")
        self.replicas.append(replica)
        return replica

    def delete_pod(self, pod: str) -> None:
        """Delete a Pod object, which nothing runs any more."""
        path = f"/api/v1/namespaces/{self.place.namespace}/pods/{pod}"
        self.plane.cluster.call("DELETE", path, {"gracePeriodSeconds": 0})

    def change(self, name: str, target: str) -> dict[str, Any]:
        """Change a Redirect's spec, as its owner would. Returns the object as committed."""
        body = {"spec": {"target": target}}
        path = f"{self.place.redirects}/{name}"
        changed: dict[str, Any] = self.plane.cluster.call("PATCH", path, body, content_type=MERGE)
        return changed

    def mark(self, path: str) -> int:
        """Commit a change that has no meaning, so that a watch that has seen it has seen all that came before."""
        body = {"metadata": {"annotations": {"demo.leadergate.dev/end-of-history": str(time.time_ns())}}}
        changed = self.plane.cluster.call("PATCH", path, body, content_type=MERGE)
        return int(changed["metadata"]["resourceVersion"])

    def check(self) -> None:
        """Raises ProcessDied when a process has ended that should run."""
        for process in self._expected():
            if not process.running:
                raise ProcessDied(f"{process.name} ended with {process.returncode}, which it should not")

    def wait(self, condition: Callable[[], bool], *, what: str, timeout: float) -> None:
        """Wait for something while all that should run runs. Raises DemoFault, ProcessDied."""
        if not self.comes_true(condition, timeout):
            raise DemoFault(f"this did not come about within {timeout:g} s: {what}")

    def comes_true(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether something comes about in that time, while all that should run runs. Raises ProcessDied."""
        end = time.monotonic() + seconds
        while not condition():
            self.check()
            if time.monotonic() > end:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def stop_replicas(self) -> None:
        """Stop all replicas in order, at the same time."""
        running = [replica for replica in self.replicas if replica.process.running]
        for replica in running:
            replica.process.signal(signal.SIGTERM)
            replica.thaw()
            replica.ended = "stopped"
        for replica in running:
            replica.process.stop(timeout=STOP_SECONDS)
        for replica in self.replicas:
            replica.link.close()

    def tails(self, lines: int = 8) -> str:
        """The ends of all logs, for a failure."""
        kept = [replica.process for replica in self.replicas]
        with suppress(AttributeError, IndexError):  # of a control plane that did not come up
            kept = [self.plane.etcd, self.plane.apiserver.process, *kept]
        if self.webhook is not None:
            kept.append(self.webhook.process)
        return "\n".join(tail for process in kept if (tail := process.tail(lines)))

    def _expected(self) -> list[ManagedProcess]:
        webhook = [self.webhook.process] if self.webhook is not None else []
        servers = [self.plane.etcd, self.plane.apiserver.process]
        return [*servers, *webhook, *(replica.process for replica in self.alive)]


def sweep() -> None:
    """Kill what an interruption kept from being stopped in order: every process that this one has started."""
    left = psutil.Process().children(recursive=True)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=STOP_SECONDS)


def explain(error: BaseException) -> str:
    """An error in words for people: of an answer of the API server, its message."""
    if isinstance(error, ApiException):
        try:
            return str(json.loads(error.body or "")["message"])
        except (ValueError, TypeError, KeyError):
            return f"the API server answered {error.status} {error.reason}"
    if isinstance(error, (AssetError, OSError, RuntimeError)):
        return str(error)
    return f"{type(error).__name__}: {error}"
