"""Leader election by the client library's own elector, kept alive.

Its faults, read in ``kubernetes`` 37 and left as they are: the wall clock decides; ``leaseTransitions`` never rises;
the Lease is not released at the end; there is no jitter; it cannot be stopped; and any error but an HTTP answer, such
as a refused connection, ends it. The last one would leave a replica without election for good, so it is begun anew
here. Requests end in time because the client that is handed in bounds them.

In this operator leadership gates nothing: it is only logged and reported.
"""

from __future__ import annotations

import threading

import structlog
from kubernetes.client import ApiClient, CoordinationV1Api
from kubernetes.leaderelection.electionconfig import Config
from kubernetes.leaderelection.leaderelection import LeaderElection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock

from leadergate_operator.cluster import API_ERRORS, describe
from leadergate_operator.settings import ElectionSettings

_log = structlog.get_logger()


class Elector:
    """Takes part in the election on a daemon thread, in the name of ``identity``, until the process ends."""

    def __init__(self, client: ApiClient, namespace: str, identity: str, settings: ElectionSettings) -> None:
        self._client = client
        self._namespace = namespace
        self._identity = identity
        self._settings = settings
        self._leading = threading.Event()
        self._election: LeaderElection | None = None

    @property
    def is_leader(self) -> bool:
        """Whether this process believes that it leads; a paused process goes on believing so."""
        return self._leading.is_set()

    @property
    def leader(self) -> str | None:
        """The holder of the Lease as last seen by this process."""
        record = self._election.observed_record if self._election else None
        return record.holder_identity if record else None

    def start(self) -> None:
        """Begin. Returns at once."""
        threading.Thread(target=self._run, name="elector", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._election = LeaderElection(self._config())
            try:
                self._election.run()
            except API_ERRORS as error:
                _log.warning("election_failed", lease=self._settings.lease_name, message=describe(error))
            self._lost()
            pause.wait(self._settings.retry_period)

    def _config(self) -> Config:
        lock = LeaseLock(self._settings.lease_name, self._namespace, self._identity)
        # The lock takes no client: it would make one by the process-wide default configuration.
        lock.api_instance = CoordinationV1Api(self._client)
        return Config(
            lock,
            lease_duration=self._settings.lease_duration,
            renew_deadline=self._settings.renew_deadline,
            retry_period=self._settings.retry_period,
            onstarted_leading=self._won,
            onstopped_leading=self._lost,
        )

    def _won(self) -> None:
        self._leading.set()
        _log.info("leading", lease=self._settings.lease_name)

    def _lost(self) -> None:
        if self._leading.is_set():
            self._leading.clear()
            _log.info("following", lease=self._settings.lease_name)
