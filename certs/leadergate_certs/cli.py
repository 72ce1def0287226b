"""The certificate commands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from leadergate_certs import pairfiles
from leadergate_certs.inject import inject
from leadergate_certs.issue import KeyAlgorithm, issue_authority, issue_serving_pair
from leadergate_certs.names import IssueError, ServingNames
from leadergate_certs.reach import refuse
from leadergate_certs.rotate import rotate
from leadergate_certs.show import show

# A pretty traceback could print local variables, and one of them may be a private key.
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def _group() -> None:
    """Look after the certificates that a leadergate webhook serves with."""


app.command()(show)
app.command()(rotate)
app.command()(inject)


@app.command(no_args_is_help=True)
def issue(
    directory: Annotated[Path, typer.Option("--dir", help="Folder to write to; it is created if need be.")],
    dns: Annotated[list[str] | None, typer.Option(help="A DNS name to serve. May be repeated.")] = None,
    ip: Annotated[list[str] | None, typer.Option(help="An IP address to serve. May be repeated.")] = None,
    service: Annotated[
        list[str] | None,
        typer.Option(
            help="A Service to serve, as NAMESPACE/NAME: adds NAME.NAMESPACE.svc and the same with "
            ".cluster.local. May be repeated.",
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How many days the serving certificate is valid.")] = 90,
    algorithm: Annotated[KeyAlgorithm, typer.Option(help="The kind of both keys.")] = KeyAlgorithm.ECDSA_P256,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
) -> None:
    """Make a new authority and a serving pair signed by it, and write three files.

    \b
      ca.crt   what callers trust (in base64: clientConfig.caBundle)
      tls.crt  the serving certificate
      tls.key  its private key, readable by you alone (mode 0600)

    The authority's key is thrown away: it can sign nothing else, and a renewal makes a new authority.
    Validity begins five minutes ago, so that a caller whose clock is a little behind accepts it at once.

    \b
    Examples:
      leadergate certs issue --dir pki --service leadergate/webhook
      leadergate certs issue --dir pki --ip 127.0.0.1 --days 30
    """
    now = datetime.now(UTC)
    try:
        names = ServingNames.parse(dns=dns or (), ips=ip or (), services=[_service(text) for text in service or ()])
        authority = issue_authority(now, algorithm=algorithm)
        pair = issue_serving_pair(authority, names, now, lifetime=timedelta(days=days), algorithm=algorithm)
    except IssueError as error:
        refuse(str(error))
    if not force and (there := pairfiles.existing(directory)):
        refuse(f"--dir: {', '.join(map(str, there))} already there; choose another folder, or pass --force")
    try:
        pairfiles.write(directory, authority, pair)
    except OSError as error:
        refuse(f"--dir: cannot write to {directory}: {error.strerror}; choose a folder that you may write to")
    typer.echo(f"wrote {directory}/: {', '.join(file.name for file in pairfiles.existing(directory))}")
    typer.echo(f"serves {', '.join([*names.dns, *map(str, names.addresses)])}")
    typer.echo(f"until  {pair.certificate.not_valid_after_utc:%F %T} UTC")


def _service(text: str) -> tuple[str, str]:
    namespace, slash, name = text.partition("/")
    if not slash:
        raise IssueError(f"service: {text!r} has no namespace; expected NAMESPACE/NAME")
    return name, namespace


def main() -> None:
    """Run the commands."""
    app(prog_name="leadergate certs")
