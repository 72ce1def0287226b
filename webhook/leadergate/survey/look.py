"""Looking at a cluster: everything that is asked of it, in one value."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from leadergate import __version__
from leadergate.gates.spec import Account, Service
from leadergate.model import LeaseKey
from leadergate.survey import installation, naming
from leadergate.survey.gates import Entry, Traffic
from leadergate.survey.objects import lease, pod
from leadergate.survey.parts import Known, Looked, Right, SeenLease, SeenPod, Unknown
from leadergate.survey.questions import Connection, Questions, lacking
from leadergate.survey.raw import text
from leadergate.survey.reading import entries, told_apart
from leadergate.survey.rights import LEASES, REGISTRATION, needed
from leadergate.survey.served import served
from leadergate.survey.snapshot import Snapshot
from leadergate.survey.traffic import traffic
from leadergate_certs.calls import ClusterFault
from leadergate_certs.cluster import KINDS, Cluster, Stored

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

NOT_ASKED = Unknown("it was not asked for")


class CannotLook(Exception):
    """The API server cannot be reached, or does not let us see webhook configurations; the message says which."""


async def look(
    connection: Connection,
    *,
    service: Service,
    account: Account,
    secret: str,
    handshake: bool = True,
    dial_pods: bool = False,
    installation_too: bool = True,
) -> Snapshot:
    """Look at the gates that ``service`` answers, and at what they need.

    ``account`` is the webhook's own, ``secret`` its certificates' Secret as NAMESPACE/NAME, empty when it has none.
    Without ``handshake`` no endpoint is called, and without ``dial_pods`` no Pod. Without ``installation_too`` only
    what tells how gates fare is asked for: configurations, Leases, writers' pods, the Secret and what the API server
    counted.

    What cannot be looked at becomes ``Unknown``, with the right that is missing. It takes ``SECONDS`` for one answer
    and ``ALL_SECONDS`` for all.

    Raises:
        CannotLook: webhook configurations cannot be listed, or nobody answers.
    """
    questions = Questions(connection)
    namespace, _, secret_name = secret.partition("/")
    found = told_apart(await _entries(questions), service, frozenset({service.namespace, namespace} - {""}))
    ours = [*(one.entry for one in found.gates), *(one.entry for one in found.broken)]
    leases = tuple(dict.fromkeys(one.gate.lease for one in found.gates))
    writers = tuple(dict.fromkeys(one.gate.from_namespace for one in found.gates))
    read, pods, stored, counted = await asyncio.gather(
        _each(leases, lambda key: _lease(questions, key)),
        _each(dict.fromkeys((*writers, service.namespace)), lambda name: _pods(questions, name)),
        _stored(connection, namespace, secret_name),
        _traffic(questions),
    )
    snapshot = Snapshot(
        now=datetime.now(UTC),
        version=__version__,
        api_version=await _version(questions),
        service=service,
        account=account,
        secret=secret,
        gates=found.gates,
        broken=found.broken,
        others=found.others,
        leases=read,
        pods=pods,
        accounts={},
        namespaces={},
        served={},
        found_service=NOT_ASKED,
        endpoints=NOT_ASKED,
        deployment=NOT_ASKED,
        flow=NOT_ASKED,
        rights={},
        stored=stored,
        traffic=counted,
    )
    if not installation_too:
        return snapshot
    gates = [one.entry for one in found.gates]
    named = [account for entry in gates for account in naming.accounts(entry)]
    around = [*writers, *(key.namespace for key in leases), *(name for one in gates for name in naming.namespaces(one))]
    wanted = needed(leases, [*ours, *found.others], namespace, secret_name)
    accounts, namespaces, resources, rights, flow, front = await asyncio.gather(
        _each(dict.fromkeys(named), lambda one: _account(questions, one)),
        _each(dict.fromkeys(around), lambda one: _namespace(questions, one)),
        _each(naming.resources(ours), lambda one: served(questions, *one)),
        _each(wanted, lambda one: questions.may(account, one)),
        installation.flow_of(questions, account, [key.namespace for key in leases] or [service.namespace]),
        installation.front(questions, service, ours, handshake=handshake, dial_pods=dial_pods),
    )
    return replace(
        snapshot,
        now=datetime.now(UTC),
        accounts=accounts,
        namespaces=namespaces,
        served={
            key: one if isinstance(one, Unknown) else Known(one.value is not None) for key, one in resources.items()
        },
        scopes={key: one.value for key, one in resources.items() if isinstance(one, Known) and one.value is not None},
        rights=rights,
        flow=flow,
        found_service=front.service,
        endpoints=front.endpoints,
        deployment=front.deployment,
        caller=await questions.caller(),
    )


async def _each(keys: Iterable[Key], ask: Callable[[Key], Awaitable[Value]]) -> Mapping[Key, Value]:
    asked = tuple(keys)
    return dict(zip(asked, await asyncio.gather(*map(ask, asked)), strict=True))


async def _entries(questions: Questions) -> list[Entry]:
    found: list[Entry] = []
    for resource, kind in KINDS.items():
        listed = await questions.items(f"/apis/{REGISTRATION}/v1/{resource}", Right("list", REGISTRATION, resource))
        if isinstance(listed, Unknown):
            raise CannotLook(f"{resource} cannot be listed: {listed.why}")
        found += [entry for item in listed.value for entry in entries(kind, item)]
    return found


async def _version(questions: Questions) -> Looked[str]:
    found = await questions.object("/version", Right("get", "", "/version"))
    return found if isinstance(found, Unknown) else Known(text((found.value or {}).get("gitVersion")))


async def _lease(questions: Questions, key: LeaseKey) -> Looked[SeenLease | None]:
    path = f"/apis/{LEASES}/v1/namespaces/{key.namespace}/leases/{key.name}"
    found = await questions.object(path, Right("get", LEASES, "leases", key.namespace, key.name))
    if isinstance(found, Unknown):
        return found
    return Known(None if found.value is None else SeenLease(lease(found.value), datetime.now(UTC)))


async def _pods(questions: Questions, namespace: str) -> Looked[tuple[SeenPod, ...]]:
    found = await questions.items(f"/api/v1/namespaces/{namespace}/pods", Right("list", "", "pods", namespace))
    return found if isinstance(found, Unknown) else Known(tuple(map(pod, found.value)))


async def _account(questions: Questions, account: Account) -> Looked[bool]:
    path = f"/api/v1/namespaces/{account.namespace}/serviceaccounts/{account.name}"
    found = await questions.object(path, Right("get", "", "serviceaccounts", account.namespace, account.name))
    return found if isinstance(found, Unknown) else Known(found.value is not None)


async def _namespace(questions: Questions, name: str) -> Looked[bool]:
    found = await questions.object(f"/api/v1/namespaces/{name}", Right("get", "", "namespaces", name=name))
    return found if isinstance(found, Unknown) else Known(found.value is not None)


async def _stored(connection: Connection, namespace: str, name: str) -> Looked[Stored]:
    if not namespace or not name:
        return NOT_ASKED
    try:
        return Known(await Cluster(connection, namespace, name).read())
    except ClusterFault as fault:
        return lacking(Right("get", "", "secrets", namespace, name)) if fault.code == 403 else Unknown(str(fault))


async def _traffic(questions: Questions) -> Looked[Mapping[str, Traffic]]:
    found = await questions.text("/metrics", Right("get", "", "/metrics"))
    if isinstance(found, Unknown):
        return found
    try:
        return Known(traffic(found.value))
    except ValueError as fault:
        return Unknown(f"what answered to get /metrics is not what an API server counts: {fault}")
