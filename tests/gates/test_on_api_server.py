"""Rendered gates on a real API server: accepted, in force, with just the rights they need, and refused by discovery."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from leadergate_lab.certs.stage import CertStage
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.processes import wait_until
from leadergate_lab.writer import Writer

from .conftest import CONFIGURATIONS, GROUP, LEASE, REDIRECTS, Shop, render

REGIONS = f"regions.v1.{GROUP}"
PLAINS = f"plains.v1.{GROUP}"


def test_a_rendered_gate_gates(shop: Shop) -> None:
    """The holder writes; the other pod, a person and a pod of another account do not."""
    shop.gate()
    assert shop.write(shop.leader).ok
    assert shop.write(shop.follower).cause == "NotHolder"
    assert shop.write(Writer(shop.cluster.api)).cause == "NotServiceAccount"
    assert shop.write(shop.pod("fixer-0", "fixer")).cause == "NotHolder"


def test_applying_it_again_changes_nothing(shop: Shop) -> None:
    """The bundle that was injected stays, by server-side and by client-side apply."""
    text = shop.gate()
    path = f"{CONFIGURATIONS}/{shop.gate_name}"
    before = shop.cluster.get(path)
    assert before["webhooks"][0]["clientConfig"]["caBundle"]
    assert shop.kubectl("apply", "--server-side", "-f", "-", stdin=text).returncode == 0
    assert shop.cluster.get(path)["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert shop.kubectl("apply", "-f", "-", stdin=text).returncode == 0
    assert shop.cluster.get(path)["webhooks"] == before["webhooks"]


def test_what_is_kept_is_what_was_rendered(shop: Shop) -> None:
    """The API server defaults nothing of the webhook but the empty objectSelector."""
    text = shop.gate("--only-service-account", f"{shop.namespace}/operator")
    (wanted,) = list(yaml.safe_load_all(text))[-1]["webhooks"]
    (kept,) = shop.cluster.get(f"{CONFIGURATIONS}/{shop.gate_name}")["webhooks"]
    del kept["clientConfig"]["caBundle"]
    assert kept.pop("objectSelector") == {}
    assert kept == wanted
    assert wanted["rules"][0]["scope"] == "Namespaced"


def test_the_rights_are_just_enough(shop: Shop, may: Callable[..., bool]) -> None:
    """Get on this Lease and patch on this configuration; nothing before, and nothing beside."""
    leases = ("coordination.k8s.io", "leases")
    hooks = ("admissionregistration.k8s.io", "validatingwebhookconfigurations")
    here = shop.namespace
    assert not may("get", *leases, namespace=here, name=LEASE)
    assert not may("patch", *hooks, name=shop.gate_name)
    shop.gate()
    assert may("get", *leases, namespace=here, name=LEASE)
    wait_until(lambda: may("patch", *hooks, name=shop.gate_name), what="it may patch the configuration", timeout=30)
    for verb in ("list", "watch", "update", "patch", "delete", "create"):
        assert not may(verb, *leases, namespace=here, name=LEASE), verb
    assert not may("get", *leases, namespace=here, name="other")
    assert not may("get", *leases, namespace="kube-system", name=LEASE)
    for verb in ("update", "delete", "create"):
        assert not may(verb, *hooks, name=shop.gate_name), verb
    assert not may("patch", *hooks, name="another.leadergate.dev")
    assert not may("patch", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", name=shop.gate_name)
    assert not may("get", "", "secrets", namespace=here, name="any")


def test_only_one_account_is_judged(shop: Shop) -> None:
    """Its holder writes and its other pod does not; everybody else writes, and the webhook hears nothing of it."""
    shop.gate("--only-service-account", f"{shop.namespace}/operator")
    asked = len(shop.records())
    assert shop.write(Writer(shop.cluster.api)).ok
    assert shop.write(shop.pod("fixer-0", "fixer")).ok
    assert shop.write(shop.person("system:serviceaccount:elsewhere:operator")).ok
    assert len(shop.records()) == asked
    assert shop.write(shop.leader).ok
    assert shop.write(shop.follower).cause == "NotHolder"
    wait_until(lambda: len(shop.records()) == asked + 2, what="the operator's two writes are recorded", timeout=10)


NASTY = "Zoë \"O'Neil\" \\ 😀 \\u0041 ] || true || '' in ["


def test_some_may_write_anyway(shop: Shop) -> None:
    """Users, groups and service accounts by their exact names, whatever signs those have; nobody else."""
    allow = [f"user:{NASTY}", "user:ann@example.org", 'group:night "shift"\\', f"serviceaccount:{shop.namespace}/fixer"]
    shop.gate(*(part for who in allow for part in ("--allow", who)))
    for writer in (
        shop.person(NASTY),
        shop.person("ann@example.org"),
        shop.person("bob", "day shift", 'night "shift"\\'),
        shop.pod("fixer-0", "fixer"),
        shop.leader,
    ):
        answer = shop.write(writer)
        assert answer.ok, answer.message
    for writer in (
        shop.person("ann"),
        shop.person("Ann@example.org"),
        shop.person(NASTY.replace("\\u0041", "A")),
        shop.person(NASTY + " "),
        shop.person("bob", "night"),
        shop.person('night "shift"\\'),
        shop.person("carol", "ann@example.org"),
        Writer(shop.cluster.api),
    ):
        assert shop.write(writer).cause == "NotServiceAccount"
    assert shop.write(shop.follower).cause == "NotHolder"


def test_administrators_may_be_let_through(shop: Shop) -> None:
    """By their group; whoever has only the group that all have is judged."""
    shop.gate("--allow", "group:system:masters")
    assert shop.write(Writer(shop.cluster.api)).ok
    assert shop.write(shop.person("nobody")).cause == "NotServiceAccount"


def test_all_namespaces_but_the_clusters_own(shop: Shop, unique: Callable[[str], str]) -> None:
    """Objects elsewhere are gated; those in kube-system and beside the webhook are not."""
    elsewhere = unique("elsewhere")
    shop.cluster.namespace(elsewhere)
    shop.gate("--all-namespaces")
    admin = Writer(shop.cluster.api)
    assert shop.write(admin, shop.make_redirect(elsewhere)).cause == "NotServiceAccount"
    for namespace in ("kube-system", "kube-public", "kube-node-lease", "leadergate-system"):
        shop.cluster.namespace(namespace)  # a young API server may not have made all of them yet
        assert shop.write(admin, shop.make_redirect(namespace)).ok, namespace


def test_only_the_writers_namespace_by_default(shop: Shop, unique: Callable[[str], str]) -> None:
    """A gate says nothing about objects where another operator may elect another leader."""
    elsewhere = unique("elsewhere")
    shop.cluster.namespace(elsewhere)
    shop.gate()
    assert shop.write(Writer(shop.cluster.api), shop.make_redirect(elsewhere)).ok


def test_cluster_scoped_resources_are_gated_as_such(shop: Shop) -> None:
    """Discovery knows their scope: no selector is rendered, and their status is gated."""
    shop.cluster.apply({"apiVersion": f"{GROUP}/v1", "kind": "Region", "metadata": {"name": "north"}})
    text = shop.gate("--resource", REGIONS)
    (hook,) = list(yaml.safe_load_all(text))[-1]["webhooks"]
    assert [rule["scope"] for rule in hook["rules"]] == ["Namespaced", "Cluster"]
    north = f"/apis/{GROUP}/v1/regions/north"
    assert shop.write(Writer(shop.cluster.api), north).cause == "NotServiceAccount"
    alone = shop.render(resource=REGIONS)
    (hook,) = list(yaml.safe_load_all(alone.stdout))[-1]["webhooks"]
    assert [rule["scope"] for rule in hook["rules"]] == ["Cluster"]
    assert "namespaceSelector" not in hook
    assert alone.stderr == ""


def test_an_offline_gate_is_accepted_too(shop: Shop) -> None:
    """With every option that changes the entry, by a dry run of the API server's own validation."""
    options = [
        *("--offline", "--from", "elsewhere", "--identity", "node", "--suffix", "a.b-c", "--code", "429"),
        *("--retry-after", "60", "--timeout-seconds", "10", "--namespace", "a", "--namespace", "b"),
        *("--only-service-account", "elsewhere/operator", "--allow", "user:ann", "--allow", "group:x", "--no-inject"),
    ]
    for target in (("--url", "https://[::1]:8443"), ("--url", ""), ("--service", "sys/gate:8443")):
        where = [] if target[1] == "" else list(target)
        rendered = render(shop.plane, "--lease", f"{shop.namespace}/a.b-c", "--resource", REDIRECTS, *options, *where)
        assert rendered.exit_code == 0, rendered.stderr
        applied = shop.kubectl(
            "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", stdin=rendered.stdout
        )
        assert applied.returncode == 0, applied.stderr


