"""A gate in a file of the API server, which nobody can change or delete through the API: ``docs/hardened.md``."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from leadergate.gates.cli import app
from leadergate_lab.controlplane import ApiServer, ControlPlane
from leadergate_lab.writer import Writer

from .team import LEASE, Team, admission_configuration, gathered, serving

NAME = "lock.hardened.static.k8s.io"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
EVERYWHERE = ("--all-namespaces", "--from", "default", "--mode", "enforce")


@dataclass(frozen=True, slots=True)
class Hardened:
    """A team, and an API server that was started with a gate's file, beside one that was not."""

    team: Team
    apiserver: ApiServer


def rendered(url: str) -> dict[str, Any]:
    """The configuration that ``leadergate gate render`` prints for a file: of its manifests the last one."""
    flags = ["--lease", f"default/{LEASE}", "--resource", "notes.v1.test.leadergate.dev", *EVERYWHERE]
    told = CliRunner().invoke(app, ["render", *flags, "--url", url, "--no-inject", "--offline", "--name", NAME])
    assert told.exit_code == 0, told.output
    configuration: dict[str, Any] = list(yaml.safe_load_all(told.stdout))[-1]
    return configuration


@pytest.fixture(scope="module")
def hardened(spare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hardened]:
    """Gated by a file that one of two API servers was started with."""
    folder = tmp_path_factory.mktemp("static")
    manifests = folder / "manifests"
    manifests.mkdir()
    with serving(spare_plane, "hardened-webhook") as webhook, gathered(spare_plane, webhook) as team:
        webhook.grant("default", LEASE)
        spare_plane.cluster.set_lease("default", LEASE, "nobody-here", duration=3600)
        configuration = rendered(webhook.url)
        configuration["webhooks"][0]["clientConfig"]["caBundle"] = base64.b64encode(webhook.ca_pem).decode()
        (manifests / "gate.yaml").write_text(yaml.safe_dump(configuration))
        flag = f"--admission-control-config-file={admission_configuration(folder, staticManifestsDir=str(manifests))}"
        apiserver = spare_plane.add_apiserver(flags=[flag])
        yield Hardened(team, apiserver)
        apiserver.stop()


@pytest.fixture
def team(hardened: Hardened) -> Team:
    """Whose Note the file's gate guards."""
    return hardened.team


@pytest.fixture
def admin(hardened: Hardened) -> Writer:
    """A member of system:masters at the API server that has the file."""
    token, server = hardened.team.plane.admin_token, hardened.apiserver.url
    return Writer(hardened.team.cluster.client(token=token, server=server))


def test_it_is_in_force(team: Team, admin: Writer) -> None:
    """The API server that was started with the file asks the gate, and the webhook records it."""
    answer = admin.status(team.note, {"text": "by an administrator"})
    assert (answer.code, answer.cause) == (403, "NotServiceAccount")
    assert team.webhook.records()[-1]["gate"] == f"default/{LEASE}"


def test_nobody_can_see_or_delete_it(admin: Writer) -> None:
    """For the API it does not exist, and its name is reserved."""
    assert admin.send("GET", f"{CONFIGURATIONS}/{NAME}").code == 404
    assert admin.send("DELETE", f"{CONFIGURATIONS}/{NAME}").code == 404
    refused = admin.send("POST", CONFIGURATIONS, rendered("https://127.0.0.1:1"))
    assert refused.code == 422
    assert ".static.k8s.io" in refused.message


def test_each_api_server_needs_the_file(team: Team) -> None:
    """An API server without it takes any write: as the page says, all of them must be started with it."""
    assert Writer(team.cluster.api).status(team.note, {"text": "by the other way"}).ok


def test_a_gate_of_a_service_is_refused_at_start(team: Team, tmp_path: Path) -> None:
    """A file knows URLs alone: an API server that is given a Service does not start, and says why."""
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    configuration = rendered("https://127.0.0.1:1")
    service = {"namespace": "leadergate-system", "name": "leadergate", "path": f"/enforce/default/{LEASE}"}
    configuration["webhooks"][0]["clientConfig"] = {"service": service}
    (manifests / "gate.yaml").write_text(yaml.safe_dump(configuration))
    flag = f"--admission-control-config-file={admission_configuration(tmp_path, staticManifestsDir=str(manifests))}"
    with pytest.raises(RuntimeError, match=r"clientConfig\.service is not supported"):
        team.plane.add_apiserver(flags=[flag])
