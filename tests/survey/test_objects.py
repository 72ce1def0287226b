"""Leases and Pods read from what the API server lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from leadergate.model import Lease
from leadergate.survey.objects import TOKENS, lease, pod


def test_a_lease() -> None:
    """All of its spec, with times in UTC."""
    item = {
        "metadata": {"resourceVersion": "7"},
        "spec": {
            "holderIdentity": "operator-0",
            "leaseTransitions": 3,
            "leaseDurationSeconds": 15,
            "acquireTime": "2026-01-02T03:04:05.000006Z",
            "renewTime": "2026-01-02T05:04:06+02:00",
        },
    }
    acquired = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    renewed = datetime(2026, 1, 2, 5, 4, 6, tzinfo=timezone(timedelta(hours=2)))
    assert lease(item) == Lease("operator-0", "7", 3, 15, acquired, renewed)


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"spec": None},
        {"spec": {"holderIdentity": None, "leaseDurationSeconds": "15", "renewTime": "yesterday"}},
        {"spec": {"holderIdentity": 7, "leaseDurationSeconds": True, "renewTime": 0}},
    ],
)
def test_a_lease_that_says_nothing(item: dict[str, Any]) -> None:
    """What is missing or odd is None, or nobody."""
    assert lease(item) == Lease("", "")


def test_a_pod() -> None:
    """What its token and its name depend on."""
    item = {
        "metadata": {"namespace": "shop", "name": "operator-0", "uid": "u", "labels": {"b": "2", "a": "1"}},
        "spec": {
            "nodeName": "node-1",
            "serviceAccountName": "operator",
            "hostNetwork": True,
            "hostname": "other",
            "containers": [{"image": "one"}, {"image": "two"}],
        },
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }
    found = pod(item)
    assert (found.namespace, found.name, found.uid, found.node) == ("shop", "operator-0", "u", "node-1")
    assert (found.service_account, found.image, found.hostname, found.token) == ("operator", "one", "other", "none")
    assert found.running
    assert found.ready
    assert found.host_network
    assert found.labels == (("a", "1"), ("b", "2"))


@pytest.mark.parametrize("item", [{}, {"metadata": None, "spec": [], "status": {"conditions": {}}}])
def test_a_pod_that_says_nothing(item: dict[str, Any]) -> None:
    """It is of the default account, and not running."""
    found = pod(item)
    assert (found.service_account, found.node, found.hostname, found.image) == ("default", None, None, "")
    assert not found.running
    assert not found.ready


@pytest.mark.parametrize(
    ("phase", "running", "ended"),
    [
        ("Pending", False, False),
        ("Running", True, False),
        ("Succeeded", False, True),
        ("Failed", False, True),
        ("Unknown", False, False),
    ],
)
def test_how_far_a_pod_is(phase: str, running: bool, ended: bool) -> None:
    """By its phase."""
    found = pod({"status": {"phase": phase}})
    assert (found.running, found.ended) == (running, ended)


def projected(**token: Any) -> dict[str, Any]:
    """A volume with a projected token."""
    return {"projected": {"sources": [{"configMap": {}}, {"serviceAccountToken": {"path": "token", **token}}]}}


def secret(name: str) -> dict[str, Any]:
    """A volume with a Secret."""
    return {"secret": {"secretName": name}}


ELSEWHERE = "/etc/other"


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ([(projected(), TOKENS)], "bound"),
        ([(secret("anything"), TOKENS + "/")], "legacy"),
        ([(secret("operator-token"), ELSEWHERE), (projected(), "/etc/more")], "bound"),
        ([(projected(), ELSEWHERE)], "bound"),
        ([(projected(), None)], "none"),
        ([(projected(audience="vault"), ELSEWHERE)], "none"),
        ([(projected(audience="https://kubernetes.default.svc"), TOKENS)], "bound"),
        ([(secret("anything"), TOKENS)], "legacy"),
        ([(secret("operator-token-x2b4z"), ELSEWHERE)], "legacy"),
        ([(secret("operator-token"), ELSEWHERE)], "legacy"),
        ([(secret("operator-token-of-vault"), ELSEWHERE)], "none"),
        ([(secret("tls"), ELSEWHERE)], "none"),
        ([(secret("anything"), TOKENS), (projected(), ELSEWHERE)], "legacy"),
        ([(projected(), TOKENS), (secret("operator-token"), ELSEWHERE)], "bound"),
        ([({"projected": {"sources": [{"secret": {}}]}}, TOKENS)], "none"),
        ([({"emptyDir": {}}, ELSEWHERE)], "none"),
        ([], "none"),
    ],
)
@pytest.mark.parametrize("kind", ["containers", "initContainers"])
def test_what_token_a_pod_is_given(volumes: list[tuple[dict[str, Any], str | None]], expected: str, kind: str) -> None:
    """What is mounted where programs look for it counts first; a token for somebody else counts nowhere."""
    spec = {
        "serviceAccountName": "operator",
        "volumes": [{"name": f"v{at}", **volume} for at, (volume, _) in enumerate(volumes)],
        kind: [
            {
                "volumeMounts": [
                    {"name": f"v{at}", "mountPath": path} for at, (_, path) in enumerate(volumes) if path is not None
                ]
            }
        ],
    }
    assert pod({"spec": spec}).token == expected
