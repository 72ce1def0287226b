"""Looking at what the webhook is made of: its Service, what stands behind it, and how its reads are ranked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from leadergate.gates.spec import Account, Service
from leadergate.survey import backing
from leadergate.survey.flow import flow
from leadergate.survey.gates import Entry
from leadergate.survey.parts import (
    Known,
    Looked,
    Right,
    SeenDeployment,
    SeenEndpoint,
    SeenFlow,
    SeenService,
    Unknown,
)
from leadergate.survey.questions import Questions
from leadergate_certs.calls import query
from leadergate_certs.probe import served

_FLOWS = "flowcontrol.apiserver.k8s.io"
_SLICES = "discovery.k8s.io"


@dataclass(frozen=True, slots=True)
class Front:
    """The Service, the addresses behind it and behind URLs of gates, and the Deployment."""

    service: Looked[SeenService | None]
    endpoints: Looked[tuple[SeenEndpoint, ...]]
    deployment: Looked[SeenDeployment | None]


async def flow_of(questions: Questions, account: Account, namespaces: Sequence[str]) -> Looked[SeenFlow | None]:
    """What takes the account's reads of Leases in these namespaces."""
    found = await questions.items(f"/apis/{_FLOWS}/v1/flowschemas", Right("list", _FLOWS, "flowschemas"))
    return found if isinstance(found, Unknown) else Known(flow(found.value, account, namespaces))


async def front(
    questions: Questions, service: Service, ours: Iterable[Entry], *, handshake: bool, dial_pods: bool
) -> Front:
    """What stands in front of the webhook, by the Service's name and by what our entries call.

    With ``handshake`` the hosts of URLs are called, and with ``dial_pods`` the Pods behind the Service as well: outside
    of the cluster their addresses may be anybody's.
    """
    found = await _service(questions, service)
    targets = [entry.target for entry in ours]
    port = next((one.port for one in targets if isinstance(one, Service)), service.port)
    urls = [url for url in dict.fromkeys(targets) if isinstance(url, str)]
    listed, deployment = await asyncio.gather(
        _endpoints(questions, service, found, port), _deployment(questions, service, found)
    )
    elsewhere = tuple(one for one in map(backing.endpoint_of, urls) if one is not None)
    if isinstance(listed, Known):
        listed = Known((*listed.value, *elsewhere))
    elif elsewhere and len(urls) == len(set(targets)):
        # No gate asks for the Service, so that it does not matter what is behind it.
        listed = Known(elsewhere)
    if isinstance(listed, Known) and handshake:
        called = [one for one in listed.value if dial_pods or one in elsewhere]
        reached = dict(zip(called, await asyncio.gather(*map(_reached, called)), strict=True))
        listed = Known(tuple(reached.get(one, one) for one in listed.value))
    return Front(found, listed, deployment)


async def _service(questions: Questions, service: Service) -> Looked[SeenService | None]:
    path = f"/api/v1/namespaces/{service.namespace}/services/{service.name}"
    found = await questions.object(path, Right("get", "", "services", service.namespace, service.name))
    if isinstance(found, Unknown):
        return found
    return Known(None if found.value is None else backing.service(found.value))


async def _endpoints(
    questions: Questions, service: Service, found: Looked[SeenService | None], port: int
) -> Looked[tuple[SeenEndpoint, ...]]:
    labelled = query(labelSelector=f"kubernetes.io/service-name={service.name}")
    path = f"/apis/{_SLICES}/v1/namespaces/{service.namespace}/endpointslices?{labelled}"
    slices = await questions.items(path, Right("list", _SLICES, "endpointslices", service.namespace))
    if isinstance(slices, Unknown):
        return slices
    name = backing.port_name(found.value if isinstance(found, Known) else None, port)
    return Known(tuple(backing.endpoints(slices.value, name)))


async def _deployment(
    questions: Questions, service: Service, found: Looked[SeenService | None]
) -> Looked[SeenDeployment | None]:
    if isinstance(found, Unknown) or found.value is None:
        return found if isinstance(found, Unknown) else Known(None)
    namespace = service.namespace
    deployments, budgets = await asyncio.gather(
        questions.items(
            f"/apis/apps/v1/namespaces/{namespace}/deployments", Right("list", "apps", "deployments", namespace)
        ),
        questions.items(
            f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets",
            Right("list", "policy", "poddisruptionbudgets", namespace),
        ),
    )
    if isinstance(deployments, Unknown):
        return deployments
    if isinstance(budgets, Unknown):
        return budgets
    return Known(backing.deployment(found.value, deployments.value, budgets.value))


async def _reached(endpoint: SeenEndpoint) -> SeenEndpoint:
    leaf = await served(endpoint.host, endpoint.port)
    return replace(endpoint, reached=leaf is not None, serves=leaf)
