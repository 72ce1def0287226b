"""``leadergate audit reconcile``: records held against the API server's audit log."""

from __future__ import annotations

from typing import Annotated

import typer

from leadergate.audit.options import (
    SHOWN_BAD,
    ContainerOption,
    FilesArgument,
    SelectorOption,
    ServiceOption,
    asked_filter,
    asked_origin,
    need_extra,
)
from leadergate.audit.telling.output import Output
from leadergate.gates.inputs import refuse
from leadergate.gates.refusals import Fault
from leadergate.survey.command import orderly
from leadergate_certs.duration import parse_duration
from leadergate_certs.reach import ContextOption, KubeconfigOption

_LISTED = 20
_TOLERANCE = "10s"


def reconcile(
    audit_log: Annotated[
        list[str],
        typer.Option(metavar="FILE|GLOB|-", help="The API server's audit log, JSON lines, plain or .gz. Repeatable."),
    ],
    files: FilesArgument = None,
    webhook: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A gate's webhook name. Default: all that the audit log has annotations of."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="From then on: 2026-03-01T02:30:00Z, 2026-03-01, or 25h (that long ago)."),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Before then.")] = None,
    gate: Annotated[list[str] | None, typer.Option(metavar="NS/LEASE", help="The gate's Lease.")] = None,
    tolerance: Annotated[
        str,
        typer.Option(metavar="DURATION", help="How much clocks may differ, and how late lines may be written."),
    ] = _TOLERANCE,
    limit: Annotated[
        str | None,
        typer.Option(metavar="N|all", help=f"Findings listed of each kind. Default: {_LISTED} in a table, else all."),
    ] = None,
    output: Annotated[Output, typer.Option("--output", "-o", help="table, json or jsonl.")] = Output.TABLE,
    service: ServiceOption = None,
    selector: SelectorOption = None,
    container: ContainerOption = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
    bad: Annotated[
        str, typer.Option(metavar="N|all", help="How many of the lines that cannot be read are shown.")
    ] = str(SHOWN_BAD),
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 where a line could not be read.")] = False,
) -> None:
    """Hold records against the API server's own audit log, which no caller can forge.

    Each rejection stands in both: as a record, and as annotations NAME/verdict, NAME/uid and so on of the request's
    audit event. What stands in one only is named, and so are calls that failed open: writes that nobody judged.

    Records of all replicas and audit logs of all API servers belong here. Take the audit log first, then the records.
    What only one of them covers in time is counted, not judged. With --since and --until you say that the records are
    whole in between, though there may be none.

    Without FILE the records are those of the webhook in the cluster; they are whole from the time on that a note tells.

    \b
    Exit codes
      0  they agree
      1  something stands in one only or differs, or a call failed open; with
         --strict: a line could not be read
      2  nothing could be compared

    \b
    Examples
      leadergate audit reconcile --audit-log audit.log
      leadergate audit reconcile --audit-log audit.log webhook.log
      leadergate audit reconcile --audit-log '/var/log/kubernetes/audit*.log*' --since 25h --until 1h '/var/log/gate/*'
      leadergate audit reconcile --audit-log audit.log --webhook operator-lock.shop.example.com webhook.log -o jsonl
    """
    need_extra()
    faults: list[Fault] = []
    flt = asked_filter({"since": since, "until": until, "gate": gate}, faults)
    where = {"service": service, "selector": selector, "container": container, "kubeconfig": kubeconfig}
    # All that there is, whatever is asked for: how far back it goes tells what can be judged.
    origin = asked_origin(files, {**where, "context": context}, faults)
    counts = {}
    for name, text in (("--limit", limit), ("--bad", bad)):
        if text is not None and text != "all" and not text.isdecimal():
            faults.append(Fault(name, text, " is no number", "expected one like 20, or all"))
        else:
            counts[name] = None if text in (None, "all") else int(str(text))
    try:
        allowed = parse_duration(tolerance).total_seconds()
    except (ValueError, OverflowError):
        allowed = 0.0
        faults.append(Fault("--tolerance", tolerance, " is no duration", "expected one like 10s or 2m"))
    if output is Output.CSV:
        faults.append(Fault("--output", "csv", " is not made of this", "expected table, json or jsonl"))
    if faults:
        refuse("nothing is read", [str(fault) for fault in faults])
    if limit is None and output is Output.TABLE:
        counts["--limit"] = _LISTED
    # Imported here: what shows help has no use for the engine.
    from leadergate.audit.reconcile.run import Question, reconciled

    question = Question(
        logs=tuple(audit_log),
        records=tuple(files or ()),
        origin=origin,
        webhooks=tuple(webhook or ()),
        flt=flt,
        tolerance=round(allowed * 1_000_000),
        limit=counts["--limit"],
        bad=counts["--bad"],
        strict=strict,
        output=output,
    )
    with orderly():
        reconciled(question)
