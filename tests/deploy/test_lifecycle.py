"""Install, gate, upgrade, roll back and uninstall by real Helm, as docs/install.md tells it."""

from __future__ import annotations

from typing import Any

import yaml

from leadergate_lab.helm import CHART
from leadergate_lab.processes import wait_until

from .conftest import BRISK, CONFIGURATIONS, HELM_WAITS, NAMESPACE, PATIENCE, RELEASE, Shop, Town

KINDS = (
    "deployments,services,serviceaccounts,poddisruptionbudgets,networkpolicies,roles,rolebindings,clusterroles,"
    "clusterrolebindings,flowschemas,validatingwebhookconfigurations,pods,replicasets"
)


def left(town: Town) -> list[str]:
    """What is left of an installation anywhere in the cluster."""
    return town.kubectl("get", KINDS, "-A", "-l", "app.kubernetes.io/name=leadergate", "-o", "name").split()


def configuration(town: Town, shop: Shop) -> dict[str, Any]:
    """The gate's entry as it stands."""
    found: dict[str, Any] = town.cluster.get(f"{CONFIGURATIONS}/{shop.gate_name}")["webhooks"][0]
    return found


def test_from_nothing_to_a_gate_in_force_and_back(town: Town, shop: Shop) -> None:
    """The page's whole way: server, test, gate in audit, enforce, upgrade, rollback, gates away, server away."""
    notes = town.install()
    assert "leadergate doctor" in notes
    assert len(town.webhooks()) == 2
    assert "Succeeded" in town.helm("test", RELEASE, "-n", NAMESPACE, "--timeout=60s")

    shop.install_gate(mode="audit")
    assert shop.follower.status(shop.docs, {"observedGeneration": 1}).ok
    shop.install_gate("upgrade", mode="enforce")
    shop.wait_denied()
    bundle = configuration(town, shop)["clientConfig"]["caBundle"]
    assert configuration(town, shop)["failurePolicy"] == "Fail"
    assert shop.leader.status(shop.docs, {"observedGeneration": 2}).ok

    before = {pod["metadata"]["name"] for pod in town.webhooks()}
    with shop.load() as load:
        load.wait_admitted(20)
        flags = ("-n", NAMESPACE, *HELM_WAITS, *BRISK)
        town.helm("upgrade", RELEASE, CHART, *flags, "--set", "settings.recordAllowed=true")
        load.wait_admitted(20)
        town.helm("rollback", RELEASE, "1", "-n", NAMESPACE, *HELM_WAITS)
        load.wait_admitted(20)
    assert not load.failures, load.told()
    assert not before & {pod["metadata"]["name"] for pod in town.webhooks()}

    release = f"gates-{shop.namespace}"
    town.helm("rollback", release, "1", "-n", NAMESPACE)
    wait_until(
        lambda: shop.follower.status(shop.docs, {"observedGeneration": 3}).ok,
        what="it is an audit again",
        timeout=PATIENCE,
    )
    assert configuration(town, shop)["clientConfig"]["caBundle"] == bundle, "what was injected survives each of these"
    town.helm("uninstall", release, "-n", NAMESPACE)
    assert town.gates() == []
    town.helm("uninstall", RELEASE, "-n", NAMESPACE, "--wait")
    wait_until(lambda: left(town) == [], what="nothing of it is left", timeout=PATIENCE)
    assert shop.follower.status(shop.docs, {"observedGeneration": 4}).ok


def test_a_gate_that_fails_closed_is_refused_beside_its_server(town: Town, shop: Shop) -> None:
    """In one release it would refuse writes while the server is not there yet; nothing is installed."""
    town.make_namespace()
    values = yaml.safe_dump({"gates": [shop.gate()]})
    told = town.helm("install", RELEASE, CHART, "-n", NAMESPACE, "-f", "-", stdin=values, fails=True)
    assert "failurePolicy" in told
    assert "server.enabled=false" in told.replace(": ", "=").replace("{enabled=false}", ".enabled=false")
    assert left(town) == []
    values = yaml.safe_dump({"gates": [shop.gate(failurePolicy="Ignore")]})
    town.helm("install", RELEASE, CHART, "-n", NAMESPACE, "-f", "-", "--wait", *BRISK, stdin=values)
    shop.wait_denied()


def test_what_happens_when_the_server_goes_first(town: Town, shop: Shop) -> None:
    """The warning of the page is true: a gate that stays refuses writes, and taking it away ends that."""
    town.install()
    shop.install_gate()
    shop.wait_denied()
    town.helm("uninstall", RELEASE, "-n", NAMESPACE, "--wait")
    wait_until(lambda: town.webhooks() == [], what="the server's Pods are gone", timeout=PATIENCE)

    def refused() -> bool:
        return "failed calling webhook" in shop.leader.status(shop.docs, {"observedGeneration": 1}).message

    wait_until(refused, what="the holder's writes are refused", timeout=PATIENCE)
    town.helm("uninstall", f"gates-{shop.namespace}", "-n", NAMESPACE)
    wait_until(
        lambda: shop.leader.status(shop.docs, {"observedGeneration": 1}).ok, what="writes go through", timeout=PATIENCE
    )


def test_an_upgrade_that_gates_would_not_survive_is_refused(town: Town, shop: Shop) -> None:
    """Another port of the Service would make every write fail: Helm says which gate asks there, and none fails."""
    town.install()
    shop.install_gate()
    shop.wait_denied()
    with shop.load() as load:
        load.wait_admitted(10)
        flags = ("-n", NAMESPACE, *BRISK, "--set", "service.port=8443")
        told = town.helm("upgrade", RELEASE, CHART, *flags, fails=True)
        load.wait_admitted(10)
    assert shop.gate_name in told
    assert not load.failures, load.told()
