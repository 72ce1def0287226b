"""What is missing is named, with the command that mends it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from leadergate.audit.cluster.live import Live
from leadergate.audit.cluster.logs import LogLine
from leadergate.audit.cluster.replicas import CannotRead, Replicas, Where, behind
from leadergate.audit.cluster.snapshot import Snapshot
from leadergate.gates.spec import Service
from leadergate_election.connection import ApiConnection
from leadergate_lab import granted
from leadergate_lab.processes import wait_until

from .conftest import NAMESPACE, PATIENCE, RBAC, SERVICE, Installed, leave

ACCOUNT = "system:serviceaccount:shop:auditor"
ROLE = f"/apis/{RBAC}/v1/namespaces/{NAMESPACE}/roles/leadergate-review"
BINDING = f"/apis/{RBAC}/v1/namespaces/{NAMESPACE}/rolebindings/leadergate-review"

Connect = Callable[[], ApiConnection]


@pytest.fixture
def connect(installed: Installed) -> Iterator[Connect]:
    """As an account that has no rights until it is given some."""
    installed.cluster.service_account("shop", "auditor")
    token = installed.cluster.service_account_token("shop", "auditor")
    kubeconfig = installed.cluster.kubeconfig("auditor", token=token)
    yield lambda: installed.connect(kubeconfig)
    for path in (ROLE, BINDING):
        if installed.cluster.exists(path):
            installed.cluster.call("DELETE", path)
    wait_until(lambda: not may(installed, "list", "pods"), what="the rights are gone", timeout=PATIENCE)


def may(installed: Installed, verb: str, resource: str) -> bool:
    """Whether the API server lets the account, which it hears of a while after the role was written."""
    return granted.may(installed.cluster.api, verb, "", resource, user=ACCOUNT, namespace=NAMESPACE)


async def read(connection: ApiConnection) -> list[LogLine]:
    """All logs."""
    try:
        with Snapshot(Replicas(connection, await behind(connection, SERVICE)), since=None, say=print) as snapshot:
            await snapshot.fetch()
            return list(snapshot.lines())
    finally:
        await leave(connection)


async def first(connection: ApiConnection) -> None:
    """Follow until a line comes."""
    try:
        async with Live(Replicas(connection, await behind(connection, SERVICE)), history=True, say=print) as live:
            async for _ in live:
                pass
    finally:
        await leave(connection)


def kubectl(installed: Installed, line: str) -> None:
    """Run a command that was printed."""
    argv = [str(installed.village.plane.kubectl), f"--kubeconfig={installed.village.admin_kubeconfig}"]
    home = {"HOME": str(installed.village.folder)}
    subprocess.run([*argv, *line.split()[1:]], env=home, check=True, capture_output=True, timeout=60)


async def test_what_the_message_says_grants_the_rights(installed: Installed, connect: Connect) -> None:
    """Without any right: which one is missing, and two commands after which all is read."""
    with pytest.raises(CannotRead) as refused:
        await read(connect())
    told = str(refused.value)
    assert told.startswith(f"user {ACCOUNT} may not list pods in namespace {NAMESPACE};")
    assert f"check: kubectl auth can-i list pods -n {NAMESPACE}\n" in told
    for line in told.splitlines()[1:]:
        kubectl(installed, line.removeprefix("grant:").strip())
    for right in (("list", "pods"), ("get", "pods/log")):
        wait_until(lambda right=right: may(installed, *right), what=f"it may {right}", timeout=PATIENCE)
    assert {line.pod for line in await read(connect())} == set(installed.pods())


@pytest.mark.parametrize(
    ("resources", "verbs", "missing"),
    [("pods", "get,list,watch", "get pods/log"), ("pods,pods/log", "get,list", "watch pods")],
)
async def test_each_right_that_is_missing_is_named(
    installed: Installed, connect: Connect, resources: str, verbs: str, missing: str
) -> None:
    """At once, though reading has begun."""
    make = f"kubectl -n {NAMESPACE} create"
    kubectl(installed, f"{make} role leadergate-review --verb={verbs} --resource={resources}")
    kubectl(installed, f"{make} rolebinding leadergate-review --role=leadergate-review --serviceaccount=shop:auditor")
    wait_until(lambda: may(installed, "list", "pods"), what="it may list pods", timeout=PATIENCE)
    with pytest.raises(CannotRead, match=f"user {ACCOUNT} may not {missing} in namespace {NAMESPACE};") as refused:
        await first(connect())
    assert f"kubectl auth can-i {missing} -n {NAMESPACE}" in str(refused.value)


async def test_a_token_that_has_run_out_is_read_again(installed: Installed, tmp_path: Path) -> None:
    """As the kubeconfig names it; logs go on to be read."""
    token = tmp_path / "token"
    token.write_text("stale")
    config = yaml.safe_load(installed.village.admin_kubeconfig.read_text())
    config["users"][0]["user"] = {"tokenFile": str(token)}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config))
    connection = installed.connect(kubeconfig)
    try:
        async with connection.stream("/version", idle=10) as stale:
            assert stale.code == 401
        token.write_text(installed.village.plane.admin_token)
        async with connection.stream("/version", idle=10) as fresh:
            assert fresh.code == 200
            assert b"gitVersion" in b"".join([chunk async for chunk in fresh.chunks])
    finally:
        await leave(connection)


async def test_where_nothing_is_that_is_said(installed: Installed) -> None:
    """No such Service, and no Pods of such labels, each with what to do."""
    connection = installed.connect()
    try:
        with pytest.raises(CannotRead, match=r"there is no Service gate in namespace shop; .*--service NS/NAME"):
            await behind(connection, Service("shop", "gate"))
        with (
            pytest.raises(CannotRead, match=r"no pods of the webhook in namespace shop \(labels app=none\)"),
            Snapshot(Replicas(connection, Where("shop", "app=none")), since=None, say=print) as snapshot,
        ):
            await snapshot.fetch()
        with pytest.raises(CannotRead, match=r"has no container 'sidecar', but webhook; .*--container NAME"):
            await Replicas(connection, await behind(connection, SERVICE, "sidecar")).list()
    finally:
        await leave(connection)
