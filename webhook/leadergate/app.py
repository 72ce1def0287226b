"""The composition root: one place that makes every part and hands each what it needs."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from fastapi import FastAPI

from leadergate import __version__
from leadergate.body import BodyBudget
from leadergate.endpoint import ReviewEndpoint
from leadergate.events.metrics import EventMetrics
from leadergate.events.reporter import EventReporter
from leadergate.events.series import RejectionSeries
from leadergate.guard import Guard, LeaseReader
from leadergate.kube import ApiServer
from leadergate.lease_metrics import LeaseMetrics, WatchedReader
from leadergate.leases import CoalescingReader, ReadLimits
from leadergate.metrics import Metrics
from leadergate.model import LeaseKey
from leadergate.nudge_sender import NudgeSender
from leadergate.nudger import Nudger
from leadergate.otlp.compose import copies_for, copying
from leadergate.otlp.copies import Copies
from leadergate.plain import Check, plain_app
from leadergate.records import DescriptorSink, RecordSink
from leadergate.rotating import RotationTask, rotation_task
from leadergate.settings import Settings, SettingsFault
from leadergate.stuck import StuckObjects
from leadergate.stuck_metrics import StuckMetrics
from leadergate.tls import CertificateFault, ServingCertificate
from leadergate_election.connection import ApiConnection
from leadergate_election.credentials import Access, CredentialsFault, CredentialsSource

log: structlog.stdlib.BoundLogger = structlog.get_logger("leadergate")


@dataclass(frozen=True, slots=True)
class Preflight:
    """What had to be read from files before anything could be served."""

    settings: Settings
    metrics: Metrics
    certificate: ServingCertificate
    credentials: CredentialsSource
    access: Access
    copies: Copies | None = None


@dataclass(slots=True)
class Webhook:
    """The composed program; ``endpoint`` is served with TLS, ``plain_app`` without."""

    settings: Settings
    certificate: ServingCertificate
    connection: ApiConnection
    api_server: ApiServer
    reader: CoalescingReader
    endpoint: ReviewEndpoint
    plain_app: FastAPI
    nudger: Nudger | None
    events: EventReporter | None
    rotation: RotationTask | None
    copies: Copies | None

    def leave(self) -> None:
        """Turn unready, ask callers to go elsewhere after their next answer, and leave nudges to other replicas."""
        self.endpoint.leaving = True
        if self.nudger is not None:
            self.nudger.leave()


@dataclass(frozen=True, slots=True)
class _CertificateObserver:
    metrics: Metrics

    def on_load(self, certificate: ServingCertificate) -> None:
        if certificate.not_after is not None:
            self.metrics.certificate(certificate.not_after)

    def on_reload(self, not_after: datetime) -> None:
        self.metrics.certificate(not_after)
        log.info("certificate_taken", not_after=not_after.isoformat())

    def on_fault(self, message: str) -> None:
        self.metrics.certificate_fault()
        log.error("certificate_refused", fault=message, serving="the last good one")


@dataclass(frozen=True, slots=True)
class _ReadObserver:
    metrics: Metrics

    def lease_read(self, key: LeaseKey, outcome: str, seconds: float, requests: int) -> None:
        self.metrics.lease_read(key, outcome, seconds, requests)

    def takeovers_seen(self, key: LeaseKey, count: int) -> None:
        self.metrics.takeovers_seen(key, count)
        log.info("takeover_seen", lease=str(key), count=count)

    def lease_never_expires(self, key: LeaseKey, duration: int | None) -> None:
        log.warning(
            "lease_never_expires",
            lease=str(key),
            lease_duration_seconds=duration,
            remedy="set spec.leaseDurationSeconds (1 to 86400), or a holder that has died stays the holder",
        )


def preflight(settings: Settings) -> Preflight:
    """Load certificate and credentials, and what sends copies of records if one is set.

    Raises:
        SettingsFault: with the faults of all.
    """
    metrics = Metrics()
    source = CredentialsSource(settings.kubeconfig, settings.context, settings.service_account_directory)
    faults: list[str] = []
    certificate: ServingCertificate | None = None
    access: Access | None = None
    observer = _CertificateObserver(metrics)
    try:
        if settings.certs_secret:
            where = f"secret {settings.certs_secret}"
            names = (f"{where}: tls.crt", f"{where}: tls.key")
            certificate = ServingCertificate.awaited(*names, observer=observer, client_ca=settings.client_ca)
        else:
            files = (settings.certificate, settings.key)
            certificate = ServingCertificate.load(*files, observer=observer, client_ca=settings.client_ca)
            observer.on_load(certificate)
    except CertificateFault as fault:
        flag = "--client-ca" if fault.file == settings.client_ca else "--certificate, --key"
        faults.append(f"{flag}: {fault}")
    try:
        access = source.load()
    except CredentialsFault as fault:
        faults.append(f"--kubeconfig: {fault}")
    copies: Copies | None = None
    try:
        copies = copies_for(settings.otlp_endpoint, _pod(settings))
    except SettingsFault as fault:
        faults += fault.faults
    if faults or certificate is None or access is None:
        raise SettingsFault(faults)
    return Preflight(settings, metrics, certificate, source, access, copies)


def _pod(settings: Settings) -> str:
    return settings.pod_name or socket.gethostname()


def _event_reporter(connection: ApiConnection, metrics: Metrics, pod: str) -> EventReporter:
    series = RejectionSeries(time.monotonic())
    counted = EventMetrics(metrics.registry, metrics.gate, series.waiting)
    return EventReporter(series, connection, counted, pod=pod)


def build(
    ready: Preflight,
    *,
    records: RecordSink | None = None,
    read_through: Callable[[LeaseReader], LeaseReader] = lambda reader: reader,
) -> Webhook:
    """Compose the program. Call it inside the event loop that will run it.

    ``records`` replaces standard output as the place where records go; ``read_through`` wraps the Lease reader.
    """
    settings, metrics = ready.settings, ready.metrics
    connection = ApiConnection(
        ready.credentials,
        ready.access,
        user_agent=f"leadergate/{__version__}",
        on_reload_fault=lambda why: log.error("credentials_not_reloaded", fault=why),
    )
    api_server = ApiServer(connection)
    limits = ReadLimits(
        side_by_side=min(2, settings.reads_at_once),
        most_at_once=settings.reads_at_once,
        skew=settings.clock_skew_seconds,
        of_late=settings.former_holder_seconds,
    )
    reader = CoalescingReader(api_server, _ReadObserver(metrics), limits)
    seen_through = WatchedReader(read_through(reader), LeaseMetrics(metrics.registry, metrics.gate))
    stuck = StuckObjects(settings.stuck_objects)
    stuck_metrics = StuckMetrics(
        metrics.registry, metrics.gate, lambda: stuck.counts(time.monotonic()), lambda: stuck.forgotten
    )
    nudger = (
        Nudger(
            stuck,
            seen_through,
            NudgeSender(stuck, connection, per_second=settings.nudge_per_second),
            stuck_metrics,
        )
        if settings.nudge
        else None
    )
    events = _event_reporter(connection, metrics, _pod(settings)) if settings.rejection_events else None
    guard = Guard(
        reader=seen_through,
        records=copying(records or DescriptorSink(sys.stdout.fileno()), ready.copies, metrics.registry),
        observer=metrics,
        wall=lambda: datetime.now(UTC),
        webhook_pod=_pod(settings),
        record_allowed=settings.record_allowed,
        stuck=stuck if settings.stuck_objects else None,
        events=events,
    )
    budget = BodyBudget(settings.max_body_bytes_in_flight)
    endpoint = ReviewEndpoint(
        guard,
        metrics,
        budget=budget,
        max_body=settings.max_body_bytes,
        max_in_flight=settings.max_in_flight,
    )
    metrics.watch_load(in_flight=lambda: endpoint.in_flight, body_bytes=lambda: budget.held)
    rotation = rotation_task(settings, connection, ready.certificate, metrics.registry)
    checks = [
        Check("shutdown", lambda: "this process is about to end" if endpoint.leaving else ""),
        Check("certificate", lambda: ready.certificate.fault),
        Check("api-server", lambda: "" if api_server.answered else "the API server has not answered yet"),
    ]
    return Webhook(
        settings,
        ready.certificate,
        connection,
        api_server,
        reader,
        endpoint,
        plain_app(checks, metrics.text),
        nudger,
        events,
        rotation,
        ready.copies,
    )
