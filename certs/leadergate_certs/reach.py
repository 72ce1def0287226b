"""How the commands reach a cluster, and the options for it that they share."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer

from leadergate_certs.calls import ClusterFault
from leadergate_certs.cluster import Cluster
from leadergate_election.connection import ApiConnection
from leadergate_election.credentials import CredentialsFault, CredentialsSource

Result = TypeVar("Result")

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
DEFAULT_SECRET = "leadergate-system/leadergate-tls"  # noqa: S105 - the name of one
DEFAULT_SERVICE = "leadergate"

SecretOption = Annotated[
    str, typer.Option(envvar="LEADERGATE_CERTS_SECRET", help="NAMESPACE/NAME of the Secret of `leadergate serve`.")
]
ServiceOption = Annotated[
    str, typer.Option(envvar="LEADERGATE_CERTS_SERVICE", help="The Service in front of the webhook.")
]
EndpointsOption = Annotated[
    str,
    typer.Option(
        envvar="LEADERGATE_CERTS_ENDPOINTS", help="Addresses of the replicas as HOST:PORT,…, in place of a Service."
    ),
]
KubeconfigOption = Annotated[
    Path | None,
    typer.Option(help="kubeconfig; default: $KUBECONFIG, then ~/.kube/config, then the Pod's service account."),
]
DialPodsOption = Annotated[
    bool | None,
    typer.Option(
        "--dial-pods/--no-dial-pods",
        help="Shake hands with the replicas at their pods' addresses. Default: only inside of the cluster, because"
        " elsewhere these addresses may be anybody's.",
    ),
]
ContextOption = Annotated[str | None, typer.Option(help="Context of the kubeconfig; default: its current one.")]


@dataclass(frozen=True)
class Reach:
    """A Secret's name and the way to its cluster, as options gave them."""

    secret: str
    kubeconfig: Path | None
    context: str | None

    def run(self, work: Callable[[Cluster], Awaitable[Result]]) -> Result:
        """Do some work on the cluster; a fault ends the command with 2."""
        namespace, slash, name = self.secret.partition("/")
        if not slash or not namespace or not name or "/" in name:
            refuse(f"--secret: {self.secret!r}: expected NAMESPACE/NAME")
        source = way(self.kubeconfig, self.context)
        try:
            access = source.load()
        except CredentialsFault as fault:
            refuse(f"--kubeconfig: {fault}")

        async def connected() -> Result:
            connection = ApiConnection(
                source, access, user_agent="leadergate-certs", on_reload_fault=lambda why: typer.echo(why, err=True)
            )
            try:
                return await work(Cluster(connection, namespace, name))
            finally:
                await connection.close()

        try:
            return asyncio.run(connected())
        except ClusterFault as fault:
            refuse(str(fault))


def refuse(message: str) -> NoReturn:
    """End the command with 2 and one line."""
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(2)


def dials_pods(asked: bool | None, source: CredentialsSource) -> bool:
    """Whether pods are called: as was asked, else inside of the cluster, where no kubeconfig leads elsewhere."""
    return source.kubeconfig is None if asked is None else asked


def way(kubeconfig: Path | None, context: str | None) -> CredentialsSource:
    """The way to the cluster that kubectl would take, else the Pod's own. Of several files in $KUBECONFIG the first."""
    named = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    if kubeconfig is None:
        kubeconfig = Path(named) if named else _in_the_home_folder()
    return CredentialsSource(kubeconfig, context, SERVICE_ACCOUNT)


def _in_the_home_folder() -> Path | None:
    try:
        usual = Path.home() / ".kube" / "config"
    except RuntimeError:  # a user that has none, as in many containers
        return None
    return usual if usual.is_file() else None
