"""The installed account's rights: each is used, without each something fails, and there are no others."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from leadergate_certs.secret import decode
from leadergate_certs.state import Phase, State
from leadergate_lab.demo.lines import JsonLines
from leadergate_lab.granted import may
from leadergate_lab.processes import wait_until

from .conftest import ACCOUNT, CONFIGURATIONS, LEASE, NAMESPACE, PATIENCE, Shop, Town

SECRET = f"/api/v1/namespaces/{NAMESPACE}/secrets/leadergate-tls"
GROUPS = {
    "": ("secrets",),
    "coordination.k8s.io": ("leases",),
    "discovery.k8s.io": ("endpointslices",),
    "admissionregistration.k8s.io": ("validatingwebhookconfigurations", "mutatingwebhookconfigurations"),
}
Provoke = Callable[[Town, Shop], Callable[[], bool]]
"""Makes something due that needs a right, and returns what tells whether it was done."""

MERGE = "application/merge-patch+json"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
BRISK_CERTS = ("--set-string", "settings.certsPropagation=1s")


@dataclass(frozen=True)
class Right:
    """One verb of a rule of a role: where the role is, and what the rule is about."""

    role: str
    resource: str
    verb: str
    names: tuple[str, ...] = ()


def granted(town: Town) -> dict[Right, list[dict[str, Any]]]:
    """Every right that a binding gives to the account, by the rules of its role."""
    found: dict[Right, list[dict[str, Any]]] = {}
    for kind in ("Role", "ClusterRole"):
        for binding in town.cluster.get(f"{RBAC}/{kind.lower()}bindings")["items"]:
            subjects = [(one.get("namespace"), one["name"]) for one in binding.get("subjects") or ()]
            if (NAMESPACE, "leadergate") not in subjects:
                continue
            where = binding["metadata"].get("namespace")
            folder = f"{RBAC}/namespaces/{where}/roles" if where else f"{RBAC}/clusterroles"
            path = f"{folder}/{binding['roleRef']['name']}"
            rules = town.cluster.get(path)["rules"]
            for rule in rules:
                for resource in rule["resources"]:
                    for verb in rule["verbs"]:
                        found[Right(path, resource, verb, tuple(rule.get("resourceNames") or ()))] = rules
    return found


def without(town: Town, right: Right) -> Callable[[], None]:
    """Take one right away; returns what gives it back."""
    before = town.cluster.get(right.role)["rules"]
    after = []
    for rule in before:
        ours = right.resource in rule["resources"] and tuple(rule.get("resourceNames") or ()) == right.names
        if not ours or right.verb not in rule["verbs"]:
            after.append(rule)
            continue
        others = [resource for resource in rule["resources"] if resource != right.resource]
        verbs = [verb for verb in rule["verbs"] if verb != right.verb]
        after += [{**rule, "resources": others}] if others else []
        after += [{**rule, "resources": [right.resource], "verbs": verbs}] if verbs else []
    assert after != before
    town.cluster.call("PATCH", right.role, {"rules": after}, content_type=MERGE)
    return lambda: town.cluster.call("PATCH", right.role, {"rules": before}, content_type=MERGE)


def allowed(town: Town, right: Right) -> bool:
    """Whether the API server would let the account do it; it hears of a changed role a moment late."""
    group = next(one for one, resources in GROUPS.items() if right.resource in resources)
    namespace = right.role.split("/")[5] if "/namespaces/" in right.role else ""
    name = "".join(right.names[:1])
    return may(town.cluster.api, right.verb, group, right.resource, user=ACCOUNT, namespace=namespace, name=name)


def answered(town: Town, right: Right, code: int, since: int) -> bool:
    """Whether the account asked for just that since then and had this answer, by the API server's audit log."""
    return any(
        event["responseStatus"]["code"] == code
        and event["verb"] == right.verb
        and event["objectRef"]["resource"] == right.resource
        for event in town.requests()[since:]
    )


