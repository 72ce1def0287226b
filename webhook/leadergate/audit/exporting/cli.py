"""``leadergate audit export``: records as Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leadergate.audit.options import Asked, asks
from leadergate.gates.inputs import refuse


@asks(routine=True)
def export(
    asked: Asked,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="The Parquet file to write. Required.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Write records to a Parquet file, to keep them, to query them, and to read them again with these commands.

    Unlike the other commands this one takes in all records, routine ones too, unless a filter says otherwise: an
    archive that lacks most of what happened would be a trap. --no-routine leaves them out. Without FILE: those that the
    cluster still has.

    The file has the columns of list --output csv, times in UTC, and raw: the record's own JSON, whole. Values are as
    they were written: what shows them must make them harmless, as list does.

    \b
    Examples
      leadergate audit export --to now.parquet
      leadergate audit export webhook.log --to night.parquet
      leadergate audit export '/var/log/leadergate/*' --until 2026-03-01 --to february.parquet
      leadergate audit summary february.parquet
      duckdb -c "SELECT gate, count(*) FROM 'night.parquet' WHERE standing = 'former-holder' GROUP BY gate"
    """
    if to is None:
        refuse("nothing is exported", ["--to is missing; name the Parquet file to write"])
    # Imported here: what shows help has no use for the engine.
    from leadergate.audit.exporting.write import NotWritten, exported, refuse_early
    from leadergate.audit.reading.gather import gathered

    try:
        refuse_early(to, force=force)
        with gathered(asked.files, bad=asked.bad, strict=asked.strict, origin=asked.origin) as held:
            count = exported(held, asked.flt, to, force=force)
            typer.echo(f"{count:,} {'record' if count == 1 else 'records'} written to {to}")
    except NotWritten as fault:
        refuse("nothing is exported", [str(fault)])
