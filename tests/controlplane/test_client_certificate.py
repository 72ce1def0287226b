"""A gate that only API servers may ask: they show a certificate, as ``docs/client-authentication.md`` sets them up."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from leadergate_lab.cluster import PodIdentity
from leadergate_lab.controlplane import ApiServer, ControlPlane
from leadergate_lab.keys import LabAuthority, write_private
from leadergate_lab.loopback import get
from leadergate_lab.processes import free_port, wait_until
from leadergate_lab.writer import Writer

from .team import Team, admission_configuration, gathered, serving

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


@dataclass(frozen=True, slots=True)
class Guarded:
    """A team, and the one of two API servers that may ask its gate."""

    team: Team
    apiserver: ApiServer

    def writer(self, pod: PodIdentity | None = None) -> Writer:
        """A client of that API server, with a Pod's own token or as the administrator."""
        token = self.team.cluster.pod_token(pod) if pod else self.team.plane.admin_token
        return Writer(self.team.cluster.client(token=token, server=self.apiserver.url))


@pytest.fixture(scope="module")
def guarded(spare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Gated by a webhook that wants the API server's certificate, and has been told its name."""
    folder = tmp_path_factory.mktemp("clients")
    clients, port = LabAuthority("clients"), free_port()
    configuration = showing_certificate(folder, f"127.0.0.1:{port}", clients)
    apiserver = spare_plane.add_apiserver(flags=[f"--admission-control-config-file={configuration}"])
    ca = write_private(folder / "clients.crt", clients.pem)
    flags = ("--client-ca", str(ca), "--client-names", CALLER)
    with (
        serving(spare_plane, "guarded-webhook", *flags, port=port) as webhook,
        gathered(spare_plane, webhook) as team,
    ):
        guarded = Guarded(team, apiserver)
        admin = guarded.writer()
        team.gate(probe=lambda: admin.status(team.note, {"text": "probe"}, dryRun="All"))
        yield guarded
    apiserver.stop()


def test_the_api_server_shows_its_certificate(guarded: Guarded) -> None:
    """The gate decides as ever."""
    team = guarded.team
    assert guarded.writer(team.holder).status(team.note, {"text": "by the leader"}).ok
    answer = guarded.writer(team.other).status(team.note, {"text": "by a follower"})
    assert (answer.code, answer.cause) == (403, "NotHolder")


def test_nobody_else_gets_in(guarded: Guarded) -> None:
    """A caller without a certificate has no answer to its review, although it trusts the webhook."""
    team = guarded.team
    trusting = ssl.create_default_context(cadata=team.webhook.ca_pem.decode())
    with pytest.raises(OSError, match=r"Remote end closed|EOF|reset|handshake|alert|closed"):
        get(f"{team.webhook.url}/enforce/{team.namespace}/lock", tls=trusting)


def test_an_api_server_that_shows_none_cannot_ask(guarded: Guarded) -> None:
    """With ``failurePolicy: Fail`` its writes fail: each API server has to be set up before the gate asks for it."""
    team = guarded.team

    def fails() -> bool:
        answer = team.leader.status(team.note, {"text": "elsewhere"}, dryRun="All")
        return answer.code == 500 and "failed calling webhook" in answer.message

    wait_until(fails, what="the other API server asks in vain", timeout=30)
