"""Three replicas of one operator under a gate, and what etcd, the gate and the replicas say of them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

from kubernetes.client.exceptions import ApiException

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.demo.lines import JsonLines
from leadergate_lab.demo.summary import writer
from leadergate_lab.history import LeaseChange, ObjectChange, Verdict, judge
from leadergate_lab.interop.operators import Operator, Timings
from leadergate_lab.interop.place import ACCOUNT, GROUP, PLAIN, Setting, allow, furnish, redirect
from leadergate_lab.interop.replica import Replica, launch
from leadergate_lab.processes import ManagedProcess, wait_until
from leadergate_lab.recorder import Recorder
from leadergate_lab.webhook import ACCOUNT as WEBHOOK_ACCOUNT
from leadergate_lab.webhook import NAMESPACE as WEBHOOK_NAMESPACE
from leadergate_lab.webhook import WebhookProcess, status_rule

PATIENCE = 120.0
MERGE = "application/merge-patch+json"
HANDS = 8
"""How many objects the owner changes at a time."""


class Fleet:
    """Replicas ``pod-0``, ``pod-1``… in a namespace of their own. Begin with :meth:`running`."""

    def __init__(self, plane: ControlPlane, operator: Operator, timings: Timings, setting: Setting) -> None:
        self.plane = plane
        self.operator = operator
        self.timings = timings
        self.setting = setting
        self.namespace = f"interop-{secrets.token_hex(4)}"
        self.leases = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases"
        self.redirects = f"/apis/{GROUP}/v1/namespaces/{self.namespace}/redirects"
        self.replicas: list[Replica] = []
        self.webhook: WebhookProcess
        self.recorder: Recorder
        self._records: JsonLines

    @classmethod
    @contextmanager
    def running(
        cls,
        plane: ControlPlane,
        operator: Operator,
        *,
        objects: int,
        timings: Timings = Timings(),  # noqa: B008 - it is frozen
        setting: Setting = PLAIN,
        replicas: int = 3,
    ) -> Iterator[Fleet]:
        """Yields it when there is a leader and all objects' statuses are right; ends all of it whatever happens."""
        fleet = cls(plane, operator, timings, setting)
        with ExitStack() as ending:
            fleet._open(ending, objects)
            for number in range(replicas):
                fleet.launch(f"pod-{number}")
            fleet.until(lambda: bool(fleet.holder), "a leader")
            fleet.until(lambda: not fleet.wrong(), f"all {objects} statuses are right")
            yield fleet

    @property
    def names(self) -> list[str]:
        """The Redirects."""
        return sorted(self.recorder.standing(self.redirects))

    @property
    def holder(self) -> str:
        """The pod that the Lease names, empty for none."""
        found = self.recorder.standing(self.leases).get(self.operator.lease)
        return _pod(found) if found else ""

    @property
    def leader(self) -> Replica:
        """The replica that the Lease names. Raises StopIteration when it names none of them."""
        holder = self.holder
        return next(replica for replica in self.replicas if replica.pod == holder)

    @property
    def followers(self) -> list[Replica]:
        """The other replicas."""
        leader = self.leader
        return [replica for replica in self.replicas if replica is not leader]

    def succeeded(self, former: Replica) -> Replica:
        """Wait until another replica leads than one that is gone or stands still.

        Its Lease runs out within a second, in place of what its record promises.
        """
        shorter = {"spec": {"leaseDurationSeconds": 1}}
        self.plane.cluster.call("PATCH", f"{self.leases}/{self.operator.lease}", shorter, content_type=MERGE)
        self.until(lambda: self.holder not in ("", former.pod), "a takeover")
        return self.leader

    def launch(self, pod: str) -> Replica:
        """Start one more replica."""
        replica = launch(
            self.plane.cluster,
            self.operator,
            namespace=self.namespace,
            account=ACCOUNT,
            pod=pod,
            timings=self.timings,
            log_dir=self.plane.directory,
        )
        self.replicas.append(replica)
        return replica

    def wrong(self) -> set[str]:
        """The Redirects whose status does not speak of their spec as it is."""
        return {name for name, item in self.recorder.standing(self.redirects).items() if not _right(item)}

    def change(self, names: Iterable[str], target: str) -> None:
        """Change the spec of Redirects, as their owner would; returns when all that is committed and seen."""

        def patch(name: str) -> int:
            body = {"spec": {"target": target}}
            return _revision(self.plane.cluster.call("PATCH", f"{self.redirects}/{name}", body, content_type=MERGE))

        with ThreadPoolExecutor(HANDS) as hands:
            revisions = list(hands.map(patch, names))
        self.recorder.wait_for(self.redirects, max(revisions))

    def denials(self, pod: str | None = None) -> list[dict[str, Any]]:
        """The gate's records of rejected writes, of one pod if it is named."""
        return [
            record
            for record in self._records.all()
            if record["verdict"] == "Deny" and not record["dryRun"] and pod in (None, record["requester"]["pod"])
        ]

    def until(self, condition: Callable[[], bool], what: str, timeout: float = PATIENCE) -> None:
        """Wait for something. Raises TimeoutError, with the ends of all logs."""
        try:
            wait_until(condition, what=what, timeout=timeout)
        except TimeoutError as error:
            logs = [replica.process.tail(5) for replica in self.replicas] + [self.webhook.process.tail(5)]
            raise TimeoutError("\n".join([f"{self.operator.name}: {error}", *logs])) from None

    def judged(self) -> Verdict:
        """What the checker says of all that was committed until now. Ends the recording."""
        upto = {
            self.leases: self._mark(f"{self.leases}/{self.operator.lease}"),
            self.redirects: self._mark(f"{self.redirects}/{self.names[0]}"),
        }
        self.recorder.stop(upto)
        lease = [
            LeaseChange(change.revision, _pod(change.now))
            for change in self.recorder.changes(self.leases)
            if change.name == self.operator.lease
        ]
        changes = self.recorder.changes(self.redirects)
        return judge(lease, [ObjectChange(change.name, change.revision, writer(change)) for change in changes])

    def _open(self, ending: ExitStack, objects: int) -> None:
        cluster = self.plane.cluster
        furnish(cluster, self.namespace)
        self.webhook = WebhookProcess(
            self.plane, name=f"webhook-{self.namespace}", flags=["--drain-seconds", "0", *self.setting.flags]
        )
        self.webhook.grant(self.namespace, self.operator.lease)
        if self.setting.rights:
            subject = {"kind": "ServiceAccount", "namespace": WEBHOOK_NAMESPACE, "name": WEBHOOK_ACCOUNT}
            allow(cluster, self.namespace, "leadergate-setting", list(self.setting.rights), subject)
        ending.callback(self._end_process, self.webhook.process)
        self.webhook.start()
        self._records = JsonLines(self.webhook.process.stdout_path)
        paths = [self.leases, self.redirects]
        self.recorder = Recorder(
            server=self.plane.url, ca_file=str(self.plane.ca_file), token=self.plane.admin_token, paths=paths
        )
        self.recorder.start()
        ending.callback(self.recorder.end)
        width = len(str(objects))
        with ThreadPoolExecutor(HANDS) as hands:
            made = list(hands.map(self._create, [f"r{number:0{width}}" for number in range(objects)]))
        self.recorder.wait_for(self.redirects, max(made))
        self._gate(ending)
        ending.callback(self._end_replicas)

    def _create(self, name: str) -> int:
        made = redirect(self.namespace, name, "https://example.org/first")
        return _revision(self.plane.cluster.call("POST", self.redirects, made))

    def _gate(self, ending: ExitStack) -> None:
        """Put the gate up, and wait until it rejects what the administrator tries."""
        path = f"/enforce/{self.namespace}/{self.operator.lease}{self.setting.options}"
        here = {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}
        rule = status_rule(GROUP, "v1", "redirects", scope="Namespaced")
        # The longest that Kubernetes waits for a webhook: that this machine is busy is no fault of the gate.
        self.plane.cluster.apply(
            self.webhook.gate(self.namespace, path, [rule], namespaceSelector=here, timeoutSeconds=30)
        )
        configurations = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
        ending.callback(self.plane.cluster.call, "DELETE", f"{configurations}/{self.namespace}")
        probe = f"{self.redirects}/{self.names[0]}/status"

        def in_force() -> bool:
            body = {"status": {"writtenBy": "the administrator"}}
            try:
                self.plane.cluster.call("PATCH", probe, body, content_type=MERGE, dryRun="All")
            except ApiException as error:
                if error.status in (403, 429):
                    return True
                raise
            return False

        wait_until(in_force, what=f"the gate {path} is in force", timeout=PATIENCE)

    def _mark(self, path: str) -> int:
        """Commit a change without meaning: a watch that has seen it has seen all that came before."""
        body = {"metadata": {"annotations": {"example.org/end-of-history": str(time.time_ns())}}}
        return _revision(self.plane.cluster.call("PATCH", path, body, content_type=MERGE))

    def _end_replicas(self) -> None:
        for replica in self.replicas:
            replica.process.kill()

    @staticmethod
    def _end_process(process: ManagedProcess) -> None:
        if process.running:
            process.stop()


def pods(replicas: Sequence[Replica]) -> set[str]:
    """Their Pods' names."""
    return {replica.pod for replica in replicas}


def _pod(lease: dict[str, Any]) -> str:
    """The pod that a Lease's identity names, however its framework writes it."""
    return str(lease["spec"].get("holderIdentity") or "").partition("_")[0]


def _right(item: dict[str, Any]) -> bool:
    return bool(item.get("status", {}).get("observedGeneration") == item["metadata"]["generation"])


def _revision(item: dict[str, Any]) -> int:
    return int(item["metadata"]["resourceVersion"])
