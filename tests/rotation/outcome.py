"""How a rotation under load has to come out."""

from __future__ import annotations

from leadergate_lab.certs.dialer import Dialer
from leadergate_lab.certs.load import StatusLoad

ADMITTED = 40
DIALLED = 10


def went_well(load: StatusLoad, dialer: Dialer) -> None:
    """Enough was tried, and nothing failed."""
    load.wait_admitted(ADMITTED)
    dialer.wait_succeeded(DIALLED)
    assert not load.failures, load.told()
    assert not dialer.failures, dialer.told()
