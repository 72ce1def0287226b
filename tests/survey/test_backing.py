"""The Service, its endpoints and its Deployment read from what the API server lists."""

from __future__ import annotations

from typing import Any

import pytest

from leadergate.survey.backing import deployment, endpoint_of, endpoints, port_name, service
from leadergate.survey.parts import SeenEndpoint, SeenService

SERVICE = service(
    {
        "metadata": {"namespace": "sys", "name": "gate"},
        "spec": {
            "clusterIP": "10.0.0.9",
            "selector": {"app": "gate"},
            "ports": [{"name": "https", "port": 443}, {"name": "plain", "port": 8080}],
        },
    }
)


def test_a_service() -> None:
    """Its ports, selector and address."""
    assert SeenService("sys", "gate", (("https", 443), ("plain", 8080)), (("app", "gate"),), "10.0.0.9") == SERVICE
    assert service({}) == SeenService("", "", (), (), "")


@pytest.mark.parametrize(
    ("found", "port", "name"),
    [(SERVICE, 443, "https"), (SERVICE, 8080, "plain"), (SERVICE, 1, None), (None, 443, None)],
)
def test_the_name_of_a_port(found: SeenService | None, port: int, name: str | None) -> None:
    """EndpointSlices know ports by it."""
    assert port_name(found, port) == name


def slice_of(*endpoints: dict[str, Any], ports: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """An EndpointSlice."""
    both = [{"name": "plain", "port": 18080}, {"name": "https", "port": 10250}]
    return {"ports": both if ports is None else ports, "endpoints": list(endpoints)}


def seen(host: str, port: int, *, ready: bool = True, pod: str | None = None) -> SeenEndpoint:
    """An endpoint that was not called."""
    return SeenEndpoint(host, port, ready, pod, reached=False, serves=None)


def test_endpoints() -> None:
    """One for each address, with readiness and the Pod; what a second slice repeats counts once."""
    one = {
        "addresses": ["10.1.0.1"],
        "conditions": {"ready": True},
        "targetRef": {"kind": "Pod", "name": "gate-a"},
    }
    two = {"addresses": ["10.1.0.2"], "conditions": {"ready": False}, "targetRef": {"kind": "Node", "name": "n"}}
    three = {"addresses": ["10.1.0.3"]}
    assert endpoints([slice_of(one, two), slice_of(one, three)], "https") == [
        seen("10.1.0.1", 10250, pod="gate-a"),
        seen("10.1.0.2", 10250, ready=False),
        seen("10.1.0.3", 10250),
    ]


@pytest.mark.parametrize(
    ("ports", "name", "expected"),
    [
        (None, "https", [10250]),
        (None, "plain", [18080]),
        (None, "other", []),
        (None, None, [10250]),
        ([{"name": "odd", "port": 7}], None, [7]),
        ([{"name": "", "port": 7}], "", [7]),
        ([{"port": 7}], "", [7]),
        ([{"name": "a", "port": 7}, {"name": "b", "port": 8}], None, []),
        ([{"name": "https"}], "https", []),
        ([], "https", []),
    ],
)
def test_the_port_of_endpoints(ports: list[dict[str, Any]] | None, name: str | None, expected: list[int]) -> None:
    """That of the Service's name; else the only one, or one that is called as the webhook's."""
    found = endpoints([slice_of({"addresses": ["10.1.0.1"]}, ports=ports)], name)
    assert [one.port for one in found] == expected


@pytest.mark.parametrize("item", [{}, {"endpoints": None}, {"ports": [3], "endpoints": [{"addresses": None}, None]}])
def test_slices_that_say_nothing(item: dict[str, Any]) -> None:
    """They have no endpoints."""
    assert endpoints([item], None) == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://127.0.0.1:8443", seen("127.0.0.1", 8443)),
        ("https://gate.example.org", seen("gate.example.org", 443)),
        ("https://[::1]:1", seen("::1", 1)),
        ("https://[::1", None),
        ("https://host:99999", None),
        ("", None),
    ],
)
def test_endpoints_of_urls(url: str, expected: SeenEndpoint | None) -> None:
    """Host and port, 443 when it has none."""
    assert endpoint_of(url) == expected


def workload(name: str, labels: dict[str, str], **status: int) -> dict[str, Any]:
    """A Deployment."""
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"image": "one"}, {"image": "two"}]}}
    return {"metadata": {"name": name}, "spec": {"replicas": 2, "template": template}, "status": status}


def budget(selector: Any) -> dict[str, Any]:
    """A PodDisruptionBudget."""
    return {"spec": {"selector": selector}}


def test_the_deployment_is_that_which_the_service_selects() -> None:
    """Of several its namesake; none when no pod template has its labels, or it selects nothing."""
    labels = {"app": "gate", "more": "x"}
    other = workload("other", {"app": "other"})
    found = deployment(SERVICE, [other, workload("a", labels), workload("gate", labels, readyReplicas=1)], [])
    assert found is not None
    assert (found.name, found.replicas, found.ready, found.images) == ("gate", 2, 1, ("one", "two"))
    assert deployment(SERVICE, [other], []) is None
    assert deployment(service({}), [other], []) is None


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"matchLabels": {"app": "gate"}}, True),
        ({"matchLabels": {"app": "other"}}, False),
        ({}, True),
        (None, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["gate"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["gate"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Whatever"}]}, False),
    ],
)
def test_whether_a_budget_takes_the_pods(selector: Any, expected: bool) -> None:
    """As label selectors do: one that is missing takes nothing, an empty one everything."""
    found = deployment(
        SERVICE, [workload("gate", {"app": "gate"})], [budget({"matchLabels": {"a": "b"}}), budget(selector)]
    )
    assert found is not None
    assert found.disruption_budget is expected
