"""``leadergate gate list``: the gates of a cluster, and how they fare."""

from __future__ import annotations

import json
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from leadergate.gates.inputs import refuse
from leadergate.gates.reading import DEFAULT_ACCOUNT
from leadergate.gates.refusals import Fault
from leadergate.gates.row import Row, rows
from leadergate.gates.spec import Service
from leadergate.gates.table import as_json, lines, notes
from leadergate.survey.command import (
    USUAL_SERVICE,
    SecretOption,
    ServiceOption,
    colour,
    columns,
    looked,
    named,
    orderly,
)
from leadergate.survey.look import look
from leadergate.survey.snapshot import Snapshot
from leadergate_certs.reach import ContextOption, KubeconfigOption, way
from leadergate_election.connection import ApiConnection


class Output(StrEnum):
    """How gates are listed."""

    TABLE = "table"
    JSON = "json"
    WIDE = "wide"


def list_gates(
    service: ServiceOption = USUAL_SERVICE,
    secret: SecretOption = None,
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
    AGE       since the holder renewed; expired when that is longer ago than leaseDurationSeconds, with
              10 s for clocks that differ; ahead when it lies more than that in the future
    BUNDLE    held against the authority in --secret: ok, or not trusting; lacks next: a rotation waits for it;
              present: the Secret says nothing of it; system's: a URL is trusted as the API server's machine does;
              empty, unreadable, expired: calls of the webhook fail, as with not trusting
    CALLS     writes that the API server that answers asked the gate about since it started, and
    REJECTED  those of them that the gate turned away
    On a terminal names are shortened to fit it, and +N stands for more resources; -o wide shows all, and more columns.

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
    faults: list[Fault] = []
    target, stored = named(service, secret, faults)
    if faults:
        refuse("the gates cannot be listed", [str(fault) for fault in faults])
    with orderly():
        snapshot = looked(way(kubeconfig, context), "leadergate-gate", partial(_look, target, stored))
        found = rows(snapshot)
        said = notes(found, snapshot)
        if output is Output.JSON:
            typer.echo(json.dumps(as_json(found, said, snapshot), indent=2))
        elif found:
            _print(found, said, wide=output is Output.WIDE)
        else:
            typer.echo(f"no webhook configuration asks Service {service}, or carries the label of its gates")
            typer.echo("write a gate: leadergate gate render --lease NS/NAME --resource RESOURCE.VERSION.GROUP")


_WHOLE = 1 << 16
"""Columns of what goes to no terminal: programs want names whole, as kubectl prints them."""


async def _look(service: Service, secret: str, connection: ApiConnection) -> Snapshot:
    return await look(
        connection,
        service=service,
        account=DEFAULT_ACCOUNT,
        secret=secret,
        handshake=False,
        installation_too=False,
    )


def _print(found: list[Row], said: list[str], *, wide: bool) -> None:
    head, *body = lines(found, width=None if wide else columns(otherwise=_WHOLE))
    typer.secho(head, bold=True, color=colour())
    for line in body:
        typer.echo(line)
    typer.echo()
    for row in found:
        if row.fault:
            typer.secho(f"broken: {row.entry}: {row.fault}", fg="red", color=colour())
    for note in said:
        typer.echo(f"note: {note}")
