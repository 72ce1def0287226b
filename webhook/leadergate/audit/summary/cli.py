"""``leadergate audit summary``: what happened, gate by gate."""

from __future__ import annotations

import json
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from leadergate.audit.options import Asked, asks
from leadergate.survey.command import colour, columns


class Output(StrEnum):
    """How the summary is printed."""

    TABLE = "table"
    JSON = "json"


@asks()
def summary(
    asked: Asked,
    top: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many writers and objects are told of each gate.")
    ] = 10,
    output: Annotated[Output, typer.Option("--output", "-o", help="table or json.")] = Output.TABLE,
) -> None:
    """Tell what happened, gate by gate: the one with most rejections first, routine in one line.

    Without FILE: of the webhook in the cluster.

    \b
    rejections  by standing: former-holder led before, and wrote on; stranger:
                another namespace or account, or no proven pod; none told: the
                Lease could not be read. What is routine is counted apart
    of them     denied; undecided: failurePolicy decided; let through: the gate
                is in mode warn or audit; dry run: nothing would have been stored
    a minute    from the first rejection to the last
    takeovers   as all records of the time and gate tell, whatever is filtered

    \b
    Examples
      leadergate audit summary
      leadergate audit summary webhook.log
      leadergate audit summary '/var/log/leadergate/*.jsonl*' --since 12h --top 30
      leadergate audit summary night.parquet --gate 'shop/*' -o json | jq '.gates[] | {gate, rejections}'
    """
    # Imported here: what shows help has no use for the engine.
    from leadergate.audit.reading.gather import gathered
    from leadergate.audit.summary.query import summarised
    from leadergate.audit.summary.text import lines
    from leadergate.audit.summary.told import as_json

    with gathered(asked.files, bad=asked.bad, strict=asked.strict, origin=asked.origin) as held:
        found = held.ask(partial(summarised, held.engine, flt=asked.flt, top=top))
        if output is Output.JSON:
            typer.echo(json.dumps(as_json(found, held.tally), indent=2))
            return
        width = columns(otherwise=0) or None
        for line in lines(found, width):
            typer.secho(line.text, fg=line.colour, bold=line.bold or None, color=colour())
