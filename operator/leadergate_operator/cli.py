"""The command line."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from leadergate_operator import logs
from leadergate_operator.cluster import ClusterFault, connect
from leadergate_operator.replica import operate
from leadergate_operator.settings import Address, ElectionSettings, Settings, check, parse_address

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A sample operator: every replica serves the cluster's Redirects over HTTP and writes their status.",
)


@app.callback()
def _commands() -> None:
    """Keeps ``run`` a command of its own, so that others can stand beside it."""


@app.command()
def run(
    pod_name: Annotated[str, typer.Option(envvar="POD_NAME", help="This replica's Pod; its identity in the election.")],
    namespace: Annotated[str, typer.Option(envvar="POD_NAMESPACE", help="Where the Redirects and the Lease are.")],
    kubeconfig: Annotated[
        Path | None,
        typer.Option(envvar="KUBECONFIG", help="How to reach the API server; without it, the Pod's service account."),
    ] = None,
    listen: Annotated[
        str, typer.Option(help="Address for HTTP, as host:port. Port 0 takes a free one and logs it.")
    ] = "127.0.0.1:0",
    lease_name: Annotated[str, typer.Option(help="The Lease that the replicas elect a leader by.")] = "operator-lock",
    lease_duration: Annotated[
        int, typer.Option(help="Seconds after which others may take a Lease that is not renewed.")
    ] = 15,
    renew_deadline: Annotated[
        int, typer.Option(help="Seconds after which a leader that cannot renew gives up leading.")
    ] = 10,
    retry_period: Annotated[int, typer.Option(help="Seconds between two attempts to get or keep the Lease.")] = 2,
    resync_seconds: Annotated[
        float, typer.Option(help="Seconds between two writes of a status that nothing has changed.")
    ] = 30.0,
    workers: Annotated[int, typer.Option(help="Status writes at one time.")] = 2,
) -> None:
    """Run one replica until SIGTERM.

    It watches all Redirects of its namespace, serves GET {spec.path} as a redirect to spec.target, and writes each
    Redirect's status when its spec changes and at every resync. All replicas do so: leadership is only reported.

    GET /table shows what is programmed, /healthz who leads, /readyz whether the Redirects have been listed.
    The log is one JSON object a line on stderr: "serving" carries the address, "status_write" each write's outcome.
    """
    faults: list[str] = []
    address = Address("127.0.0.1", 0)
    try:
        address = parse_address(listen)
    except ValueError as error:
        faults.append(f"--listen={listen!r}: {error}")
    election = ElectionSettings(lease_name, lease_duration, renew_deadline, retry_period)
    settings = Settings(pod_name, namespace, kubeconfig, address, election, resync_seconds, workers)
    faults += check(settings)
    if faults:
        _refuse(*faults)
    try:
        client = connect(settings.kubeconfig)
    except ClusterFault as fault:
        _refuse(str(fault))
    logs.configure(pod_name)
    try:
        asyncio.run(operate(settings, client))
    except OSError as error:
        _refuse(f"--listen={listen!r}: {error.strerror}; expected a free address of this machine")


def _refuse(*faults: str) -> NoReturn:
    for fault in faults:
        typer.echo(f"leadergate-operator: {fault}", err=True)
    raise typer.Exit(2)


def main() -> None:
    """Entry point of ``leadergate-operator``."""
    app()
