"""What a rotation counts, in Prometheus form."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge

from leadergate_certs.state import Phase, State
from leadergate_certs.steps import Change


class RotationMetrics:
    """The rotation's metrics on ``registry``; every label has a fixed set of values."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._steps = Counter(
            "leadergate_certificate_steps", "Steps of rotations that this replica made.", ["step"], registry=registry
        )
        self._not_after = Gauge(
            "leadergate_certificate_not_after_seconds",
            "When the Secret's certificates end, in seconds since the epoch: the leaf, the newest authority, and the"
            " trusted authority that ends first.",
            ["which"],
            registry=registry,
        )
        self._authorities = Gauge(
            "leadergate_certificate_authorities", "Authorities that callers are told to trust.", registry=registry
        )
        self._phase = Gauge(
            "leadergate_certificate_phase", "1 for the phase that the rotation is in.", ["phase"], registry=registry
        )
        self._untrusting = Gauge(
            "leadergate_certificate_untrusting_configurations",
            "Labelled webhook configurations that lack the newest authority.",
            registry=registry,
        )
        self._injections = Counter(
            "leadergate_certificate_injections", "Configurations whose bundles were written.", registry=registry
        )
        self._contested = Counter(
            "leadergate_certificate_contested",
            "Times that a configuration turned out to be overwritten by others again and again.",
            registry=registry,
        )
        self._restored = Counter(
            "leadergate_certificate_restored",
            "Times that the Secret was gone or damaged and was written again from memory.",
            registry=registry,
        )
        self._faults = Counter(
            "leadergate_certificate_faults", "Looks or writes that failed and are tried again.", registry=registry
        )

    def stepped(self, change: Change) -> None:
        """One change was written."""
        self._steps.labels(type(change).__name__).inc()

    def restored(self) -> None:
        """The Secret was written again from memory."""
        self._restored.inc()

    def injected(self) -> None:
        """A configuration's bundles were written."""
        self._injections.inc()

    def contested(self) -> None:
        """A configuration is contested."""
        self._contested.inc()

    def fault(self) -> None:
        """Something failed."""
        self._faults.inc()

    def stands(self, state: State, untrusting: Sequence[str]) -> None:
        """Where the rotation stands."""
        ends = [one.certificate.not_valid_after_utc.timestamp() for one in state.authorities]
        self._not_after.labels("leaf").set(state.pair.certificate.not_valid_after_utc.timestamp())
        self._not_after.labels("authority").set(ends[0])
        self._not_after.labels("first-authority-to-end").set(min(ends))
        self._authorities.set(len(ends))
        self._untrusting.set(len(untrusting))
        for phase in Phase:
            self._phase.labels(phase).set(phase is state.phase)
