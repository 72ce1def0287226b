"""The Service, the addresses behind it, and the Deployment that it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from leadergate.survey.parts import SeenDeployment, SeenEndpoint, SeenService
from leadergate.survey.raw import labels, mapping, mappings, metadata, number, selects, text, texts

# Of an EndpointSlice, when the Service does not tell which port is the webhook's.
_PORT_NAMES = ("", "https", "webhook")
_HTTPS = 443


def service(item: Mapping[str, Any]) -> SeenService:
    """A Service; its ``cluster_ip`` is empty for one without (ExternalName), and ``None`` as a word when headless."""
    about, spec = metadata(item), mapping(item.get("spec"))
    return SeenService(
        namespace=text(about.get("namespace")),
        name=text(about.get("name")),
        ports=tuple((text(port.get("name")), number(port.get("port"), 0)) for port in mappings(spec.get("ports"))),
        selector=tuple(sorted(labels(spec.get("selector")).items())),
        cluster_ip=text(spec.get("clusterIP")),
    )


def port_name(found: SeenService | None, number: int) -> str | None:
    """What the Service calls that port of its own, None when it has no such port."""
    return next((name for name, port in (found.ports if found else ()) if port == number), None)


def endpoints(slices: Iterable[Mapping[str, Any]], port: str | None) -> list[SeenEndpoint]:
    """The addresses of EndpointSlices, not reached yet; ``port`` is the name of the port, None when it is not known."""
    found = []
    for item in slices:
        ports = [one for one in mappings(item.get("ports")) if isinstance(one.get("port"), int)]
        named = [one for one in ports if text(one.get("name")) in (_PORT_NAMES if port is None else (port,))]
        if port is None and len(ports) == 1:
            named = ports
        for endpoint in mappings(item.get("endpoints")):
            target = mapping(endpoint.get("targetRef"))
            # No word on readiness counts as ready (Kubernetes API: EndpointConditions).
            ready = mapping(endpoint.get("conditions")).get("ready") is not False
            pod = text(target.get("name")) if target.get("kind") == "Pod" else ""
            found += [
                SeenEndpoint(host, one["port"], ready, pod or None, reached=False, serves=None)
                for host in texts(endpoint.get("addresses"))
                for one in named[:1]
            ]
    # A pod of two slices, as while they are written anew, is one endpoint.
    return list(dict.fromkeys(found))


def endpoint_of(url: str) -> SeenEndpoint | None:
    """The address that a URL names, None when it names none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _HTTPS
    except ValueError:
        return None
    return SeenEndpoint(host, port, ready=True, pod=None, reached=False, serves=None) if host else None


def deployment(
    found: SeenService, deployments: Iterable[Mapping[str, Any]], budgets: Iterable[Mapping[str, Any]]
) -> SeenDeployment | None:
    """The Deployment whose pods the Service selects, None when there is none; of several the Service's namesake."""
    if not found.selector:
        return None
    wanted = {"matchLabels": dict(found.selector)}
    fitting = [item for item in deployments if selects(wanted, _pod_labels(item))]
    if not fitting:
        return None
    item = min(
        fitting, key=lambda one: (text(metadata(one).get("name")) != found.name, text(metadata(one).get("name")))
    )
    spec = mapping(item.get("spec"))
    containers = mappings(mapping(mapping(spec.get("template")).get("spec")).get("containers"))
    return SeenDeployment(
        name=text(metadata(item).get("name")),
        replicas=number(spec.get("replicas"), 1),
        ready=number(mapping(item.get("status")).get("readyReplicas"), 0),
        images=tuple(text(one.get("image")) for one in containers),
        disruption_budget=any(selects(mapping(one.get("spec")).get("selector"), _pod_labels(item)) for one in budgets),
    )


def _pod_labels(item: Mapping[str, Any]) -> dict[str, str]:
    return labels(metadata(mapping(mapping(item.get("spec")).get("template"))).get("labels"))
