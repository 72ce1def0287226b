"""Operators in Python that have no election: our sidecar stands for them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from leadergate_lab.interop.operators import Place
from leadergate_lab.processes import ManagedProcess, free_port

SCRIPTS = Path(__file__).parents[3] / "tests" / "interop" / "python"
LEASE = "operator-lock"


class PodProcess(ManagedProcess):
    """A Pod with two containers: killed, frozen and thawed as one, and ended as a kubelet ends it."""

    def signal(self, number: int) -> None:
        """Send a signal: to all of it, unless it is one that asks it to end."""
        if not self.running:
            return
        if number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT):
            os.killpg(self.pid, number)
        else:
            super().signal(number)


@dataclass(frozen=True, slots=True)
class SidecarOperator:
    """A script of ``tests/interop/python`` and ``leadergate elect`` beside it."""

    name: str
    script: str
    by_kopf: bool = False
    lease: str = LEASE
    process: type[ManagedProcess] = PodProcess

    def command(self, place: Place) -> Sequence[str]:
        """How to start a replica."""
        timings, port = place.timings, free_port()
        health = f"http://127.0.0.1:{port}/healthz"
        sidecar = [sys.executable, "-m", "leadergate", "elect", "--identity", place.pod]
        sidecar += ["--namespace", place.namespace, "--lease-name", self.lease, "--kubeconfig", str(place.kubeconfig)]
        sidecar += ["--lease-duration", f"{timings.lease:g}", "--renew-deadline", f"{timings.renew:g}"]
        sidecar += ["--retry-period", f"{timings.retry:g}", "--listen", "127.0.0.1:0", "--while-healthy", health]
        # An operator that a busy machine keeps waiting is not ill.
        sidecar += ["--health-timeout", "30"]
        path = str(SCRIPTS / self.script)
        if self.by_kopf:
            operator = [sys.executable, "-m", "kopf", "run", "--standalone", f"--namespace={place.namespace}"]
            operator += [f"--liveness={health}", path]
        else:
            operator = [sys.executable, path, str(port)]
        return [sys.executable, "-m", "leadergate_lab.interop.pod", *sidecar, "--", *operator]

    def environment(self, place: Place) -> Mapping[str, str]:
        """Its environment, on top of the laboratory's."""
        return {"KUBECONFIG": str(place.kubeconfig), "POD_NAME": place.pod, "POD_NAMESPACE": place.namespace}


def kopf(_: Mapping[str, Path]) -> SidecarOperator:
    """On Kopf, which calls it at each event."""
    return SidecarOperator("Kopf, with the sidecar", "kopf_operator.py", by_kopf=True)


def kopf_changes(_: Mapping[str, Path]) -> SidecarOperator:
    """On Kopf, which calls it at each change that no replica has handled yet."""
    return SidecarOperator("Kopf, handlers of changes, with the sidecar", "kopf_changes.py", by_kopf=True)


def plain(_: Mapping[str, Path]) -> SidecarOperator:
    """A script on the client library, which looks at everything every two seconds."""
    return SidecarOperator("plain Python, with the sidecar", "plain_operator.py")
