"""``leadergate audit``: what the webhook's records tell."""

from __future__ import annotations

import typer

from leadergate.audit.explain.cli import explain
from leadergate.audit.exporting.cli import export
from leadergate.audit.listing.cli import list_records
from leadergate.audit.page.cli import serve
from leadergate.audit.reconcile.cli import reconcile
from leadergate.audit.summary.cli import summary
from leadergate.audit.timeline.cli import timeline

# Plain help: its examples are to be copied, and boxes would break their lines.
app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def audit() -> None:
    """Review rejections: who fought whom, when and why. Reads records, changes nothing.

    Without FILE the records are those of the webhook in the cluster, of all its replicas, as its nodes still have them:
    the last 10 MiB or so of each container and of the one before it, and nothing of pods that are gone.

    FILEs are files, globs and - for standard input: records as the webhook wrote them, .gz, logs of kubectl or of a
    container runtime with prefixes and lines of other programs between, and Parquet of leadergate audit export.

    Each command takes the same filters, and leaves routine out of what it shows, though never out of what it counts:
    in the steady state each replica that does not lead is turned away at each of its writes. --routine shows it all.

    \b
    Exit codes
      0  done; lines that cannot be read are told on standard error, with file
         and line
      1  with --strict: there was such a line; reconcile: records and audit log
         do not agree
      2  nothing was read: a name or a flag is bad, all of them are told at once;
         or the cluster cannot be read

    \b
    Examples
      leadergate audit summary
      leadergate audit timeline --since 2h
      leadergate audit list --follow
      leadergate audit summary webhook.log
      leadergate audit list webhook.log --since 90m --standing former-holder
      kubectl -n leadergate-system logs -l app.kubernetes.io/name=leadergate --prefix | leadergate audit summary -
    """


app.command("list", short_help="Rejections one by one; --follow goes on with what comes in.")(list_records)
app.command(short_help="What happened, gate by gate: who, how often, on what, around which takeovers.")(summary)
app.command(short_help="Who held each Lease when, and who wrote although it did not: a picture.")(timeline)
app.command(short_help="One rejection in plain words, and what to do about it.")(explain)
app.command(short_help="Records as Parquet, to keep and to query.")(export)
app.command(short_help="Records held against the API server's own audit log; calls that failed open.")(reconcile)
app.command(short_help="All of it as a page in the browser; --follow goes on with what comes in.")(serve)