def everything(town: Town, shop: Shop) -> None:
    """All that the webhook ever does: a review, a renewed leaf, a lost Secret, a wiped bundle, a new replica."""
    assert shop.leader.status(shop.docs, {"observedGeneration": 1}).ok
    wait_until(renewed_leaf(town, shop), what="a new leaf", timeout=PATIENCE)
    town.cluster.call("DELETE", SECRET)
    wait_until(lambda: town.cluster.exists(SECRET), what="the Secret is back", timeout=PATIENCE)


@pytest.fixture(scope="module")
def shop(_town: Town) -> Shop:
    """The one that is gated."""
    return Shop(_town)


@pytest.fixture(scope="module")
def installed(_town: Town, shop: Shop) -> Iterator[Town]:
    """Two replicas and a gate in force, for all of these tests: each leaves things as they were."""
    _town.install(*BRISK_CERTS)
    shop.install_gate()
    shop.wait_denied()
    yield _town
    _town.clear()


def test_every_right_is_used_and_nothing_else_is_asked_for(installed: Town, shop: Shop) -> None:
    """By the API server's own audit log: over a life of the webhook, what it asks is what it may, to the verb."""
    everything(installed, shop)
    may = {(right.resource, right.verb) for right in granted(installed)}
    asked = {
        (event["objectRef"]["resource"], event["verb"])
        for event in installed.requests()
        if "objectRef" in event and event["responseStatus"]["code"] != 403
    }
    assert asked == may


def test_what_can_be_bound_to_a_name_is(installed: Town, shop: Shop) -> None:
    """RBAC can bind neither ``create`` nor the lists of labelled configurations; everything else is by name."""
    rights = granted(installed)
    unbound = {(right.resource, right.verb) for right in rights if not right.names}
    listed = ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")
    assert unbound == {
        ("secrets", "create"),
        ("endpointslices", "list"),
        *((resource, verb) for resource in listed for verb in ("list", "watch")),
    }
    assert {right.names for right in rights if right.names} == {("leadergate-tls",), (LEASE,), (shop.gate_name,)}
    in_cluster = {right.resource for right in rights if "/clusterroles/" in right.role}
    assert in_cluster == set(listed)


def renewed_leaf(town: Town, _: Shop) -> Callable[[], bool]:
    """Ask for it; done when the Secret has another one."""
    before = _leaf(town)
    _ask(town, "leaf")
    return lambda: _leaf(town) not in ("", before)


def renewed_authority(town: Town, _: Shop) -> Callable[[], bool]:
    """Ask for it; done when it has another one alone."""
    before = _state(town).newest.fingerprint
    _ask(town, "ca")
    return lambda: _state(town).phase is Phase.STEADY and _state(town).newest.fingerprint != before


def deleted_secret(town: Town, _: Shop) -> Callable[[], bool]:
    """Done when it is back."""
    town.cluster.call("DELETE", SECRET)
    return lambda: town.cluster.exists(SECRET)


