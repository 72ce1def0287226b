"""Options that the command lines of those who stand for election have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

LeaseName = Annotated[str, typer.Option(help="The Lease that the replicas elect a leader by.")]
LeaseDuration = Annotated[
    float, typer.Option(help="Seconds after which others may take a Lease that is not renewed; a whole number.")
]
RenewDeadline = Annotated[float, typer.Option(help="Seconds after which a leader that cannot renew gives up leading.")]
RetryPeriod = Annotated[float, typer.Option(help="Seconds between two attempts to get or keep the Lease.")]