def test_discovery_refuses_what_is_not_there(shop: Shop) -> None:
    """All of it at once, together with what is wrong otherwise; and nothing is printed to apply."""
    more = [
        *("--resource", PLAINS),
        *("--resource", f"nothings.v1.{GROUP}"),
        *("--resource", f"region.v1.{GROUP}"),
        *("--resource", f"regions.v2.{GROUP}"),
        *("--resource", "redirects.v1.nowhere.example"),
        *("--resource", REGIONS),
        *("--resource", "pods.v1"),
        *("--namespace", shop.namespace),
    ]
    refused = shop.render(*more)
    assert refused.exit_code == 2
    assert refused.stdout == ""
    lines = refused.stderr.splitlines()
    assert lines[0] == "error: this gate is refused; 7 thing(s) to mend:"
    said = {line.split("'")[1]: line.partition("': ")[2] for line in lines[1:]}
    assert said[PLAINS].startswith("has no status subresource")
    assert said[f"nothings.v1.{GROUP}"].startswith(f"{GROUP}/v1 has no resource 'nothings'")
    assert said[f"region.v1.{GROUP}"].endswith(f"name it by its plural, {REGIONS}")
    assert said[f"regions.v2.{GROUP}"].startswith(f"the API server serves group '{GROUP}' only as v1")
    assert said["redirects.v1.nowhere.example"].startswith("the API server serves no group 'nowhere.example'")
    assert said[shop.namespace].startswith(f"{REGIONS} is cluster-scoped")
    assert "core group" in said["pods.v1"]