def wiped_bundle(town: Town, shop: Shop) -> Callable[[], bool]:
    """Done when it is filled again."""
    path = f"{CONFIGURATIONS}/{shop.gate_name}"
    remove = [{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]
    town.cluster.call("PATCH", path, remove, content_type="application/json-patch+json")
    return lambda: "caBundle" in town.cluster.get(path)["webhooks"][0]["clientConfig"]


def reviewed(_: Town, shop: Shop) -> Callable[[], bool]:
    """Done when the holder's write is admitted."""
    return lambda: shop.leader.status(shop.docs, {"observedGeneration": 1}).ok


def new_replica(town: Town) -> Callable[[], set[str]]:
    """Replace one; returns what tells which watches its successor complains of."""
    before = {pod["metadata"]["name"] for pod in town.webhooks()}
    town.kubectl("-n", NAMESPACE, "delete", "pod", min(before), "--wait=false")

    def broken() -> set[str]:
        fresh = {pod["metadata"]["name"] for pod in town.webhooks()} - before
        logs = [
            log
            for name in fresh
            for pod in town.village.node.pods(NAMESPACE, name)
            if (log := pod.stderr("webhook")).exists()
        ]
        lines = [line for log in logs for line in JsonLines(log).all()]
        return {line["resource"] for line in lines if line["event"] == "certificate_watch_broken"}

    return broken


def _ask(town: Town, what: str) -> None:
    patch = {"metadata": {"annotations": {"certs.leadergate.dev/rotate": what}}}
    town.cluster.call("PATCH", SECRET, patch, content_type=MERGE)


def _leaf(town: Town) -> str:
    return str(town.cluster.get(SECRET)["data"]["tls.crt"]) if town.cluster.exists(SECRET) else ""


def _state(town: Town) -> State:
    data = town.cluster.get(SECRET)["data"]
    return decode({key: base64.b64decode(value) for key, value in data.items()}, None)


NEEDED: dict[tuple[str, str], Provoke] = {
    ("leases", "get"): reviewed,
    ("secrets", "get"): renewed_leaf,
    ("secrets", "update"): renewed_leaf,
    ("secrets", "create"): deleted_secret,
    ("endpointslices", "list"): renewed_authority,
    ("validatingwebhookconfigurations", "list"): wiped_bundle,
    ("mutatingwebhookconfigurations", "list"): wiped_bundle,
    ("validatingwebhookconfigurations", "patch"): wiped_bundle,
}
"""What fails without each right; watches stand for themselves."""


def test_without_any_right_something_fails(installed: Town, shop: Shop) -> None:
    """One by one: the account is refused just that, what needs it is not done, and is once the right is given back."""
    rights = [right for right in granted(installed) if right.verb != "watch"]
    assert {(right.resource, right.verb) for right in rights} == set(NEEDED)
    for right in rights:
        assert allowed(installed, right)
        give_back = without(installed, right)
        wait_until(
            partial(_gone, installed, right), what=f"the API server has heard that {right} is gone", timeout=PATIENCE
        )
        done = next((done for done in _provoked(installed, shop, right) if not done()), None)
        assert done is not None, f"{right} is not needed"
        give_back()
        wait_until(done, what=f"with {right} all is well again\n{installed.logs()[-3000:]}", timeout=PATIENCE)


def test_without_any_watch_a_new_replica_complains(installed: Town) -> None:
    """Of each that it was refused, by its resource. Once the rights are given back, it watches."""
    rights = [right for right in granted(installed) if right.verb == "watch"]
    since = len(installed.requests())
    give_back = [without(installed, right) for right in rights]
    for right in rights:
        wait_until(
            partial(_gone, installed, right), what=f"the API server has heard that {right} is gone", timeout=PATIENCE
        )
    broken = new_replica(installed)
    wait_until(lambda: broken() == {right.resource for right in rights}, what="it complains of all", timeout=PATIENCE)
    for right in rights:
        assert answered(installed, right, 403, since)
    since = len(installed.requests())
    # Each puts back the whole role as it was before it.
    for give in reversed(give_back):
        give()
    for right in rights:
        wait_until(partial(answered, installed, right, 200, since), what=f"{right} is made use of", timeout=PATIENCE)


def _gone(town: Town, right: Right) -> bool:
    return not allowed(town, right)


def _provoked(town: Town, shop: Shop, right: Right) -> Iterator[Callable[[], bool]]:
    """What tells whether it was done, after the account was refused the right.

    More than once: what a replica was let do a moment before may still be on its way, and do it once more.
    """
    for _ in range(3):
        since = len(town.requests())
        done = NEEDED[right.resource, right.verb](town, shop)
        if right.resource == "leases":
            wait_until(partial(_not, done), what=f"a write fails without {right}", timeout=PATIENCE)
        wait_until(partial(answered, town, right, 403, since), what=f"the account is refused {right}", timeout=PATIENCE)
        yield done


def _not(done: Callable[[], bool]) -> bool:
    return not done()
