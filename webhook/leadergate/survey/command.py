"""What the commands that look at a cluster share: options, names, the way there, and how they end."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from errno import EPIPE
from typing import Annotated

import typer

from leadergate.gate import is_label, is_subdomain
from leadergate.gates import parts
from leadergate.gates.fields import Fields
from leadergate.gates.reading import DEFAULT_SERVICE
from leadergate.gates.refusals import Fault
from leadergate.gates.spec import Service
from leadergate.survey.look import CannotLook
from leadergate.survey.snapshot import Snapshot
from leadergate_certs.reach import DEFAULT_SECRET, refuse
from leadergate_election.connection import ApiConnection
from leadergate_election.credentials import CredentialsFault, CredentialsSource

ServiceOption = Annotated[str, typer.Option(metavar="NS/NAME", help="The Service in front of the webhook.")]
SecretOption = Annotated[
    str | None,
    typer.Option(
        metavar="NS/NAME",
        envvar="LEADERGATE_CERTS_SECRET",
        help="The Secret with the webhook's certificates. Default: leadergate-tls beside the Service.",
    ),
]
USUAL_SERVICE = f"{DEFAULT_SERVICE.namespace}/{DEFAULT_SERVICE.name}"

WIDTH = 120
"""Columns of what is printed to no terminal."""


def named(service: str, secret: str | None, faults: list[Fault]) -> tuple[Service, str]:
    """The Service and the Secret, by default the one beside it; what is no name becomes a fault."""
    target = parts.target(Fields(service=service), DEFAULT_SERVICE, faults)
    front = target if isinstance(target, Service) else DEFAULT_SERVICE
    stored = f"{front.namespace}/{DEFAULT_SECRET.partition('/')[2]}" if secret is None else secret
    namespace, _, name = stored.partition("/")
    if not is_label(namespace) or not is_subdomain(name):
        remedy = "name the Secret of leadergate serve --certs-secret"
        faults.append(Fault("secret", stored, ": expected NAMESPACE/NAME", remedy))
    return front, stored


def looked(
    source: CredentialsSource, user_agent: str, look: Callable[[ApiConnection], Awaitable[Snapshot]]
) -> Snapshot:
    """What ``look`` sees over a connection; where nothing can be looked at, the command ends with 2."""
    try:
        access = source.load()
    except CredentialsFault as fault:
        refuse(f"--kubeconfig: {fault}")

    async def connected() -> Snapshot:
        connection = ApiConnection(
            source, access, user_agent=user_agent, on_reload_fault=lambda why: typer.echo(why, err=True)
        )
        try:
            return await look(connection)
        finally:
            await connection.close()

    try:
        return asyncio.run(connected())
    except CannotLook as fault:
        refuse(str(fault))


@contextmanager
def orderly() -> Iterator[None]:
    """One line where the output cannot be written; a reader that has gone away is no fault."""
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as fault:
        if fault.errno == EPIPE:  # the framework ends the command then, and keeps the interpreter quiet
            raise
        # What could not be written must not be tried again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        refuse(f"standard output cannot be written: {fault.strerror}")


def colour() -> bool | None:
    """False where the user wants none (no-color.org), else None: it depends on where the output goes."""
    return False if os.environ.get("NO_COLOR") else None


def columns(otherwise: int = WIDTH) -> int:
    """How wide the output may be: as wide as the terminal, ``otherwise`` where it goes to none."""
    try:
        return max(os.get_terminal_size(sys.stdout.fileno()).columns, 1)
    except (AttributeError, OSError, ValueError):  # closed, replaced, or no terminal
        return otherwise