def test_whoever_may_not_ask_is_told_so(shop: Shop) -> None:
    """A token that the API server does not take: nothing is known, so nothing is refused, and a note says so."""
    kubeconfig = shop.cluster.kubeconfig(f"{shop.namespace}-forged", token="forged")
    arguments = ["--lease", f"{shop.namespace}/{LEASE}", "--resource", PLAINS]
    rendered = render(shop.plane, *arguments, kubeconfig=kubeconfig)
    assert rendered.exit_code == 0
    assert "note: no cluster could be asked: the API server answered 401" in rendered.stderr


@pytest.fixture
def stage(control_plane: ControlPlane) -> Iterator[CertStage]:
    """A webhook that makes its own certificates, whose own gate is left out."""
    stage = CertStage(control_plane, replicas=1)
    stage.start()
    yield stage
    stage.end()


def test_the_webhook_injects_by_label_and_right(stage: CertStage, shop: Shop) -> None:
    """What is rendered is all that a webhook with --certs-secret needs to put its authority there, at once."""
    url = f"https://127.0.0.1:{stage.balancer.port}"
    arguments = ["--lease", f"{shop.namespace}/{LEASE}", "--resource", REDIRECTS, "--url", url, "--mode", "enforce"]
    rendered = render(stage.plane, *arguments, "--inject", stage.namespace)
    assert (rendered.exit_code, rendered.stderr) == (0, "")
    assert shop.kubectl("apply", "-f", "-", stdin=rendered.stdout).returncode == 0

    def client() -> dict[str, Any]:
        entry: dict[str, Any] = shop.cluster.get(f"{CONFIGURATIONS}/{shop.gate_name}")["webhooks"][0]
        return dict(entry["clientConfig"])

    wait_until(lambda: "caBundle" in client(), what="the bundle is there", timeout=30)
    state = stage.state()
    assert state is not None
    assert base64.b64decode(client()["caBundle"]) == state.bundle
    wait_until(lambda: shop.write(shop.follower).cause == "NotHolder", what="the gate is in force", timeout=30)
    assert shop.write(shop.leader).ok
