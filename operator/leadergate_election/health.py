"""Health: a leader that has neither renewed nor stopped must be restarted."""

from __future__ import annotations

from leadergate_election.elector import Elector

TOLERATED_SECONDS = 20.0


class LeaderHealthzAdaptor:
    """Fails when the process believes that it leads and its Lease has been expired for longer than ``timeout`` seconds.

    That comes of a blocked event loop, or of an ``on_started_leading`` that does not end when it is cancelled
    (client-go, ``HealthzAdaptor``). Mount it at ``/healthz``; serve it from another thread than the elector's if that
    loop may block.
    """

    def __init__(self, elector: Elector, timeout: float = TOLERATED_SECONDS) -> None:
        self._elector = elector
        self._timeout = timeout

    def check(self) -> str:
        """Empty when healthy, else why not. From any thread."""
        expired = self._elector.expired_for
        if expired is None or expired <= self._timeout:
            return ""
        return (
            f"this process has not stopped leading on Lease {self._elector.settings}, which expired {expired:.0f} s ago"
        )
