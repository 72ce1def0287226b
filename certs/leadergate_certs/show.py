"""``leadergate certs show``: what is where, and exit code 1 when something is wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from leadergate_certs.calls import ClusterFault
from leadergate_certs.cluster import Address, Cluster
from leadergate_certs.probe import served
from leadergate_certs.reach import (
    DEFAULT_SECRET,
    DEFAULT_SERVICE,
    ContextOption,
    DialPodsOption,
    EndpointsOption,
    KubeconfigOption,
    Reach,
    SecretOption,
    ServiceOption,
    dials_pods,
    refuse,
    way,
)
from leadergate_certs.report import Line, Report, report
from leadergate_certs.rotation import Endpoint


class Output(StrEnum):
    """How a report is printed."""

    TABLE = "table"
    JSON = "json"


def show(
    secret: SecretOption = DEFAULT_SECRET,
    service: ServiceOption = DEFAULT_SERVICE,
    endpoints: EndpointsOption = "",
    output: Annotated[Output, typer.Option("--output", "-o", help="table or json.")] = Output.TABLE,
    dial_pods: DialPodsOption = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Show which certificates are in the Secret, in each labelled configuration, and really served.

    Exits with 1 when something is wrong, and says what; with 2 when it cannot look. Replicas are asked by a TLS
    handshake at --endpoints, and inside of the cluster at their pods' addresses:

    \b
      kubectl -n leadergate-system exec deploy/leadergate -- leadergate certs show
    """
    given = [address(text) for text in endpoints.split(",") if text.strip()]

    async def look(cluster: Cluster) -> Report:
        stored, configurations, addresses = await asyncio.gather(
            cluster.read(), cluster.configurations(), _addresses(cluster, service, given)
        )
        if given or dials_pods(dial_pods, way(kubeconfig, context)):
            leaves = await asyncio.gather(*(served(one.host, one.port) for one in addresses))
        else:
            leaves = [None] * len(addresses)
        seen = [Endpoint(str(one), one.ready, leaf) for one, leaf in zip(addresses, leaves, strict=True)]
        return report(stored, configurations, seen, datetime.now(UTC))

    found = Reach(secret, kubeconfig, context).run(look)
    if output is Output.JSON:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        _print(found, secret)
    if found.faults:
        raise typer.Exit(1)


def address(text: str) -> Address:
    """HOST:PORT; anything else ends the command."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        refuse(f"--endpoints: {text.strip()!r}: expected HOST:PORT")
    return Address(host.removeprefix("[").removesuffix("]"), int(port), ready=True)


async def _addresses(cluster: Cluster, service: str, given: Sequence[Address]) -> Sequence[Address]:
    if given:
        return given
    try:
        return await cluster.addresses(service)
    except ClusterFault as fault:
        typer.echo(f"note: {fault}", err=True)
        return []


def _print(found: Report, secret: str) -> None:
    _section(f"SECRET {secret}", found.secret)
    _section("CONFIGURATIONS", found.configurations)
    _section("ENDPOINTS", found.endpoints)
    for note in found.notes:
        typer.echo(f"note: {note}")
    for fault in found.faults:
        typer.secho(f"wrong: {fault}", fg="red")
    if not found.faults:
        typer.secho("nothing is wrong", fg="green")


def _section(title: str, lines: Sequence[Line]) -> None:
    typer.secho(title, bold=True)
    if not lines:
        typer.echo("  none")
    whats = max((len(line.what) for line in lines), default=0)
    shows = max((len(line.shows) for line in lines), default=0)
    for line in lines:
        typer.echo(f"  {line.what:<{whats}}  {line.shows:<{shows}}  {line.state}".rstrip())
    typer.echo()
