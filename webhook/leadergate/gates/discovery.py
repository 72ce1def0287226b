"""Asking the API server's discovery whether resources exist, have a status subresource, and are namespaced."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any, Protocol

import msgspec
import typer

from leadergate.gates.refusals import Found, Missing
from leadergate.gates.spec import StatusResource
from leadergate_election.connection import ApiAnswer, ApiConnection, Unreachable
from leadergate_election.credentials import CredentialsSource

SECONDS = 5.0
"""For everything that is asked; whoever waits at a terminal can say --offline."""

Findings = dict[StatusResource, Found | Missing]


class NotAsked(Exception):
    """Discovery gave no answer; the message says why."""


class Connection(Protocol):
    """Sends requests to the API server."""

    def request(self, method: str, path: str) -> Awaitable[ApiAnswer]:
        """Send one request. Raises Unreachable."""
        ...


def ask(source: CredentialsSource, resources: Iterable[StatusResource]) -> Findings:
    """What discovery says of each resource.

    Raises:
        CredentialsFault: there is no usable way to a cluster.
        NotAsked: the API server cannot be reached, or does not answer this.
    """
    access = source.load()

    async def asked() -> Findings:
        connection = ApiConnection(
            source, access, user_agent="leadergate-gate", on_reload_fault=lambda why: typer.echo(why, err=True)
        )
        try:
            async with asyncio.timeout(SECONDS):
                return await discover(connection, resources)
        except TimeoutError:
            raise NotAsked(f"the API server at {access.host} did not answer within {SECONDS:.0f} s") from None
        finally:
            await connection.close()

    return asyncio.run(asked())


async def discover(connection: Connection, resources: Iterable[StatusResource]) -> Findings:
    """What discovery says of each resource (Kubernetes API concepts, "API discovery").

    Raises:
        NotAsked: it does not answer.
    """
    lists: dict[tuple[str, str], list[dict[str, Any]] | Missing] = {}
    found: Findings = {}
    for one in resources:
        served = (one.group, one.version)
        if served not in lists:
            lists[served] = await _served(connection, *served)
        listed = lists[served]
        found[one] = listed if isinstance(listed, Missing) else _among(listed, one)
    return found


async def _served(connection: Connection, group: str, version: str) -> list[dict[str, Any]] | Missing:
    """The resources of a group's version, subresources among them."""
    listed = await _get(connection, f"/apis/{group}/{version}")
    if listed is not None:
        return _dicts(listed.get("resources"))
    whole = await _get(connection, f"/apis/{group}")
    if whole is None:
        return Missing(f"the API server serves no group {group!r}", "apply its CustomResourceDefinition first")
    versions = ", ".join(str(each.get("version")) for each in _dicts(whole.get("versions")))
    return Missing(f"the API server serves group {group!r} only as {versions}", "name a version that is served")


async def _get(connection: Connection, path: str) -> dict[str, Any] | None:
    """The object at a path; None when there is none."""
    try:
        answer = await connection.request("GET", path)
        if answer.code == 404:
            return None
        if answer.code != 200:
            raise NotAsked(f"the API server answered {answer.code} to {path}")
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except Unreachable as fault:
        raise NotAsked(str(fault)) from fault
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise NotAsked(f"what answered at {path} is no API server: {fault}") from fault


def _among(listed: list[dict[str, Any]], one: StatusResource) -> Found | Missing:
    by_name = {item.get("name"): item for item in listed}
    if one.resource in by_name:
        namespaced = by_name[one.resource].get("namespaced") is True
        return Found(namespaced=namespaced, status=f"{one.resource}/status" in by_name)
    where = f"{one.group}/{one.version} has no resource {one.resource!r}"
    for name, item in by_name.items():
        aliases = [item.get("singularName"), str(item.get("kind", "")).lower(), *(item.get("shortNames") or [])]
        if "/" not in str(name) and one.resource in aliases:
            return Missing(where, f"name it by its plural, {name}.{one.version}.{one.group}")
    return Missing(where, "see kubectl api-resources for what is served")


def _dicts(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
