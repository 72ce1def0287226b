"""The ``leadergate`` command."""

from __future__ import annotations

import asyncio
import sys
from typing import NoReturn

import typer
import uvloop

from leadergate import __version__
from leadergate_certs.cli import app as certs
from leadergate_election.cli import elect

app = typer.Typer(
    name="leadergate",
    help="Let only the holder of a Lease write status, enforced by the API server.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    # A pretty traceback could print local variables, and one of them may be a private key.
    pretty_exceptions_enable=False,
)


@app.callback()
def root() -> None:
    """Let only the holder of a Lease write status, enforced by the API server."""


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
    short_help="Serve admission reviews (leadergate serve --help teaches).",
)
def serve(context: typer.Context) -> None:
    """Serve admission reviews."""
    # Imported here, in two steps: what serves nothing should not wait for what only the server needs.
    from leadergate.settings import SettingsFault, load

    if sys.stdout is None:
        _refuse(["standard output is closed: records go there, so open it or send it to a file"])
    try:
        settings = load(context.args)
        from leadergate.allocator import keep_freed_memory
        from leadergate.app import preflight
        from leadergate.run import run
        from leadergate_election.logs import set_up

        set_up(settings.log_level)
        keep_freed_memory()
        ready = preflight(settings)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(ready))
    except SettingsFault as fault:
        _refuse(fault.faults)


app.command(short_help="Take part in a leader election for the operator beside it (a sidecar).")(elect)

app.add_typer(certs, name="certs", short_help="Show, rotate, inject and issue the webhook's certificates.")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
    short_help="Write gates and list those of a cluster (leadergate gate --help teaches).",
)
def gate(context: typer.Context) -> None:
    """Write and list gates."""
    # Imported here: what serves reviews has no use for it.
    from leadergate.gates.cli import app as gates

    gates(context.args, prog_name="leadergate gate")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
    short_help="Check a live installation: what is wrong, and the remedy (leadergate doctor --help teaches).",
)
def doctor(context: typer.Context) -> None:
    """Check a live installation."""
    # Imported here: what serves reviews has no use for it.
    from leadergate.doctor.cli import app as check

    check(context.args, prog_name="leadergate doctor")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
    short_help="Review rejections: who fought whom, when and why (leadergate audit --help teaches).",
)
def audit(context: typer.Context) -> None:
    """Review rejections."""
    # Imported here: what serves reviews has no use for it.
    from leadergate.audit.cli import app as review

    review(context.args, prog_name="leadergate audit")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _refuse(faults: list[str]) -> NoReturn:
    typer.echo(f"leadergate cannot start; {len(faults)} setting(s) to mend:", err=True)
    for fault in faults:
        typer.echo(f"  - {fault}", err=True)
    sys.exit(2)
