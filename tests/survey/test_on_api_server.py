"""Looking at a real API server, and `leadergate gate list` as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import Result

from leadergate.gates.spec import Account
from leadergate.model import LeaseKey
from leadergate.survey.look import NOT_ASKED, CannotLook
from leadergate.survey.parts import Known, Right, SeenFlow, Unknown
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.processes import free_port
from leadergate_lab.webhook import flow_schema
from leadergate_lab.writer import Writer

from .conftest import Installation, listed

FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/leadergate"
LISTING = {
    "apiGroups": ["admissionregistration.k8s.io"],
    "resources": ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
    "verbs": ["list"],
}
LEASES = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get"]}


def test_gates_are_told_from_others(installation: Installation) -> None:
    """By URL and by Service; what is sent to us and is no gate is broken; the rest is others'."""
    seen = installation.look()
    assert {one.entry.configuration for one in seen.gates} == {
        installation.stage.configuration,
        installation.name("idle"),
    }
    assert {one.entry.configuration: one.fault.split(" ")[0] for one in seen.broken} == {
        installation.name("broken"): "path",
        installation.name("mutating"): "is",
    }
    assert [one.configuration for one in seen.others] == [installation.name("other")]


def test_what_gates_name_is_looked_for(installation: Installation) -> None:
    """Accounts, namespaces and resources: those that are there, and those that are not."""
    seen = installation.look()
    here = installation.namespace
    assert seen.accounts == {Account(here, "operator"): Known(True), Account(here, "missing"): Known(False)}
    assert seen.namespaces == {here: Known(True), "nowhere": Known(False)}
    assert seen.served == {
        ("apps", "v1", "deployments"): Known(True),
        ("apps", "*", "deployments"): Known(True),
        ("", "v1", "pods"): Known(True),
        ("apps", "v1", "replicants"): Known(False),
        ("nobody.example.org", "v1", "things"): Known(False),
    }
    assert seen.scopes == {
        ("apps", "v1", "deployments"): "Namespaced",
        ("apps", "*", "deployments"): "Namespaced",
        ("", "v1", "pods"): "Namespaced",
    }
    assert seen.leases[LeaseKey(here, "idle")] == Known(None)
    lease = seen.leases[LeaseKey(here, "lock")]
    assert isinstance(lease, Known)
    assert lease.value is not None
    assert lease.value.lease.holder == "operator-0"
    assert seen.now - lease.value.read_at < timedelta(seconds=60)
    pods = seen.pods[here]
    assert isinstance(pods, Known)
    assert [pod.name for pod in pods.value] == ["operator-0"]


def test_the_installation_is_looked_at(installation: Installation) -> None:
    """Service, Deployment, Secret and version."""
    seen = installation.look()
    assert isinstance(seen.api_version, Known)
    assert seen.api_version.value.startswith("v1.")
    assert isinstance(seen.found_service, Known)
    assert seen.found_service.value is not None
    assert set(seen.found_service.value.ports) == {("https", 443), ("plain", 8080)}
    assert isinstance(seen.deployment, Known)
    assert seen.deployment.value is not None
    assert (seen.deployment.value.images, seen.deployment.value.disruption_budget) == (("leadergate:0.1.0",), True)
    state = installation.stage.state()
    assert state is not None
    assert isinstance(seen.stored, Known)
    assert seen.stored.value.state is not None
    assert seen.stored.value.state.pair.certificate == state.pair.certificate


def test_endpoints_are_called(installation: Installation) -> None:
    """That of a gate's URL shows what it serves; behind the Service nobody answers."""
    state = installation.stage.state()
    seen = installation.look(handshake=True)
    assert state is not None
    assert isinstance(seen.endpoints, Known)
    behind, by_url = seen.endpoints.value
    assert (str(behind), behind.ready, behind.pod) == ("192.0.2.1:10250", True, "leadergate-0")
    assert (behind.reached, behind.serves) == (False, None)
    assert (str(by_url), by_url.pod) == (f"127.0.0.1:{installation.stage.balancer.port}", None)
    assert by_url.reached
    assert by_url.serves == state.pair.certificate


def test_endpoints_need_not_be_called(installation: Installation) -> None:
    """Without a handshake nothing is known of what they serve."""
    seen = installation.look()
    assert isinstance(seen.endpoints, Known)
    assert [(one.reached, one.serves) for one in seen.endpoints.value] == [(False, None)] * 2


def test_the_installation_need_not_be_looked_at(installation: Installation) -> None:
    """Then only what tells how gates fare is asked for."""
    seen = installation.look(installation_too=False)
    assert len(seen.gates) == 2
    assert (seen.flow, seen.endpoints, seen.deployment, seen.found_service) == (NOT_ASKED,) * 4
    assert not any((seen.rights, seen.accounts, seen.namespaces, seen.served))


