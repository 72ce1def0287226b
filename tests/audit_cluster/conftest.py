"""The webhook as Helm installs it, its two replicas as Pods that really run, and reviews that go to one of them."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import os
import signal
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from leadergate.audit.cluster.live import Live
from leadergate.audit.cluster.logs import LogLine
from leadergate.audit.cluster.replicas import Replicas, behind
from leadergate.gates.spec import Service
from leadergate_election.connection import ApiConnection
from leadergate_election.credentials import CredentialsSource
from leadergate_lab.assets import Assets
from leadergate_lab.bench.reviews import review
from leadergate_lab.helm import CHART, Helm, binary
from leadergate_lab.processes import wait_until
from leadergate_lab.scratch import Scratch
from leadergate_lab.village.images import leadergate
from leadergate_lab.village.logs import PodLogs
from leadergate_lab.village.village import Village

NAMESPACE = "leadergate-system"
SERVICE = Service(NAMESPACE, "leadergate")
GATE = "/enforce/shop/operator-lock?timeout=1s"
"""Reviews that cannot be decided, since the API server is down, are answered after almost that long."""
PATIENCE = 120.0
IDLE = 1.0
"""Seconds after which a silent log is asked for anew: a busy machine brings its first line within them."""
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
RBAC = "rbac.authorization.k8s.io"

_UNVERIFIED = ssl.create_default_context()
_UNVERIFIED.check_hostname = False
_UNVERIFIED.verify_mode = ssl.CERT_NONE


class Installed:
    """An installation, and a writer that is never the holder."""

    def __init__(self, village: Village) -> None:
        self.village, self.cluster = village, village.cluster
        self._numbers = itertools.count(1)
        self._addresses: dict[str, str] = {}
        self.cluster.namespace(NAMESPACE)
        village.wait_namespace(NAMESPACE)
        helm = Helm(binary(), village.folder / "helm", village.admin_kubeconfig)
        brisk = ("--set", "settings.drainSeconds=1")
        done = helm.run("install", "leadergate", CHART, "-n", NAMESPACE, "--wait", "--timeout=60s", *brisk)
        assert done.returncode == 0, done.stderr
        self.cluster.namespace("shop")
        village.wait_namespace("shop")
        self.cluster.service_account("shop", "operator")
        self.cluster.set_lease("shop", "operator-lock", "operator-0", duration=3600)
        self._grant()
        self.writer = self.cluster.pod("shop", "operator-1", "operator")
        for name in self.pods():
            self.wait_judging(name)

    def pods(self) -> list[str]:
        """The replicas' names, of those that stay."""
        found = self.village.pods(NAMESPACE, "app.kubernetes.io/component=webhook")
        return sorted(pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"])

    def logs(self, pod: str) -> PodLogs:
        """Its files on the node."""
        return self.village.node.pod(NAMESPACE, pod)

    def reject(self, pod: str, count: int = 1) -> list[str]:
        """Have that replica deny writes; the uids of the reviews, in their order."""
        made = self.review(pod, count)
        assert set(made.values()) == {200}
        return list(made)

    def review(self, pod: str, count: int = 1) -> dict[str, int]:
        """Send reviews, whatever comes of them, and wait until the node has all records. HTTP status by uid."""
        if pod not in self._addresses:
            self._addresses[pod] = self.cluster.get(f"{PODS}/{pod}")["status"]["podIP"]
        ip = self._addresses[pod]
        caller = http.client.HTTPSConnection(ip, 10250, context=_UNVERIFIED)
        caller.sock = _UNVERIFIED.wrap_socket(self.village.gate.connect(ip, 10250))
        made: dict[str, int] = {}
        try:
            for _ in range(count):
                body = json.loads(review(self.writer, 0))
                body["request"]["uid"] = uid = f"{pod}-{next(self._numbers):06}"
                caller.request("POST", GATE, json.dumps(body), {"Content-Type": "application/json"})
                answer = caller.getresponse()
                answer.read()
                made[uid] = answer.status
        finally:
            caller.close()
        self.wait_kept(uid, pod)
        return made

    def wait_kept(self, uid: str, *pods: str) -> None:
        """Wait until the node has a record of one of these replicas: it was written before the answer, to a pipe."""
        folders, name = [self.logs(pod).folder for pod in pods], uid.encode()
        wait_until(
            lambda: any(name in log.read_bytes() for folder in folders for log in folder.glob("webhook.*.log")),
            what=f"the node has record {uid}",
            timeout=PATIENCE,
        )

    def kill(self, pod: str) -> None:
        """SIGKILL the webhook in that Pod, and wait until it runs again and has written something."""
        logs = self.logs(pod)
        before = len(logs.exit_codes("webhook"))
        os.kill(logs.pid("webhook"), signal.SIGKILL)
        new = logs.log("webhook", before + 1)
        wait_until(lambda: new.exists() and new.stat().st_size > 0, what=f"{pod} runs again", timeout=PATIENCE)

    def wait_judging(self, pod: str) -> None:
        """Wait until that replica judges, and the API server knows of its container.

        Until then it takes no calls, or cannot read Leases.
        """

        def judges() -> bool:
            try:
                return set(self.review(pod).values()) == {200}
            except (OSError, http.client.HTTPException):
                return False

        wait_until(judges, what=f"{pod} judges", timeout=PATIENCE)
        restarts = len(self.logs(pod).exit_codes("webhook"))
        wait_until(lambda: self._told(pod) == (restarts, True), what=f"the status of {pod} tells", timeout=PATIENCE)

    def _told(self, pod: str) -> tuple[int, bool]:
        """By the Pod's status: how often its container was started again, and whether it runs."""
        (found,) = self.cluster.get(f"{PODS}/{pod}")["status"]["containerStatuses"]
        return found["restartCount"], "running" in found["state"]

    @contextmanager
    def node_out_of_reach(self) -> Iterator[None]:
        """The API server looks for the kubelet where nobody listens; what is open already stays so."""
        path = "/api/v1/nodes/village/status"
        before = self.cluster.get(path)["status"]["daemonEndpoints"]

        def point(endpoints: dict[str, Any]) -> None:
            status = {"status": {"daemonEndpoints": endpoints}}
            self.cluster.call("PATCH", path, status, content_type="application/merge-patch+json")

        point({"kubeletEndpoint": {"Port": 1}})
        try:
            yield
        finally:
            point(before)

    def renew(self) -> None:
        """Replace every replica by a rollout."""
        deployment = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/leadergate"
        number = next(self._numbers)
        template = {"metadata": {"annotations": {"renewed": str(number)}}}
        self.cluster.call(
            "PATCH", deployment, {"spec": {"template": template}}, content_type="application/merge-patch+json"
        )
        self.village.wait_rollout(NAMESPACE, "leadergate", timeout=PATIENCE)

    def connect(self, kubeconfig: Path | None = None) -> ApiConnection:
        """The way to the API server, as administrator unless told otherwise. To be closed."""
        source = CredentialsSource(kubeconfig or self.village.admin_kubeconfig, None, Path("/nowhere"))
        return ApiConnection(source, source.load(), user_agent="test", on_reload_fault=lambda _: None)

    def _grant(self) -> None:
        meta = {"namespace": "shop", "name": "leadergate"}
        rule = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get"]}
        subject = {"kind": "ServiceAccount", "namespace": NAMESPACE, "name": "leadergate"}
        role = {"apiGroup": RBAC, "kind": "Role", "name": "leadergate"}
        self.cluster.apply(
            {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": meta, "rules": [rule]},
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "RoleBinding",
                "metadata": meta,
                "roleRef": role,
                "subjects": [subject],
            },
        )


async def leave(connection: ApiConnection) -> None:
    """Close it, and wait until it is."""
    await connection.close()
    # asyncio keeps a TLS connection that was broken off until the other side has taken its leave, too. What is left of
    # the loop's files then is the pipe by which it is woken.
    files = asyncio.get_running_loop()._selector.get_map()  # type: ignore[attr-defined]
    async with asyncio.timeout(PATIENCE):
        while len(files) > 1:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


def uids(lines: list[LogLine]) -> list[str]:
    """Of the records among them, in their order."""
    found: list[dict[str, Any]] = [json.loads(line.text) for line in lines if line.text.startswith(b"{")]
    return [one["uid"] for one in found if "verdict" in one]


class Listener:
    """Follows the replicas' logs in the background."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.said: list[str] = []

    async def run(self, live: Live) -> None:
        """Until it is cancelled."""
        async for line in live:
            self.lines.append(line)

    def uids(self) -> list[str]:
        """Of the records that came."""
        return uids(self.lines)

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():  # noqa: ASYNC110 - what is waited for is other processes' doing
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"{what}; {self.said}; {self.uids()[-20:]}") from None

    async def came(self, wanted: list[str]) -> None:
        """Wait for records."""
        await self.until(lambda: set(wanted) <= set(self.uids()), f"{wanted} come")


def heard(listener: Listener, made: list[str]) -> list[str]:
    """Of these records, all that came."""
    return [uid for uid in listener.uids() if uid in set(made)]


def by_pod(uids: Iterable[str]) -> dict[str, list[str]]:
    """Each replica's, in their order: lines of several are in order as far as none comes late."""
    found: dict[str, list[str]] = defaultdict(list)
    for uid in uids:
        found[uid.rpartition("-")[0]].append(uid)
    return found


@asynccontextmanager
async def listening(installed: Installed, **options: Any) -> AsyncIterator[Listener]:
    """Follow, and be sure that each replica is: a rejection of each is seen first."""
    connection, listener = installed.connect(), Listener()
    try:
        where = await behind(connection, SERVICE)
        async with Live(Replicas(connection, where), say=listener.said.append, **options) as live:
            task = asyncio.create_task(listener.run(live))
            try:
                for pod in installed.pods():
                    while not any(line.pod == pod for line in listener.lines):
                        await asyncio.to_thread(installed.reject, pod)
                        await asyncio.sleep(0.1)
                yield listener
                if task.done():
                    await task
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
    finally:
        await leave(connection)


@pytest.fixture(scope="package")
def installed(assets: Assets) -> Iterator[Installed]:
    """One for all: tests leave two replicas that judge."""
    scratch = Scratch()
    try:
        with Village.start(assets, scratch.path, leadergate()) as village:
            yield Installed(village)
    finally:
        scratch.remove()
