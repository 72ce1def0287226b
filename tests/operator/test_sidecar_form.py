"""The sidecar form of the sample operator: ``leadergate elect`` stands for election, and tells it who leads."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from typer.testing import CliRunner

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.processes import ManagedProcess, free_port, wait_until
from leadergate_operator.cli import app
from leadergate_operator.election import SidecarElection

from .conftest import CALM, DEPLOY, NEVER, PATIENCE, Fleet, Gate, Replica

SETTINGS = ("--resync-seconds", str(NEVER), "--workers", "2")


class Pair:
    """A Pod of two containers, as deploy/operator/sidecar.yaml has them: each a process with the Pod's token."""

    def __init__(self, fleet: Fleet, pod: str, folder: Path) -> None:
        port, listen = free_port(), free_port()
        url = f"http://127.0.0.1:{port}/leader"
        self.operator = fleet.launch(pod, "--listen", f"127.0.0.1:{listen}", "--election-sidecar", url, *SETTINGS)
        argv = [sys.executable, "-m", "leadergate", "elect", "--identity", pod, "--namespace", fleet.namespace]
        argv += ["--kubeconfig", str(self.operator.kubeconfig)]
        argv += ["--listen", f"127.0.0.1:{port}", "--while-healthy", f"http://127.0.0.1:{listen}/readyz", *CALM[:-2]]
        self.sidecar = ManagedProcess(f"{pod}-elect", argv, log_dir=folder)
        self.sidecar.start()

    def end(self) -> None:
        """Kill what still runs."""
        for process in (self.operator.process, self.sidecar):
            if process.running:
                process.kill()


@pytest.fixture
def pairs(fleet: Fleet, tmp_path: Path) -> Iterator[list[Pair]]:
    """Two Pods of two containers."""
    made = [Pair(fleet, f"pod-{number}", tmp_path) for number in range(2)]
    yield made
    for pair in made:
        pair.end()


def leading(pairs: list[Pair]) -> list[Replica]:
    """The operators that were told that they lead."""
    alive = [pair.operator for pair in pairs if pair.operator.process.running and pair.operator.log("serving")]
    return [operator for operator in alive if operator.health()["leading"]]


def test_the_sidecars_choice_writes_and_takes_over(fleet: Fleet, gate: Gate, pairs: list[Pair]) -> None:
    """The holder's Pod writes; when its sidecar is gone and its Lease is over, another one writes what was rejected."""
    gate.close()
    fleet.create("docs", "/docs", "https://one.example")
    fleet.until(lambda: bool(fleet.condition("docs")), "a status")
    first = fleet.holder()
    assert fleet.redirect("docs")["status"]["writtenBy"] == first
    fleet.until(lambda: [one.pod for one in leading(pairs)] == [first], "the holder's operator knows that it leads")
    (old,) = [pair for pair in pairs if pair.operator.pod == first]
    (new,) = [pair for pair in pairs if pair.operator.pod != first]
    fleet.until(lambda: bool(gate.rejections(new.operator.pod, "docs")), "the follower was rejected")
    old.sidecar.kill()
    fleet.run_out()
    fleet.until(lambda: fleet.redirect("docs")["status"]["writtenBy"] == new.operator.pod, "the other one's status")
    fleet.until(lambda: leading(pairs) == [new.operator], "one leads, and it is the new holder's")


def test_the_operator_runs_for_nothing_itself(fleet: Fleet, tmp_path: Path) -> None:
    """Without its sidecar it serves, leads never, makes no Lease, and says what is silent."""
    url = f"http://127.0.0.1:{free_port()}/leader"
    replica = fleet.launch("pod-0", "--election-sidecar", url, *SETTINGS)
    replica.until(replica.is_ready, "ready")
    replica.until(lambda: bool(replica.log("sidecar_silent")), "the sidecar is silent")
    assert fleet.holder() is None
    assert (replica.health()["leading"], replica.health()["leader"]) == (False, None)


async def test_an_answer_is_believed_for_a_while_and_no_longer() -> None:
    """Each time that the Pod becomes leader is told once; a silent sidecar's last word runs out."""
    says = {"name": "pod-0", "isLeader": True}
    begun: list[str] = []

    async def leader(_: web.Request) -> web.Response:
        return web.json_response(says)

    application = web.Application()
    application.add_routes([web.get("/leader", leader)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/leader"
    election, stop = SidecarElection(url, lambda: begun.append("began")), asyncio.Event()
    task = asyncio.create_task(election.run(stop))

    async def until(leads: bool) -> None:
        await asyncio.to_thread(
            wait_until, lambda: election.is_leader is leads, what=f"leads: {leads}", timeout=PATIENCE
        )

    await until(True)
    assert election.leader == "pod-0"
    says |= {"name": "pod-1", "isLeader": False}
    await until(False)
    says["isLeader"] = True
    await until(True)
    assert begun == ["began", "began"]
    await runner.cleanup()
    await until(False)
    stop.set()
    await task


@pytest.mark.parametrize("url", ["127.0.0.1:4040", "https://127.0.0.1/leader", "http://", "http://127.0.0.1:0/leader"])
def test_a_wrong_url_is_refused(url: str) -> None:
    """The option, its value and what was expected are named."""
    arguments = ["run", "--pod-name", "a", "--namespace", "b", "--election-sidecar", url]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert f"--election-sidecar={url!r}: expected a URL as in http://127.0.0.1:4040/leader" in result.output


def test_the_manifest_is_accepted_and_its_command_known(control_plane: ControlPlane, fleet: Fleet) -> None:
    """It is stored as it is, in the operator's own namespace; both containers' options are known to them."""
    manifest = yaml.safe_load((DEPLOY / "sidecar.yaml").read_text())
    manifest["metadata"]["namespace"] = fleet.namespace
    control_plane.cluster.apply(manifest)
    pod = manifest["spec"]["template"]["spec"]
    (sidecar,), (operator,) = pod["initContainers"], pod["containers"]
    program, *arguments = operator["command"]
    assert program == "leadergate-operator"
    environment = {"KUBERNETES_SERVICE_HOST": None, "KUBECONFIG": None, "POD_NAME": "demo", "POD_NAMESPACE": "demo"}
    result = CliRunner().invoke(app, arguments, env=environment)
    assert (result.exit_code, "this is not a Pod with a service account" in result.output) == (2, True)
    from leadergate.cli import app as leadergate

    result = CliRunner().invoke(leadergate, sidecar["args"], env={**environment, "HOME": "/nonexistent"})
    assert (result.exit_code, "service account" in result.output) == (2, True), result.output
