"""Composes the webhook's part in the rotation of its own certificates: the two packages meet here alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from cryptography import x509
from prometheus_client import CollectorRegistry

from leadergate.certs_settings import CertsSettings, listed, parse_endpoint
from leadergate.tls import ServingCertificate
from leadergate.tls_pair import PairBytes
from leadergate_certs.cluster import Address, Cluster
from leadergate_certs.issue import ServingPair
from leadergate_certs.loop import Rotation
from leadergate_certs.metrics import RotationMetrics
from leadergate_certs.probe import served
from leadergate_certs.rotation import Policy
from leadergate_certs.state import State, fingerprint
from leadergate_certs.steps import Change
from leadergate_certs.wake import wake_on_change
from leadergate_election.connection import ApiConnection

log: structlog.stdlib.BoundLogger = structlog.get_logger("leadergate")


@dataclass(frozen=True, slots=True)
class RotationTask:
    """A rotation and the watches that wake it."""

    rotation: Rotation
    connection: ApiConnection
    watched: Sequence[str]

    async def run(self) -> None:
        """Run until cancelled."""
        wake = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(wake_on_change(self.connection, self.watched, wake, _watch_broken))
            group.create_task(self.rotation.run(wake))


def _watch_broken(path: str, why: str) -> None:
    resource = path.partition("?")[0].rpartition("/")[2]
    log.warning(
        "certificate_watch_broken", resource=resource, fault=why, until_then="changes are seen late, by looking"
    )


def rotation_task(
    settings: CertsSettings, connection: ApiConnection, certificate: ServingCertificate, registry: CollectorRegistry
) -> RotationTask | None:
    """The rotation that the settings ask for, None when they name no Secret."""
    if not settings.certs_secret:
        return None
    namespace, _, name = settings.certs_secret.partition("/")
    cluster = Cluster(connection, namespace, name)
    policy = Policy(
        names=settings.serving_names(),
        propagation=settings.certs_propagation,
        leaf_lifetime=settings.certs_leaf_lifetime,
        authority_lifetime=settings.certs_authority_lifetime,
        algorithm=settings.certs_algorithm,
    )
    endpoints = [Address(*parse_endpoint(text), ready=True) for text in listed(settings.certs_endpoints)]

    async def look() -> Sequence[Address]:
        return endpoints or await cluster.addresses(settings.certs_service)

    rotation = Rotation(
        cluster,
        policy,
        _Serving(certificate),
        _Observer(RotationMetrics(registry)),
        look=look,
        probe=served,
        clock=lambda: datetime.now(UTC),
        acts=settings.certs_rotate,
    )
    watched = cluster.watched if settings.certs_rotate else cluster.watched[:1]
    return RotationTask(rotation, connection, watched)


class _Serving:
    """The serving certificate, as a rotation sees it."""

    def __init__(self, certificate: ServingCertificate) -> None:
        self._certificate = certificate
        self._held: x509.Certificate | None = None

    @property
    def held(self) -> x509.Certificate | None:
        return self._held

    async def take(self, pair: ServingPair) -> None:
        await self._certificate.take(PairBytes(pair.certificate_pem, pair.key_pem))
        now_served = self._certificate.pair
        if now_served is not None and now_served.certificate == pair.certificate_pem:
            self._held = pair.certificate


class _Observer:
    """Logs and counts. What repeats itself is logged once."""

    def __init__(self, metrics: RotationMetrics) -> None:
        self._metrics = metrics
        self._stood = ""
        self._fault = ""

    def stepped(self, change: Change, state: State) -> None:
        self._metrics.stepped(change)
        log.info(
            "certificate_step",
            step=type(change).__name__,
            why=getattr(change, "why", ""),
            phase=state.phase,
            leaf=fingerprint(state.pair.certificate)[:16],
            authorities=[one.fingerprint[:16] for one in state.authorities],
        )

    def restored(self, fault: str) -> None:
        self._metrics.restored()
        log.warning("certificate_secret_restored", fault=fault)

    def injected(self, configuration: str) -> None:
        self._metrics.injected()
        log.info("ca_bundle_injected", configuration=configuration)

    def contested(self, configuration: str, managers: Sequence[str]) -> None:
        self._metrics.contested()
        log.warning(
            "ca_bundle_contested",
            configuration=configuration,
            managers=list(managers),
            remedy="let none of these set caBundle: leave the field out of the manifest",
        )

    def stands(self, state: State, untrusting: Sequence[str], waiting: str) -> None:
        self._fault = ""
        self._metrics.stands(state, untrusting)
        stands = f"{state.phase}: {waiting}"
        if stands != self._stood:
            self._stood = stands
            log.info("certificate_rotation", phase=state.phase, waiting=waiting, untrusting=list(untrusting))

    def fault(self, message: str) -> None:
        self._metrics.fault()
        if message != self._fault:
            self._fault = message
            log.error("certificate_rotation_fault", fault=message)
