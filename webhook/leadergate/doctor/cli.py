"""``leadergate doctor``: what is right and wrong with a live installation."""

from __future__ import annotations

import json
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from leadergate.doctor.finding import Finding, Level
from leadergate.doctor.judge import judge, missing
from leadergate.doctor.table import COLOURS, as_json, lines, summary
from leadergate.gates import parts
from leadergate.gates.inputs import refuse
from leadergate.gates.refusals import Fault
from leadergate.gates.spec import Account, Service
from leadergate.survey.command import (
    USUAL_SERVICE,
    WIDTH,
    SecretOption,
    ServiceOption,
    colour,
    columns,
    looked,
    named,
    orderly,
)
from leadergate.survey.look import look
from leadergate_certs.reach import ContextOption, DialPodsOption, KubeconfigOption, dials_pods, way

# Plain help: its examples are to be copied, and boxes would break their lines.
app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class Output(StrEnum):
    """How findings are printed."""

    TABLE = "table"
    JSON = "json"


@app.command()
def doctor(
    gate: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Tell of this gate only, beside the installation. May be repeated."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Count what could not be looked at as wrong. Notes stay notes.")
    ] = False,
    output: Annotated[Output, typer.Option("--output", "-o", help="table or json.")] = Output.TABLE,
    service: ServiceOption = USUAL_SERVICE,
    account: Annotated[
        str | None,
        typer.Option(metavar="NS/NAME", help="The webhook's own service account. Default: named as the Service."),
    ] = None,
    secret: SecretOption = None,
    dial_pods: DialPodsOption = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Check a live installation: what is right, what is wrong, and the remedy. Nothing is changed.

    \b
    It looks at
      the Service, its endpoints, replicas and PodDisruptionBudget
      TLS as the API server sees it: what is served, by each gate's caBundle and name; certificates that end soon
      the rights of the webhook's account, and the priority level of its reads
      each gate's Lease: there, held, renewed, and with a holder that names a pod (a bare UUID never does)
      service accounts, namespaces and conditions that name what exists, and leave somebody to judge
      tokens of the operator's pods, which must say which pod they are of
      rules that take in too much, gates that judge the same by two Leases, other webhooks in the way
      what the API server has counted: traffic, and calls without a verdict
      versions of the API server, the webhook's pods and this command

    \b
    right    was looked at, and is so
    note     works, and you should know
    WRONG    does not do what the gate is there for, or soon will not; the line below is the remedy
    unknown  could not be looked at, for want of the right that is named, or from where this runs

    \b
    Exit codes
      0  nothing is wrong
      1  something is wrong, or with --strict could not be looked at
      2  it could not look at all, or a flag is bad

    \b
    Examples
      leadergate doctor
      leadergate doctor --gate redirect-status.leadergate.dev
      leadergate doctor --strict --output json | jq -r '.findings[] | select(.level == "wrong") | .says'
      kubectl -n leadergate-system exec deploy/leadergate -- leadergate doctor

    The last one reaches the replicas themselves, with the webhook's own few rights: most else is unknown there. As an
    administrator outside, replicas are not called, and the Secret's certificate is judged in place of what they serve.
    """
    front, own, stored = _named(service, account, secret)
    only = gate or []
    with orderly():
        source = way(kubeconfig, context)
        asked = partial(look, service=front, account=own, secret=stored, dial_pods=dials_pods(dial_pods, source))
        snapshot = looked(source, "leadergate-doctor", asked)
        if absent := missing(snapshot, only):
            refuse("nothing to check", [f"gate {name!r}: no such gate; see leadergate gate list" for name in absent])
        findings = judge(snapshot, only)
        bad = {Level.WRONG, Level.UNKNOWN} if strict else {Level.WRONG}
        failed = any(one.level in bad for one in findings)
        if output is Output.JSON:
            typer.echo(json.dumps(as_json(findings, snapshot, failed=failed), indent=2))
        else:
            _print(findings, failed=failed)
    if failed:
        raise typer.Exit(1)


def _named(service: str, account: str | None, secret: str | None) -> tuple[Service, Account, str]:
    """What was named; names that are none end the command, all at once."""
    faults: list[Fault] = []
    front, stored = named(service, secret, faults)
    own = Account(front.namespace, front.name) if account is None else parts.account("account", account, faults)
    if faults or own is None:
        refuse("nothing can be checked", [str(fault) for fault in faults])
    return front, own, stored


def _print(findings: list[Finding], *, failed: bool) -> None:
    """In colour where it goes to a terminal, and no wider than that."""
    plain = colour()
    for line in lines(findings, min(columns(), WIDTH)):
        if line.word:
            bold = line.colour == COLOURS[Level.WRONG] or None
            typer.secho(line.word, fg=line.colour, bold=bold, nl=False, color=plain)
        typer.secho(line.text, bold=line.heading or None, color=plain)
    typer.echo()
    typer.secho(summary(findings), fg=COLOURS[Level.WRONG] if failed else COLOURS[Level.RIGHT], color=plain)
