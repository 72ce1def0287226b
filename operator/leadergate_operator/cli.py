"""The command line."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from leadergate_election.address import parse_address
from leadergate_election.credentials import CredentialsFault, CredentialsSource
from leadergate_election.options import SERVICE_ACCOUNT, LeaseDuration, LeaseName, RenewDeadline, RetryPeriod
from leadergate_election.settings import ElectionFault, ElectionSettings
from leadergate_operator import logs
from leadergate_operator.cluster import ClusterFault, connect
from leadergate_operator.gating import StatusGate
from leadergate_operator.replica import Credentials, operate
from leadergate_operator.settings import LOG_LEVELS, Settings, faults_of

_OPTION_OF = {
    "namespace": "--namespace",
    "identity": "--pod-name",
    "name": "--lease-name",
    "lease_duration": "--lease-duration",
    "renew_deadline": "--renew-deadline",
    "retry_period": "--retry-period",
    "drain_seconds": "--drain-seconds",
}

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
    status_gate: Annotated[
        StatusGate,
        typer.Option(
            help="What keeps a stale status from being written. server: a leadergate gate on redirects/status; every"
            " replica writes, and a rejection is an expected answer. client: a replica writes only while it believes"
            " that it leads, which a pause between that check and the commit defeats. both: the one and the other."
        ),
    ] = StatusGate.SERVER,
    lease_name: LeaseName = "operator-lock",
    lease_duration: LeaseDuration = 15,
    renew_deadline: RenewDeadline = 10,
    retry_period: RetryPeriod = 2,
    election_sidecar: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where `leadergate elect` beside it tells who leads, http://127.0.0.1:4040/leader; this process then"
            " stands in no election itself.",
        ),
    ] = None,
    resync_seconds: Annotated[
        float, typer.Option(help="Seconds between two writes of a status that nothing has changed.")
    ] = 30.0,
    workers: Annotated[int, typer.Option(help="Status writes at one time.")] = 4,
    write_timeout: Annotated[float, typer.Option(help="Seconds that a status write may take.")] = 5.0,
    log_level: Annotated[str, typer.Option(help=f"Of the log: {', '.join(LOG_LEVELS)}.")] = "info",
) -> None:
    """Run one replica until SIGTERM.

    It watches all Redirects of its namespace, serves GET {spec.path} as a redirect to spec.target, and writes each
    Redirect's status when its spec changes, at every resync, and when it becomes leader. All replicas serve; whose
    status counts is decided as --status-gate says.

    GET /table shows what is programmed, /healthz who leads, /readyz whether the Redirects have been listed, /metrics
    what was counted. The log is one JSON object a line on stderr: "serving" carries the address, "status_write" each
    write's outcome.
    """
    faults = faults_of(
        resync_seconds=resync_seconds,
        workers=workers,
        write_seconds=write_timeout,
        log_level=log_level,
        pod_name=pod_name,
        sidecar=election_sidecar,
    )
    address, election = None, None
    try:
        address = parse_address(listen)
    except ValueError as error:
        faults.append(f"--listen={listen!r}: {error}")
    try:
        election = ElectionSettings(namespace, pod_name, lease_name, lease_duration, renew_deadline, retry_period)
    except ElectionFault as fault:
        faults += [_by_option(text) for text in str(fault).split("; ")]
    if faults or address is None or election is None:
        _refuse(*faults)
    settings = Settings(
        election, kubeconfig, address, status_gate, resync_seconds, workers, write_timeout, election_sidecar
    )
    credentials = _credentials(kubeconfig)
    logs.configure(pod_name, log_level)
    try:
        asyncio.run(operate(settings, credentials))
    except OSError as error:
        _refuse(f"--listen={listen!r}: {error.strerror}; expected a free address of this machine")


def _credentials(kubeconfig: Path | None) -> Credentials:
    source = CredentialsSource(kubeconfig, None, SERVICE_ACCOUNT)
    try:
        return Credentials(connect(kubeconfig), source, source.load())
    except (ClusterFault, CredentialsFault) as fault:
        _refuse(str(fault))


def _by_option(fault: str) -> str:
    """A fault of the election's settings, by the names that the command line knows them by."""
    names = "|".join(_OPTION_OF)
    named = re.sub(rf"^({names})\b", lambda found: _OPTION_OF[found[1]], fault)
    return re.sub(r"\b(\w+_\w+)\b", lambda found: _OPTION_OF.get(found[1], found[1]), named)


def _refuse(*faults: str) -> NoReturn:
    for fault in faults:
        typer.echo(f"leadergate-operator: {fault}", err=True)
    raise typer.Exit(2)


def main() -> None:
    """Entry point of ``leadergate-operator``."""
    app()
