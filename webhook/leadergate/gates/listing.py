"""``leadergate gate list``: the gates of a cluster, and how they fare."""

from __future__ import annotations

import asyncio
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from leadergate.gate import is_label, is_subdomain
from leadergate.gates import parts
from leadergate.gates.fields import Fields
from leadergate.gates.inputs import refuse
from leadergate.gates.reading import DEFAULT_ACCOUNT, DEFAULT_SERVICE
from leadergate.gates.refusals import Fault
from leadergate.gates.row import Row, rows
from leadergate.gates.spec import Service
from leadergate.gates.table import as_json, lines, notes
from leadergate.survey.look import CannotLook, look
from leadergate.survey.snapshot import Snapshot
from leadergate_certs.reach import DEFAULT_SECRET, ContextOption, KubeconfigOption, way
from leadergate_certs.reach import refuse as stop
from leadergate_election.connection import ApiConnection
from leadergate_election.credentials import CredentialsFault


class Output(StrEnum):
    """How gates are listed."""

    TABLE = "table"
    JSON = "json"
    WIDE = "wide"


def list_gates(
    service: Annotated[
        str, typer.Option(metavar="NS/NAME", help="The Service in front of the webhook.")
    ] = f"{DEFAULT_SERVICE.namespace}/{DEFAULT_SERVICE.name}",
    secret: Annotated[
        str | None,
        typer.Option(
            metavar="NS/NAME",
            envvar="LEADERGATE_CERTS_SECRET",
            help="The Secret of `leadergate serve`. Default: leadergate-tls beside the Service.",
        ),
    ] = None,
    output: Annotated[Output, typer.Option("--output", "-o", help="table, wide or json.")] = Output.TABLE,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """List the gates of a cluster: mode, Lease, holder, rules, bundle, and what was rejected.

    Exits with 0 whatever the gates are like (leadergate doctor judges them), and with 2 when it cannot look: it takes
    the right to list validating and mutating webhook configurations. What else may not be seen is left open, and a note
    says which right is missing.

    \b
    HOLDER    who holds the Lease; with ! no pod is what it names, so that the gate lets nobody write
    AGE       since the holder renewed; expired when that is longer ago than leaseDurationSeconds
    BUNDLE    ok, or not trusting: held against the authority in --secret; present: the Secret says nothing of it;
              empty, expired: calls of the webhook fail
    CALLS     writes that the API server that answers asked the gate about since it started, and
    REJECTED  those of them that the gate turned away
    Names are shortened to fit 120 columns, and +N stands for more resources; -o wide shows all, and more columns.

    \b
    With -o json, null is what is not known:
      {"apiServer": version, "gates": [gate], "broken": [entry], "notes": [text]}
      entry: configuration, kind, webhook, rules, namespaceSelector, matchConditions, failurePolicy, timeoutSeconds,
             bundle, calls, rejected, failed (no verdict came), failedOpen (and the write went through);
             in "broken" also path and fault: what the webhook cannot read there
      gate:  the same, and mode, from, identity,
             lease: {namespace, name, found, holder, holderMatched, renewTime, ageSeconds, leaseDurationSeconds,
                     expired}

    \b
      leadergate gate list -o json | jq -r '.gates[] | select(.rejected > 0) | .configuration'
    """
    snapshot = _looked(*_named(service, secret), kubeconfig, context)
    found = rows(snapshot)
    said = notes(found, snapshot)
    if output is Output.JSON:
        typer.echo(json.dumps(as_json(found, said, snapshot), indent=2))
    elif found:
        _print(found, said, wide=output is Output.WIDE)
    else:
        typer.echo(f"no webhook configuration asks Service {service}, or carries the label of its gates")
        typer.echo("write a gate: leadergate gate render --lease NS/NAME --resource RESOURCE.VERSION.GROUP")


def _named(service: str, secret: str | None) -> tuple[Service, str]:
    """The Service and the Secret; names that are none end the command."""
    faults: list[Fault] = []
    target = parts.target(Fields(service=service), DEFAULT_SERVICE, faults)
    said = [str(fault) for fault in faults]
    if secret is None and isinstance(target, Service):
        secret = f"{target.namespace}/{DEFAULT_SECRET.partition('/')[2]}"
    namespace, _, name = (secret or "").partition("/")
    if (secret is not None and not is_label(namespace)) or not is_subdomain(name):
        said.append(f"secret {secret!r}: expected NAMESPACE/NAME; name the Secret of leadergate serve --certs-secret")
    if said or secret is None or not isinstance(target, Service):
        refuse("the gates cannot be listed", said)
    return target, secret


def _looked(service: Service, secret: str, kubeconfig: Path | None, context: str | None) -> Snapshot:
    source = way(kubeconfig, context)
    try:
        access = source.load()
    except CredentialsFault as fault:
        stop(f"--kubeconfig: {fault}")

    async def looked() -> Snapshot:
        connection = ApiConnection(
            source, access, user_agent="leadergate-gate", on_reload_fault=lambda why: typer.echo(why, err=True)
        )
        try:
            return await look(
                connection,
                service=service,
                account=DEFAULT_ACCOUNT,
                secret=secret,
                handshake=False,
                installation_too=False,
            )
        finally:
            await connection.close()

    try:
        return asyncio.run(looked())
    except CannotLook as fault:
        stop(str(fault))


def _print(found: list[Row], said: list[str], *, wide: bool) -> None:
    head, *body = lines(found, wide=wide)
    typer.secho(head, bold=True)
    for line in body:
        typer.echo(line)
    typer.echo()
    for row in found:
        if row.fault:
            typer.secho(f"broken: {row.entry}: {row.fault}", fg="red")
    for note in said:
        typer.echo(f"note: {note}")
