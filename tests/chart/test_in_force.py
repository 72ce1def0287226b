"""Upgrades beneath gates that are in force: what would have status writes refused is refused itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from leadergate_lab.helm import CHART

from .conftest import Site

REDIRECTS = "redirects.v1.demo.leadergate.dev"
HERE = "in-force"
RELEASE = "doorman"
NAME = f"{RELEASE}-leadergate"
GATE = "in-force.demo.leadergate.dev"
CONFIGURATION = f"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{GATE}"


def run(site: Site, *arguments: Any, values: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    """Helm in the namespace of these tests."""
    return site.helm.run(
        *arguments, *([] if values is None else ["--values", "-"]), "--namespace", HERE, stdin=yaml.safe_dump(values)
    )


def gates(**gate: Any) -> dict[str, Any]:
    """A release of one gate, which asks the server of these tests."""
    return {
        "server": {"enabled": False},
        "webhookRef": {"namespace": HERE, "service": NAME, "serviceAccount": NAME},
        "gates": [{"lease": "demo/in-force", "resources": [REDIRECTS], **gate}],
    }


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[Site]:
    """A server, with the Secret that its webhook would make, and a gate with Fail."""
    site.cluster.namespace("demo")
    for arguments, values in (
        (("install", RELEASE, CHART, "--create-namespace"), {}),
        (("install", "gates", CHART), gates(mode="enforce")),
    ):
        done = run(site, *arguments, values=values)
        assert done.returncode == 0, done.stderr
    for name, authority in ((f"{NAME}-tls", "ours"), ("copied", "ours"), ("of-others", "theirs")):
        secret = {"metadata": {"name": name}, "stringData": {"ca.crt": authority}}
        site.cluster.call("POST", f"/api/v1/namespaces/{HERE}/secrets", secret)
    yield site
    for release in ("gates", RELEASE):
        assert run(site, "uninstall", release).returncode == 0


def upgrade(site: Site, values: dict[str, Any], release: str = RELEASE) -> subprocess.CompletedProcess[str]:
    """What an upgrade to these values would do; it is not done."""
    return run(site, "upgrade", release, CHART, "--dry-run=server", values=values)


REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "port, account and Secret": (
        {
            "service": {"port": 8443},
            "serviceAccount": {"name": "other"},
            "certificates": {"secretName": "missing"},
        },
        [
            "service.port 8443: gate(s) with failurePolicy Fail ask port 443",
            f"set failurePolicy Ignore in each of them first ({GATE}), and Fail again afterwards",
            f'serviceAccount.name "other": gates gave the right to read their Leases to "{NAME}"',
            f'certificates.secretName "missing": holds another authority than "{NAME}-tls", which the gates trust',
        ],
    ),
    "name": ({"nameOverride": "other"}, [f'what was "{NAME}" would be called "{RELEASE}-other", while 1 gate(s) with']),
    "a Secret of others": (
        {"certificates": {"source": "secret", "secretName": "of-others"}},
        [f"copy Secret {NAME}-tls to of-others first"],
    ),
    "cert-manager": (
        {"certificates": {"source": "certManager"}},
        ["certificates.source certManager: the gates trust the webhook's own authority until cert-manager has"],
    ),
    "no server": (
        gates(name="other.example.org"),
        [f"server.enabled false: takes away Service {NAME}, which 1 gate(s) with failurePolicy Fail ask"],
    ),
}
ALLOWED: list[dict[str, Any]] = [
    {
        "replicas": 3,
        "webhook": {"port": 10260},
        "plainPort": 8081,
        "settings": {"drainSeconds": 20},
        "certificates": {"secretName": "copied"},
    },
    {"certificates": {"source": "secret", "secretName": f"{NAME}-tls"}},
]


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_have_writes_refused(server: Site, case: str) -> None:
    """A gate with Fail asks this server: the message tells the value, the reason and a way."""
    values, words = REFUSED[case]
    done = upgrade(server, values)
    assert done.returncode != 0
    told = " ".join(done.stderr.split())
    for each in words:
        assert each in told


@pytest.mark.parametrize("values", ALLOWED)
def test_what_gates_do_not_notice(server: Site, values: dict[str, Any]) -> None:
    """Replicas, the pods' ports and settings may change; so may a Secret that holds the same authority."""
    done = upgrade(server, values)
    assert done.returncode == 0, done.stderr


def test_what_lets_writes_through_is_in_nobodys_way(server: Site) -> None:
    """With Ignore in place of Fail all of it may be changed, as the messages say."""
    done = run(server, "upgrade", "gates", CHART, values=gates(mode="enforce", failurePolicy="Ignore"))
    assert done.returncode == 0, done.stderr
    for case in ("port, account and Secret", "name", "no server"):
        done = upgrade(server, REFUSED[case][0])
        assert done.returncode == 0, done.stderr
    done = run(server, "upgrade", "gates", CHART, values=gates(mode="enforce"))
    assert done.returncode == 0, done.stderr


def test_a_gate_that_would_ask_nobody(server: Site) -> None:
    """With Fail it would refuse every write at once; with Ignore it may wait for its server."""
    values = gates(mode="enforce")
    for name, wrong, words in (
        (
            "service",
            "nobody",
            f"webhookRef: there is no Service {HERE}/nobody, and a gate with failurePolicy Fail would",
        ),
        (
            "port",
            8443,
            f"webhookRef.port 8443: Service {HERE}/{NAME} has 443, 8080, and a gate with failurePolicy Fail",
        ),
    ):
        ref = {**values["webhookRef"], name: wrong}
        done = upgrade(server, {**values, "webhookRef": ref}, release="gates")
        assert words in done.stderr
        assert upgrade(server, {**gates(), "webhookRef": ref}, release="gates").returncode == 0


def test_an_upgrade_leaves_what_was_injected(server: Site) -> None:
    """Helm never writes caBundle, so that going from one mode to another does not take it away."""
    argv = [sys.executable, "-m", "leadergate", "certs", "inject", "--name", GATE]
    argv += ["--ca-file", str(server.plane.ca_file), "--kubeconfig", str(server.plane.admin_kubeconfig)]
    subprocess.run(argv, capture_output=True, check=True, timeout=60)
    injected = server.cluster.get(CONFIGURATION)["webhooks"][0]["clientConfig"]["caBundle"]
    for mode, policy in (("audit", "Ignore"), ("enforce", "Fail")):
        done = run(server, "upgrade", "gates", CHART, values=gates(mode=mode))
        assert done.returncode == 0, done.stderr
        (entry,) = server.cluster.get(CONFIGURATION)["webhooks"]
        assert entry["clientConfig"]["service"]["path"] == f"/{mode}/demo/in-force"
        assert entry["failurePolicy"] == policy
        assert entry["clientConfig"]["caBundle"] == injected != ""
