"""One replica of an operator: a Pod object, a token bound to it, and a process that logs."""

from __future__ import annotations

from pathlib import Path

from leadergate_lab.cluster import Cluster
from leadergate_lab.interop.operators import Operator, Place, Timings
from leadergate_lab.processes import ManagedProcess, python_environment


class Replica:
    """A process that believes that it runs in ``pod``."""

    def __init__(self, pod: str, process: ManagedProcess) -> None:
        self.pod = pod
        self.process = process

    def log(self) -> list[str]:
        """The lines that it has logged so far, wherever to."""
        return [
            line
            for path in (self.process.stdout_path, self.process.stderr_path)
            for line in path.read_text(errors="replace").splitlines()
        ]


def launch(
    cluster: Cluster, operator: Operator, *, namespace: str, account: str, pod: str, timings: Timings, log_dir: Path
) -> Replica:
    """Make the Pod, its token and its process; returns before it is of any use."""
    identity = cluster.pod(namespace, pod, account)
    token = cluster.pod_token(identity, seconds=24 * 3600)
    kubeconfig = cluster.kubeconfig(f"{namespace}-{pod}", token=token, namespace=namespace)
    place = Place(pod, namespace, kubeconfig, timings)
    environment = python_environment(**operator.environment(place))
    process = operator.process(f"{namespace}-{pod}", operator.command(place), log_dir=log_dir, env=environment)
    process.start()
    return Replica(pod, process)
