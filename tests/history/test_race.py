"""The race on a real control plane: the gate keeps its promises, and what is no gate is found out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from leadergate.app import build, preflight
from leadergate.guard import LeaseReader
from leadergate.history import LeaseHistory
from leadergate.model import LeaseKey, Reading
from leadergate.run import server
from leadergate.settings import Settings
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.history import Verdict
from leadergate_lab.processes import wait_until
from leadergate_lab.race import Course, Result, run, seen_revisions
from leadergate_lab.webhook import WebhookProcess, gate_manifest, status_rule
from leadergate_lab.writer import Writer

GROUP, VERSION, RESOURCE = "race.leadergate.dev", "v1", "targets"
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"{RESOURCE}.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": RESOURCE, "singular": "target", "kind": "Target"},
        "versions": [
            {
                "name": VERSION,
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        ],
    },
}


class Stage:
    """A namespace with two pods, a Lease and an object whose status they fight over."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        cluster = plane.cluster
        self.plane = plane
        self.namespace = namespace
        cluster.namespace(namespace)
        cluster.service_account(namespace, "operator")
        self.pods = [cluster.pod(namespace, f"operator-{number}", "operator") for number in range(2)]
        self.tokens = {pod.name: cluster.pod_token(pod) for pod in self.pods}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operator"}
        meta = {"namespace": namespace, "name": "operator"}
        rule = {"apiGroups": [GROUP], "resources": [f"{RESOURCE}/status"], "verbs": ["patch"]}
        cluster.apply(
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta, "rules": [rule]},
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": meta,
                "roleRef": role,
                "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": "operator"}],
            },
            {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Target", "metadata": {**meta, "name": "one"}},
        )
        cluster.set_lease(namespace, "operator-lock", self.pods[0].name)

    def course(self, takeovers: int) -> Course:
        """A race of this many takeovers, with 8 writers for each pod and a takeover each 40 ms."""
        return Course(
            server=self.plane.url,
            ca_file=str(self.plane.ca_file),
            admin_token=self.plane.admin_token,
            lease=f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases/operator-lock",
            status=f"/apis/{GROUP}/{VERSION}/namespaces/{self.namespace}/{RESOURCE}/one/status",
            pods=self.tokens,
            takeovers=takeovers,
        )

    def apply_gate(self, name: str, url: str, ca_pem: bytes) -> None:
        """Bind the gate to this namespace's objects and wait until a follower is rejected."""
        selector = {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}
        path = f"/enforce/{self.namespace}/operator-lock"
        rules = [status_rule(GROUP, VERSION, RESOURCE)]
        # Nothing here is about time: a machine that is busy must not make a fault of a verdict that comes late.
        entry = {"namespaceSelector": selector, "timeoutSeconds": 30}
        self.plane.cluster.apply(gate_manifest(name, url + path, ca_pem, rules, **entry))
        # Its own writes are no part of the race.
        follower = Writer(self.plane.cluster.client(token=self.tokens[self.pods[1].name]))
        target = self.course(0).status.removesuffix("/status")
        wait_until(
            lambda: follower.status(target, {"writtenBy": "nobody"}).cause == "NotHolder",
            what="the API server calls the gate",
            timeout=30,
        )


@pytest.fixture
def stage(control_plane: ControlPlane, unique: Callable[[str], str]) -> Stage:
    """A stage of the test's own."""
    control_plane.cluster.apply(CRD)
    control_plane.cluster.wait_established(f"{RESOURCE}.{GROUP}")
    return Stage(control_plane, unique("race"))


class StaleReader:
    """A reader that answers twenty reviews from one read: a plain cache in the gate's place.

    Twenty reviews outlast some takeovers however slow the machine is; a time would not.
    """

    def __init__(self, reader: LeaseReader) -> None:
        self._reader = reader
        self._kept: Reading | None = None
        self._left = 0

    async def read(self, key: LeaseKey, deadline: float) -> Reading:
        """The Lease as it was some reviews ago; the race has one Lease only."""
        if self._kept is None or self._left <= 0:
            self._left = 20
            self._kept = await self._reader.read(key, deadline)
        self._left -= 1
        return self._kept

    def history(self, key: LeaseKey) -> LeaseHistory:
        """As the true reader has it."""
        return self._reader.history(key)


class KeptRecords:
    """A sink that keeps the records' lines."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    async def write(self, line: bytes, deadline: float) -> None:
        """Keep one."""
        self.lines.append(line)


def _told(verdict: Verdict, result: Result) -> str:
    rejected = len(result.rejections)
    return (
        f"{verdict.takeovers} takeovers, {verdict.committed} committed, {rejected} rejected in {result.seconds:.1f} s;"
        f" G1 {verdict.count('G1')}, G2 {verdict.count('G2')}, G5 {verdict.count('G5')} breaches"
    )


async def test_gate_keeps_every_promise(
    stage: Stage, unique: Callable[[str], str], figure: Callable[[str], None]
) -> None:
    """Through 200 takeovers, no write by a non-holder, no stale overwrite, no denial on an old Lease."""
    webhook = WebhookProcess(stage.plane, name=unique("race-webhook"), flags=["--drain-seconds", "0"])
    webhook.grant(stage.namespace, "operator-lock")
    webhook.start()
    try:
        stage.apply_gate(unique("race"), webhook.url, webhook.ca_pem)
        result = await run(stage.course(takeovers=200))
        verdict = result.judged(seen_revisions(webhook.records()))
    finally:
        webhook.process.stop()
    figure(f"race with the gate: {_told(verdict, result)}")
    assert result.faults == {}
    assert verdict.takeovers >= 200
    assert len(verdict.by_pod) == 2
    assert len(result.rejections) > 100
    assert verdict.findings == []


async def test_stale_reader_is_found_out(
    stage: Stage, unique: Callable[[str], str], figure: Callable[[str], None]
) -> None:
    """The same race with a cached Lease breaks the promises, and the checker says so."""
    helper = WebhookProcess(stage.plane, name=unique("stale"))
    helper.grant(stage.namespace, "operator-lock")
    records = KeptRecords()
    settings = Settings(
        certificate=helper.certificate, key=helper.key, kubeconfig=helper.kubeconfig, _cli_parse_args=False
    )
    ready = preflight(settings)
    webhook = build(ready, records=records, read_through=StaleReader)
    listening = server(webhook.endpoint, "127.0.0.1", helper.port, ready.certificate.context, "stale")
    serving = asyncio.create_task(listening.serve())
    try:
        await asyncio.to_thread(stage.apply_gate, unique("stale"), helper.url, helper.ca_pem)
        result = await run(stage.course(takeovers=60))
    finally:
        listening.should_exit = True
        await serving
        await webhook.reader.close()
        await webhook.connection.close()
    verdict = result.judged(seen_revisions([json.loads(line) for line in records.lines]))
    figure(f"race with a cached Lease in the gate's place: {_told(verdict, result)}")
    assert verdict.takeovers >= 60
    assert verdict.count("G1") > 0
    assert verdict.count("G5") > 0


async def test_no_gate_is_found_out(stage: Stage, figure: Callable[[str], None]) -> None:
    """The same race with no gate at all: writes by non-holders and stale overwrites are counted."""
    result = await run(stage.course(takeovers=40))
    verdict = result.judged({})
    figure(f"race with no gate: {_told(verdict, result)}")
    assert verdict.takeovers >= 40
    assert verdict.count("G1") > 0
    assert verdict.count("G2") > 0
