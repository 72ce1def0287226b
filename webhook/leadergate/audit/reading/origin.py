"""Where the cluster is whose webhook wrote the records, for commands that are given no files. Plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from leadergate.audit.reading.follow import Unreadable
from leadergate.gates.reading import DEFAULT_SERVICE
from leadergate.gates.spec import Service

MARGIN = timedelta(minutes=1)
"""So much more than was asked for is fetched: a line's time is when its node took it, by a clock that may be set."""


class OutOfReach(Unreadable):
    """The cluster's records cannot be read; the message says why, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The webhook's replicas in the cluster of a kubeconfig: those behind a Service.

    ``selector`` names their labels in place of the Service, in its namespace; ``container`` the one in each pod.
    ``since`` leaves out lines that are older by more than ``margin``; None: all that nodes still have.
    """

    service: Service = field(default=DEFAULT_SERVICE)
    selector: str = ""
    container: str = ""
    kubeconfig: Path | None = None
    context: str | None = None
    since: datetime | None = None
    margin: timedelta = MARGIN

    @property
    def begin(self) -> datetime | None:
        """From where on lines are fetched."""
        return None if self.since is None else self.since - self.margin
