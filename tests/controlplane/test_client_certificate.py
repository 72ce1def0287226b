"""A gate that only API servers may ask: they show a certificate, as ``docs/client-authentication.md`` sets them up."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from leadergate_lab.assets import Assets
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.keys import LabAuthority, write_private
from leadergate_lab.loopback import get
from leadergate_lab.processes import free_port
from leadergate_lab.webhook import WebhookProcess
from leadergate_lab.writer import Writer

from .conftest import Team, admission_configuration, install_crds

CALLER = "kube-apiserver-to-webhooks"


def showing_certificate(folder: Path, host: str, clients: LabAuthority) -> Path:
    """What ``--admission-control-config-file`` names, for calls to that host and port."""
    certificate, key = clients.client(CALLER, [])
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "users": [
            {
                "name": host,
                "user": {
                    "client-certificate-data": base64.b64encode(certificate).decode(),
                    "client-key-data": base64.b64encode(key).decode(),
                },
            }
        ],
    }
    file = write_private(folder / "webhooks.kubeconfig", yaml.safe_dump(kubeconfig).encode())
    return admission_configuration(folder, kubeConfigFile=str(file))


@pytest.fixture(scope="module")
def team(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """Gated by a webhook that wants the API server's certificate, and has been told its name."""
    folder = tmp_path_factory.mktemp("clients")
    clients, port = LabAuthority("clients"), free_port()
    configuration = showing_certificate(folder, f"127.0.0.1:{port}", clients)
    with ControlPlane.start(assets, apiserver_flags=[f"--admission-control-config-file={configuration}"]) as plane:
        install_crds(plane.cluster)
        ca = write_private(folder / "clients.crt", clients.pem)
        flags = ["--drain-seconds", "0", "--client-ca", str(ca), "--client-names", CALLER]
        webhook = WebhookProcess(plane, port=port, flags=flags)
        webhook.start()
        team = Team(plane, webhook)
        team.gate()
        yield team
        team.end()
        webhook.process.stop()


def test_the_api_server_shows_its_certificate(team: Team) -> None:
    """The gate decides as ever."""
    assert team.leader.status(team.note, {"text": "by the leader"}).ok
    answer = team.follower.status(team.note, {"text": "by a follower"})
    assert (answer.code, answer.cause) == (403, "NotHolder")


def test_nobody_else_gets_in(team: Team) -> None:
    """A caller without a certificate has no answer to its review, although it trusts the webhook."""
    trusting = ssl.create_default_context(cadata=team.webhook.ca_pem.decode())
    with pytest.raises(OSError, match=r"Remote end closed|EOF|reset|handshake|alert|closed"):
        get(f"{team.webhook.url}/enforce/{team.namespace}/lock", tls=trusting)


def test_an_api_server_that_shows_none_cannot_ask(team: Team) -> None:
    """With ``failurePolicy: Fail`` its writes fail: each API server has to be set up before the gate asks for it."""
    other = team.plane.add_apiserver()
    try:
        token = team.cluster.pod_token(team.holder)
        answer = Writer(team.cluster.client(token=token, server=other.url)).status(team.note, {"text": "elsewhere"})
        assert answer.code == 500
        assert "failed calling webhook" in answer.message
    finally:
        other.stop()
