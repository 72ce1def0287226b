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
from leadergate_lab.processes import wait_until

from .conftest import ACCOUNT, CONFIGURATIONS, LEASE, NAMESPACE, Shop, Town

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
    attributes = {"verb": right.verb, "group": group, "resource": right.resource, "name": "".join(right.names[:1])}
    if "/namespaces/" in right.role:
        attributes["namespace"] = right.role.split("/")[5]
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": ACCOUNT, "resourceAttributes": attributes},
    }
    found = town.cluster.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
    return bool(found["status"]["allowed"])


def turned_away(town: Town, right: Right, since: int) -> bool:
    """Whether the account was refused just that since then, by the API server's audit log."""
    return any(
        event["responseStatus"]["code"] == 403
        and event["verb"] == right.verb
        and event["objectRef"]["resource"] == right.resource
        for event in town.requests()[since:]
    )


def everything(town: Town, shop: Shop) -> None:
    """All that the webhook ever does: a review, a renewed leaf, a lost Secret, a wiped bundle, a new replica."""
    assert shop.leader.status(shop.docs, {"observedGeneration": 1}).ok
    wait_until(renewed_leaf(town, shop), what="a new leaf", timeout=60)
    town.cluster.call("DELETE", SECRET)
    wait_until(lambda: town.cluster.exists(SECRET), what="the Secret is back", timeout=60)


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


def new_replica(town: Town, _: Shop) -> Callable[[], bool]:
    """Done when a replica that has just started has no more to complain of than before."""
    old = town.webhooks()[0]["metadata"]["name"]
    before = {pod["metadata"]["name"] for pod in town.webhooks()}
    town.kubectl("-n", NAMESPACE, "delete", "pod", old, "--wait=false")

    def watches() -> bool:
        fresh = [pod["metadata"]["name"] for pod in town.webhooks() if pod["metadata"]["name"] not in before]
        logs = [town.village.node.pod(NAMESPACE, name) for name in fresh if town.village.node.pods(NAMESPACE, name)]
        texts = [one.stderr("webhook").read_text() for one in logs if one.stderr("webhook").exists()]
        return any("api_server_answered" in text and "certificate_watch_broken" not in text for text in texts)

    return watches


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
    ("secrets", "watch"): new_replica,
    ("endpointslices", "list"): renewed_authority,
    ("validatingwebhookconfigurations", "list"): wiped_bundle,
    ("mutatingwebhookconfigurations", "list"): wiped_bundle,
    ("validatingwebhookconfigurations", "patch"): wiped_bundle,
    ("validatingwebhookconfigurations", "watch"): new_replica,
    ("mutatingwebhookconfigurations", "watch"): new_replica,
}
"""What fails without each right."""


def test_without_any_right_something_fails(installed: Town, shop: Shop) -> None:
    """One by one: the account is refused just that, what needs it is not done, and is once the right is given back."""
    rights = granted(installed)
    assert {(right.resource, right.verb) for right in rights} == set(NEEDED)
    for right in rights:
        assert allowed(installed, right)
        give_back = without(installed, right)
        wait_until(partial(_gone, installed, right), what=f"the API server has heard that {right} is gone", timeout=30)
        done = next((done for done in _provoked(installed, shop, right) if not done()), None)
        assert done is not None, f"{right} is not needed"
        give_back()
        if right.verb == "watch":
            done = NEEDED[right.resource, right.verb](installed, shop)
        wait_until(done, what=f"with {right} all is well again\n{installed.logs()[-3000:]}", timeout=60)


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
            wait_until(partial(_not, done), what=f"a write fails without {right}", timeout=30)
        wait_until(partial(turned_away, town, right, since), what=f"the account is refused {right}", timeout=60)
        yield done


def _not(done: Callable[[], bool]) -> bool:
    return not done()
