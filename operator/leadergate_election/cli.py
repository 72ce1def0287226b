"""The sidecar's command line: ``leadergate elect``, or ``python -m leadergate_election``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from leadergate_election.options import SERVICE_ACCOUNT, LeaseDuration, LeaseName, RenewDeadline, RetryPeriod

_LEVELS = ("debug", "info", "warning", "error")


def elect(
    identity: Annotated[
        str,
        typer.Option(
            envvar="POD_NAME",
            help="Name of this Pod, from the downward API (metadata.name): the holder that a gate compares with.",
        ),
    ],
    namespace: Annotated[
        str,
        typer.Option(envvar="POD_NAMESPACE", help="Where the Lease is (downward API, metadata.namespace)."),
    ],
    lease_name: LeaseName = "operator-lock",
    while_healthy: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The operator's health, e.g. http://127.0.0.1:8080/healthz. Stand only while it answers 200 to 399, "
            "and resign when it stops. Without it, stand as long as this process runs.",
        ),
    ] = None,
    health_period: Annotated[float, typer.Option(help="Seconds between two questions after its health.")] = 1.0,
    health_timeout: Annotated[float, typer.Option(help="Seconds that an answer may take.")] = 1.0,
    health_failures: Annotated[int, typer.Option(help="Failures in a row before it resigns.")] = 3,
    lease_duration: LeaseDuration = 15,
    renew_deadline: RenewDeadline = 10,
    retry_period: RetryPeriod = 2,
    listen: Annotated[
        str, typer.Option(help="Address for plain HTTP, as host:port. Port 0 takes a free one and logs it.")
    ] = "0.0.0.0:4040",
    expired_tolerance: Annotated[
        float, typer.Option(help="Seconds after the Lease's expiry at which /healthz fails if it has not stopped.")
    ] = 20.0,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="How to reach the API server; without it, the Pod's service account.")
    ] = None,
    context: Annotated[str | None, typer.Option(help="Context of the kubeconfig; default: its current one.")] = None,
    service_account_directory: Annotated[
        Path, typer.Option(help="Where the Pod's service account is mounted.")
    ] = SERVICE_ACCOUNT,
    log_level: Annotated[str, typer.Option(help="Log level of stderr: debug, info, warning, error.")] = "info",
) -> None:
    """Take part in a leader election in the name of this Pod: a sidecar for an operator that has no election.

    The operator itself stays as it is: every replica writes status, and a gate at /enforce/NAMESPACE/LEASE-NAME lets
    through the writes of the pod that holds the Lease. On SIGTERM the sidecar releases the Lease, so that another
    replica leads after one retry period; run it as a native sidecar (an init container with restartPolicy: Always),
    which Kubernetes ends only after the operator's own container.

    GET /leader tells who leads: {"name": holder or null, "identity": this pod, "isLeader": ..., "standing": ...}.
    GET /healthz fails when this process has not stopped leading long after its Lease expired; GET /metrics counts.
    The log is one JSON object a line on stderr. RBAC: get, create and update on leases; create on events.
    """
    # Imported here: what only asks for --help should not wait for it.
    from leadergate_election.address import parse_address
    from leadergate_election.credentials import CredentialsFault, CredentialsSource
    from leadergate_election.elect import Plan
    from leadergate_election.elect import elect as run
    from leadergate_election.logs import set_up
    from leadergate_election.operator_health import Probe
    from leadergate_election.settings import ElectionFault, ElectionSettings

    faults: list[str] = []
    election, probe, access, address = None, None, None, None
    try:
        election = ElectionSettings(
            namespace, identity, lease_name, lease_duration, renew_deadline, retry_period, drain_seconds=0.0
        )
    except ElectionFault as fault:
        faults += str(fault).split("; ")
    try:
        probe = Probe(while_healthy, health_period, health_timeout, health_failures) if while_healthy else None
    except ValueError as fault:
        faults += str(fault).split("; ")
    try:
        address = parse_address(listen)
    except ValueError as fault:
        faults.append(f"--listen: {listen!r}: {fault}")
    if log_level not in _LEVELS:
        faults.append(f"--log-level: {log_level!r}: expected one of {', '.join(_LEVELS)}")
    if context is not None and kubeconfig is None:
        faults.append(f"--context: {context!r}: needs a kubeconfig: set --kubeconfig as well, or leave it out")
    if expired_tolerance < 0:
        faults.append(f"--expired-tolerance: {expired_tolerance:g}: expected 0 seconds or more")
    credentials = CredentialsSource(kubeconfig, context, service_account_directory)
    try:
        access = credentials.load()
    except CredentialsFault as fault:
        faults.append(f"--kubeconfig: {fault}")
    if faults or election is None or access is None or address is None:
        _refuse(faults)
    set_up(log_level)
    try:
        asyncio.run(run(Plan(election, probe, credentials, access, address, expired_tolerance)))
    except OSError as error:
        _refuse([f"--listen: {listen!r}: {error.strerror}; expected a free address of this machine"])


def _refuse(faults: list[str]) -> NoReturn:
    typer.echo(f"leadergate elect cannot start; {len(faults)} setting(s) to mend:", err=True)
    for fault in faults:
        typer.echo(f"  - {fault}", err=True)
    raise typer.Exit(2)


def main() -> None:
    """Run the sidecar as a program of its own."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")
    app.command()(elect)
    app(prog_name="python -m leadergate_election")