def test_what_the_webhooks_account_may_do(installation: Installation) -> None:
    """Its rights by SubjectAccessReview: what was granted, and what was not."""
    seen = installation.look()
    here = installation.namespace
    assert seen.rights[Right("get", "coordination.k8s.io", "leases", here, "lock")] == Known(True)
    assert seen.rights[Right("get", "coordination.k8s.io", "leases", here, "idle")] == Known(False)
    registration = "admissionregistration.k8s.io"
    patch = Right("patch", registration, "validatingwebhookconfigurations", name=installation.stage.configuration)
    assert seen.rights[patch] == Known(True)
    others = {right: may for right, may in seen.rights.items() if may != Known(True)}
    assert others == {Right("get", "coordination.k8s.io", "leases", here, "idle"): Known(False)}


def test_the_flow_schema_is_found_and_missed(installation: Installation) -> None:
    """What takes the webhook's reads of Leases, with ours and without it."""
    assert installation.look().flow == Known(SeenFlow("leadergate", "leader-election"))
    installation.cluster.call("DELETE", FLOW)
    try:
        assert installation.look().flow == Known(SeenFlow("service-accounts", "workload-low"))
    finally:
        installation.cluster.apply(flow_schema())


def test_who_may_do_little_sees_that_much(installation: Installation) -> None:
    """Each thing that may not be seen names the right that is missing, and all else is as ever."""
    seen = installation.look(installation.user("little", LISTING, LEASES))
    whole = installation.look()
    assert (seen.gates, seen.broken, seen.others) == (whole.gates, whole.broken, whole.others)
    assert {key: isinstance(one, Known) for key, one in seen.leases.items()} == dict.fromkeys(whole.leases, True)
    assert (seen.api_version, seen.served) == (whole.api_version, whole.served)
    here = installation.namespace
    can = "a right is missing, see: kubectl auth can-i"
    assert seen.pods == {here: Unknown(f"{can} list pods -n {here}")}
    assert seen.accounts[Account(here, "operator")] == Unknown(f"{can} get serviceaccounts/operator -n {here}")
    assert seen.namespaces["nowhere"] == Unknown(f"{can} get namespaces/nowhere")
    assert seen.found_service == Unknown(f"{can} get services/leadergate -n {here}")
    assert seen.endpoints == Unknown(f"{can} list endpointslices.discovery.k8s.io -n {here}")
    assert seen.deployment == seen.found_service
    assert seen.flow == Unknown(f"{can} list flowschemas.flowcontrol.apiserver.k8s.io")
    assert set(seen.rights.values()) == {Unknown(f"{can} create subjectaccessreviews.authorization.k8s.io")}
    assert seen.stored == Unknown(f"{can} get secrets/tls -n {here}")
    assert seen.traffic == Unknown(f"{can} get /metrics")


def test_the_deployment_needs_its_own_rights(installation: Installation) -> None:
    """Those to see Deployments and budgets for disruptions."""
    core = {"apiGroups": [""], "resources": ["services"], "verbs": ["get"]}
    apps = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]}
    seen = installation.look(installation.user("services", LISTING, core))
    assert isinstance(seen.deployment, Unknown)
    assert seen.deployment.why.endswith(f"list deployments.apps -n {installation.namespace}")
    seen = installation.look(installation.user("deployments", LISTING, core, apps))
    assert isinstance(seen.deployment, Unknown)
    assert seen.deployment.why.endswith(f"list poddisruptionbudgets.policy -n {installation.namespace}")


def test_without_configurations_there_is_nothing_to_see(installation: Installation) -> None:
    """Whoever may not list them is told so, and the command ends with 2."""
    kubeconfig = installation.user("nobody", LEASES)
    with pytest.raises(
        CannotLook, match=r"can-i list validatingwebhookconfigurations\.admissionregistration\.k8s\.io$"
    ):
        installation.look(kubeconfig)
    result = installation.list(kubeconfig=kubeconfig)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: validatingwebhookconfigurations cannot be listed: a right is missing")
    assert len(result.stderr.splitlines()) == 1


def test_denied_writes_are_counted(installation: Installation) -> None:
    """Each call, and each denial."""
    before = installation.listed()
    admin, path = Writer(installation.cluster.api), installation.stage.objects[0]
    assert admin.status(path, {"observedGeneration": 1}).code == 403
    assert admin.status(path, {"observedGeneration": 1}).code == 403
    assert installation.stage.leader.status(path, {"observedGeneration": 1}).ok
    after = installation.listed()
    assert after["rejected"] == before["rejected"] + 2
    assert after["calls"] == before["calls"] + 3
    assert (after["failed"], after["failedOpen"]) == (before["failed"], before["failedOpen"])


