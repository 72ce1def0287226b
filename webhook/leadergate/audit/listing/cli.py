"""``leadergate audit list``: rejections one by one."""

from __future__ import annotations

from typing import Annotated

import typer

from leadergate.audit.options import Asked, asks
from leadergate.audit.telling.output import Output
from leadergate.gates.inputs import refuse

_TABLE_LIMIT = 200


@asks()
def list_records(
    asked: Asked,
    limit: Annotated[
        str | None,
        typer.Option(metavar="N|all", help=f"The newest so many. Default: {_TABLE_LIMIT} in a table, else all."),
    ] = None,
    output: Annotated[Output, typer.Option("--output", "-o", help="table, json, jsonl or csv.")] = Output.TABLE,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Go on with what comes in until it is ended: to files as tail -F does."),
    ] = False,
) -> None:
    """List rejections, oldest first: who wrote what, and who held the Lease then.

    Without FILE: of the webhook in the cluster. --follow then begins now, or with --since by what is there since then.
    Routine rejections, of replicas that never led, are counted in one line; --routine lists them, too.

    \b
    UID       how it begins: leadergate audit explain UID tells the rest
    RESULT    denied; let through: the gate is in mode warn or audit; dry run:
              nothing would have been stored; undecided: the Lease could not be
              read, and failurePolicy decided; allowed
    STANDING  former-holder: led before, and wrote on; stranger: another
              namespace or account, or no proven pod; follower: never led of late
    WHO       the pod that wrote, or the user where the credentials prove no pod

    json and jsonl give records whole, as they were written; csv has a head. Neither leaves out any but routine ones.
    Texts in patterns: * and ? stand for characters. Values of one flag are alternatives; flags narrow each other.

    \b
    Examples
      leadergate audit list --since 2h
      leadergate audit list --follow
      leadergate audit list webhook.log
      leadergate audit list '/var/log/leadergate/*.jsonl*' --since 90m --standing former-holder
      leadergate audit list night.jsonl.gz --gate shop/operator --object 'shop/redirect-*' -o csv > night.csv
      kubectl -n leadergate-system logs -l app.kubernetes.io/name=leadergate --prefix | leadergate audit list -
      leadergate audit list --follow --routine /var/log/leadergate/records.jsonl
    """
    if limit is not None and limit != "all" and not limit.isdecimal():
        refuse("nothing is listed", [f"--limit {limit!r} is no number of records; expected one like 500, or all"])
    count = (_TABLE_LIMIT if output is Output.TABLE else None) if limit is None else None
    if limit is not None and limit != "all":
        count = int(limit)
    # Imported here: what shows help has no use for the engine.
    from leadergate.audit.listing.show import followed, shown

    faults = []
    if follow and output is Output.JSON:
        faults.append("--output 'json' is one array, which never ends; use jsonl")
    if follow and limit is not None and asked.origin is not None:
        faults.append(f"--limit {limit!r} is for files that are followed; from the cluster take --since")
    if faults:
        refuse("nothing can be followed", faults)
    (followed if follow else shown)(asked, count, output)
