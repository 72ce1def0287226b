"""The webhook's Pods: how they are found, and what a Pod tells of the log of its container."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from leadergate.audit.cluster.rights import denied
from leadergate.gates.spec import Service
from leadergate.survey.parts import Right
from leadergate.survey.raw import labels, mapping, mappings, metadata, number, text
from leadergate_certs.calls import query
from leadergate_election.connection import ApiAnswer, ApiConnection, Unreachable

SECONDS = 10.0
"""For one answer."""

USUAL_CONTAINER = "webhook"
USUAL_SELECTOR = "app.kubernetes.io/name=leadergate,app.kubernetes.io/component=webhook"
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


class CannotRead(Exception):
    """Logs cannot be read from the cluster; the message says what, why and what to do about it."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which Pods are the webhook's: by namespace and label selector; and their container, None for the one that serves.

    ``container`` empty means the one that is called ``webhook``, the only one, or kubectl's default one.
    """

    namespace: str
    selector: str
    container: str = ""

    @property
    def path(self) -> str:
        """The list of these Pods, with a query."""
        return f"/api/v1/namespaces/{self.namespace}/pods?{query(labelSelector=self.selector)}"


@dataclass(frozen=True, slots=True)
class Replica:
    """A Pod of the webhook, as its status tells of the container that serves.

    A container that is started again is another one, with an id of its own. ``current`` is the id of the one whose log
    is the Pod's, ``previous`` of the one before it, each empty where there is none. ``running`` tells whether
    ``current`` runs. ``restarts`` counts containers before the newest.
    """

    namespace: str
    name: str
    uid: str
    container: str
    current: str
    previous: str
    running: bool
    restarts: int
    started: datetime | None
    previous_started: datetime | None


def replica(item: Mapping[str, Any], container: str = "") -> Replica:
    """A Pod of a list. Raises CannotRead when it does not tell which of its containers is the webhook's.

    Which log is the Pod's while its container waits to be started again: k8s.io/kubernetes ``pkg/kubelet``
    (validateContainerLogStatus).
    """
    about, status = metadata(item), mapping(item.get("status"))
    name = _container(item, container)
    found = next((one for one in mappings(status.get("containerStatuses")) if one.get("name") == name), {})
    state, restarts = mapping(found.get("state")), number(found.get("restartCount"), 0)
    last = mapping(mapping(found.get("lastState")).get("terminated"))
    live = "running" in state or "terminated" in state
    now = (mapping(state.get("running")) or mapping(state.get("terminated"))) if live else last
    previous = text(last.get("containerID"))
    return Replica(
        namespace=text(about.get("namespace")),
        name=text(about.get("name")),
        uid=text(about.get("uid")),
        container=name,
        current=(text(found.get("containerID")) or f"#{restarts}") if live else previous,
        previous=previous if live else "",
        running="running" in state,
        restarts=restarts,
        started=_moment(now.get("startedAt")),
        previous_started=_moment(last.get("startedAt")) if live else None,
    )


class Replicas:
    """Asks the API server for the webhook's Pods."""

    def __init__(self, connection: ApiConnection, where: Where) -> None:
        self.connection, self.where = connection, where

    async def list(self) -> tuple[dict[str, Replica], str]:
        """Those that are there by uid, and the list's resourceVersion.

        Raises:
            CannotRead: a right is missing, or a Pod is none of the webhook's.
            Unreachable: no answer came, or one that may be another soon.
        """
        answer = await _get(self.connection, self.where.path)
        if answer.code == 403:
            raise CannotRead(await denied(self.connection, Right("list", "", "pods", self.where.namespace)))
        found = _object(answer, f"list pods in namespace {self.where.namespace} by labels {self.where.selector!r}")
        there = [replica(item, self.where.container) for item in mappings(found.get("items"))]
        return {one.uid: one for one in there}, text(metadata(found).get("resourceVersion"))

    def none(self) -> CannotRead:
        """What to say when there is no such Pod."""
        namespace, selector = self.where.namespace, self.where.selector
        return CannotRead(
            f"no pods of the webhook in namespace {namespace} (labels {selector}); name its Service (--service NS/NAME)"
            f" or its labels, and see what is there: kubectl -n {namespace} get pods --show-labels"
        )


async def behind(connection: ApiConnection, service: Service, container: str = "") -> Where:
    """The Pods behind a Service, as ``leadergate doctor`` finds them; by the usual labels where it may not be read.

    Raises:
        CannotRead: there is no such Service, or it selects no Pods.
        Unreachable: no answer came.
    """
    namespace, name = service.namespace, service.name
    answer = await _get(connection, f"/api/v1/namespaces/{namespace}/services/{name}")
    if answer.code == 403:
        return Where(namespace, USUAL_SELECTOR, container)
    if answer.code == 404:
        remedy = "name the one in front of the webhook (--service NS/NAME); see: kubectl get services -A"
        raise CannotRead(f"there is no Service {name} in namespace {namespace}; {remedy}")
    selector = labels(mapping(_object(answer, f"get service {namespace}/{name}").get("spec")).get("selector"))
    if not selector:
        raise CannotRead(f"Service {namespace}/{name} selects no pods; name their labels instead (--selector)")
    return Where(namespace, ",".join(f"{key}={value}" for key, value in sorted(selector.items())), container)


async def _get(connection: ApiConnection, path: str) -> ApiAnswer:
    try:
        async with asyncio.timeout(SECONDS):
            return await connection.request("GET", path)
    except TimeoutError:
        raise Unreachable(f"the API server at {connection.host} gave no answer within {SECONDS:g} s") from None


def _object(answer: ApiAnswer, what: str) -> dict[str, Any]:
    try:
        found = mapping(msgspec.json.decode(answer.body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = {}
    if answer.code == 200 and found:
        return found
    said = f"the API server answered {answer.code} to {what}: {text(found.get('message')) or 'no reason given'}"
    if answer.code in (429, 200) or answer.code >= 500 or answer.code == 401:
        raise Unreachable(said)
    raise CannotRead(said)


def _container(item: Mapping[str, Any], asked: str) -> str:
    names = [text(one.get("name")) for one in mappings(mapping(item.get("spec")).get("containers"))]
    usual = asked or USUAL_CONTAINER
    if usual in names:
        return usual
    default = labels(metadata(item).get("annotations")).get(_DEFAULT_CONTAINER, "")
    if not asked and (len(names) == 1 or default in names):
        return default if default in names else names[0]
    pod = text(metadata(item).get("name"))
    raise CannotRead(
        f"pod {pod} has no container {usual!r}, but {', '.join(names)}; name the webhook's (--container NAME)"
    )


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
