"""The way to the webhook's replicas, and what becomes of faults on it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import typer

from leadergate.audit.cluster.replicas import CannotRead, Replicas, Where, behind
from leadergate.audit.reading.ending import interruptible
from leadergate.audit.reading.origin import Origin, OutOfReach
from leadergate.audit.telling.plain_text import printable
from leadergate_certs.reach import way
from leadergate_election.connection import ApiConnection, Unreachable
from leadergate_election.credentials import CredentialsFault

T = TypeVar("T")


def reached(origin: Origin, work: Callable[[Replicas], Coroutine[Any, Any, T]]) -> T:
    """What comes of work with the replicas. Raises OutOfReach; a signal that ends the process ends the work first."""
    source = way(origin.kubeconfig, origin.context)
    try:
        access = source.load()
    except CredentialsFault as fault:
        files = "" if origin.kubeconfig or origin.context else "; or give FILEs to read in place of a cluster's logs"
        raise OutOfReach(f"--kubeconfig: {fault}{files}") from fault

    async def connected() -> T:
        connection = ApiConnection(source, access, user_agent="leadergate-audit", on_reload_fault=note)
        try:
            return await work(Replicas(connection, await _where(connection, origin)))
        finally:
            await connection.close()

    try:
        return interruptible(connected())
    except (CannotRead, Unreachable) as fault:
        raise OutOfReach("\n".join(printable(line) for line in str(fault).splitlines())) from fault


def note(text: str) -> None:
    """Tell what happens on the way, on standard error."""
    typer.echo(f"note: {printable(text)}", err=True)


async def _where(connection: ApiConnection, origin: Origin) -> Where:
    if origin.selector:
        return Where(origin.service.namespace, origin.selector, origin.container)
    return await behind(connection, origin.service, origin.container)