def test_a_table_of_gates(installation: Installation) -> None:
    """A line for each, faults and notes below; names are whole where no terminal shows them."""
    result = installation.list()
    assert (result.exit_code, result.stderr) == (0, "")
    table, _, below = result.stdout.partition("\n\n")
    head, *body = table.splitlines()
    assert head.split() == ["NAME", "MODE", "LEASE", "HOLDER", "AGE", "RULES", "POLICY", "BUNDLE", "CALLS", "REJECTED"]
    (gate,) = [line for line in body if " enforce " in line]
    assert gate.split()[0] == installation.stage.configuration
    assert " operator-0 " in gate
    assert " Fail " in gate
    assert " ok " in gate
    (idle,) = [line for line in body if " audit " in line]
    assert " no lease " in idle
    assert " empty " in idle
    assert sum(" broken " in line for line in body) == 2
    assert f"broken: {installation.name('broken')} gate." in below
    assert ": path '/nonsense' lacks a mode" in below
    assert "note: CALLS and REJECTED are what the API server that answered has counted" in below


def test_a_wide_table_of_gates(installation: Installation) -> None:
    """All names whole, and more columns."""
    result = installation.list("-o", "wide")
    assert result.exit_code == 0
    assert "…" not in result.stdout
    assert "SCOPE" in result.stdout.splitlines()[0]
    (idle,) = [line for line in result.stdout.partition("\n\n")[0].splitlines() if " audit " in line]
    assert idle.startswith(f"{installation.name('idle')} ")
    assert " * where namespace=nowhere " in idle
    assert " only-service-account " in idle


def test_gates_as_json(installation: Installation) -> None:
    """The gate in force, held and trusted, and what is not there."""
    found = installation.json()
    assert {one["configuration"] for one in found["broken"]} == {
        installation.name("broken"),
        installation.name("mutating"),
    }
    gate = installation.listed()
    assert (gate["mode"], gate["failurePolicy"], gate["bundle"]) == ("enforce", "Fail", "ok")
    assert gate["rules"][0]["resources"] == ["deployments/status"]
    lease = gate["lease"]
    assert (lease["holder"], lease["holderMatched"], lease["expired"], lease["found"]) == (
        "operator-0",
        True,
        False,
        True,
    )
    (idle,) = [one for one in found["gates"] if one["configuration"] == installation.name("idle")]
    assert (idle["lease"]["found"], idle["calls"], idle["bundle"]) == (False, 0, "empty")


def test_leases_nobody_holds(installation: Installation) -> None:
    """Unheld, expired, and held by somebody whom no pod can be."""
    set_lease, here = installation.cluster.set_lease, installation.namespace
    try:
        set_lease(here, "lock", "", duration=15)
        assert installation.listed()["lease"]["holder"] is None
        assert " nobody " in installation.list().stdout
        set_lease(here, "lock", "operator-0", duration=15, renew_time=datetime.now(UTC) - timedelta(minutes=1))
        lease = installation.listed()["lease"]
        assert (lease["holder"], lease["expired"]) == ("operator-0", True)
        assert lease["ageSeconds"] >= 60
        set_lease(here, "lock", "5f2b6c1e-0000-4000-8000-000000000000", duration=3600)
        lease = installation.listed()["lease"]
        assert (lease["holderMatched"], lease["expired"]) == (False, False)
        assert "names no pod of namespace" in installation.list().stdout
    finally:
        set_lease(here, "lock", "operator-0", duration=3600)


def test_a_bundle_without_its_secret(installation: Installation) -> None:
    """Whoever may not read the Secret sees that there is a certificate, and why there is no more to see."""
    few = installation.list("-o", "wide", kubeconfig=installation.user("few", LISTING, LEASES))
    assert few.exit_code == 0
    (line,) = [line for line in few.stdout.partition("\n\n")[0].splitlines() if " enforce " in line]
    assert " present " in line
    assert "note: BUNDLE tells only whether a certificate is there: a right is missing" in few.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--service", "leadergate"), "service 'leadergate': expected NAMESPACE/NAME"),
        (("--service", "A/b"), "service 'A/b': expected NAMESPACE/NAME"),
        (("--secret", "tls"), "secret 'tls': expected NAMESPACE/NAME"),
        (("--secret", "a/b/c"), "secret 'a/b/c': expected NAMESPACE/NAME"),
        (("--context", "nowhere"), "--kubeconfig: kubeconfig"),
    ],
)
def test_options_that_cannot_be(plane: ControlPlane, arguments: tuple[str, ...], said: str) -> None:
    """They are named, with what was expected; nothing is asked."""
    result = listed(*arguments, kubeconfig=plane.admin_kubeconfig)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_cluster_without_gates(empty: tuple[Result, Result]) -> None:
    """Whoever has none is told how to make one, which is no fault."""
    table, parsed = empty
    assert (table.exit_code, table.stderr) == (0, "")
    assert "leadergate gate render --lease" in table.stdout
    assert '"gates": []' in parsed.stdout


def test_a_cluster_that_is_gone(plane: ControlPlane) -> None:
    """It takes one line, and exit code 2."""
    kubeconfig = plane.cluster.kubeconfig("gone", token="x", server=f"https://127.0.0.1:{free_port()}")
    argv = [sys.executable, "-m", "leadergate", "gate", "list", "--kubeconfig", str(kubeconfig)]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: validatingwebhookconfigurations cannot be listed: the API server at https://127.0.0")
    assert "cannot be reached" in line
