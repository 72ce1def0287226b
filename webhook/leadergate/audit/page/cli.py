"""``leadergate audit serve``: the review as a page."""

from __future__ import annotations

import importlib.util
from typing import Annotated

import typer

from leadergate.audit.options import Asked, asks
from leadergate.gates.inputs import refuse

PORT = 8021


@asks(whole=True)
def serve(
    asked: Asked,
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0 is any free port.")] = PORT,
    address: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen; this machine alone.")] = "127.0.0.1",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes in: to files as tail -F does.")
    ] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    others_may_read: Annotated[
        bool,
        typer.Option(
            "--others-may-read",
            help="Let --address be one that others can reach. Whoever can may read every record: there is no password.",
        ),
    ] = False,
) -> None:
    """Show the review as a page: who held each Lease, who was rejected meanwhile, and each record whole.

    Without FILE: of the webhook in the cluster, all that it still has.
    Records are read once into a temporary file, which goes when the command ends, as does the page: Ctrl-C. Nothing is
    written anywhere else, nothing leaves this machine, and the page loads nothing from anywhere but this command.
    Flags of the filter are what the page opens with; there, the filter is the URL, so that a link shows the same.

    \b
    The page
      drag over the plot to zoom in, double-click to go back
      filters at the side show each choice with its count
      a row opens the record with its explanation; ? shows all keys
      CSV, JSON and JSON lines hold just what is filtered, oldest first

    \b
    Examples
      leadergate audit serve --follow --open
      leadergate audit serve webhook.log --open
      leadergate audit serve '/var/log/leadergate/*.jsonl*' --since 12h --standing former-holder
      leadergate audit serve --follow /var/log/leadergate/records.jsonl
      kubectl -n leadergate-system logs -l app.kubernetes.io/name=leadergate --prefix | leadergate audit serve -

    \b
    Exit codes
      130  ended with Ctrl-C (143: SIGTERM)
      2    nothing can be shown: a flag, a file, or the port is taken
    """
    if importlib.util.find_spec("plotly") is None:
        refuse("nothing is served", ["the page needs the package plotly: pip install 'leadergate[audit]'"])
    # Imported here: what shows help has no use for the engine and the server.
    from leadergate.audit.page.doorkeeper import loopback
    from leadergate.audit.page.opening import opened

    if not loopback(address) and not others_may_read:
        why = "others could reach it and read every record; add --others-may-read if they may"
        refuse("nothing is served", [f"--address {address!r}: {why}"])
    raise typer.Exit(opened(asked, address, port, follows=follow, browser=open_))
