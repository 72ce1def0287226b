"""The Lease as an elector reads and writes it: the whole object is kept, so that nothing unknown is lost.

What is written follows client-go's ``resourcelock/leaselock.go``, but for one thing: there ``strategy`` and
``preferredHolder`` are dropped by an elector that does not know them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Manifest = Mapping[str, Any]

RELEASED_SECONDS = 1
"""The duration of a Lease that nobody holds (client-go, ``release``)."""


class NoLease(ValueError):
    """An answer that is no Lease; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A Lease as read. ``manifest`` is never changed."""

    manifest: Manifest

    @classmethod
    def parse(cls, body: bytes) -> Lease:
        """From the body of an answer.

        Raises:
            NoLease: it is no Lease.
        """
        try:
            manifest = json.loads(body)
        except ValueError as error:
            raise NoLease(f"the answer is no JSON: {error}") from error
        if not isinstance(manifest, dict) or manifest.get("kind") != "Lease":
            raise NoLease("the answer is no Lease")
        if not isinstance(manifest.get("metadata"), dict) or not isinstance(manifest.get("spec", {}), dict):
            raise NoLease("the answer is a Lease without metadata, or with a spec that is no object")
        return cls(manifest)

    @property
    def spec(self) -> Manifest:
        """All of the spec, unknown fields included."""
        spec: Manifest = self.manifest.get("spec") or {}
        return spec

    @property
    def metadata(self) -> Manifest:
        """All of the metadata."""
        metadata: Manifest = self.manifest["metadata"]
        return metadata

    @property
    def holder(self) -> str:
        """The identity that holds it; empty for nobody."""
        return str(self.spec.get("holderIdentity") or "")

    @property
    def renew_time(self) -> str:
        """When the holder renewed it, by the holder's clock: it tells renewals apart, no more."""
        return str(self.spec.get("renewTime") or "")

    @property
    def duration(self) -> int | None:
        """For how many seconds a renewal is good; None when the Lease does not say."""
        found = self.spec.get("leaseDurationSeconds")
        return found if isinstance(found, int) else None

    @property
    def transitions(self) -> int:
        """How often the holder has changed."""
        found = self.spec.get("leaseTransitions")
        return found if isinstance(found, int) else 0

    def with_spec(self, **fields: Any) -> bytes:
        """The body of a write that changes these fields of the spec and keeps all else, its ``resourceVersion`` too."""
        return json.dumps({**self.manifest, "spec": {**self.spec, **fields}}).encode()


def microtime(at: datetime) -> str:
    """A moment as ``metav1.MicroTime`` has it: UTC, six digits of a second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def created(namespace: str, name: str, identity: str, duration: int, at: str) -> bytes:
    """The body of the write that makes the Lease. ``at`` is a :func:`microtime`."""
    return json.dumps(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"namespace": namespace, "name": name},
            "spec": {
                "holderIdentity": identity,
                "leaseDurationSeconds": duration,
                "acquireTime": at,
                "renewTime": at,
                "leaseTransitions": 0,
            },
        }
    ).encode()


def renewed(lease: Lease, duration: int, at: str) -> bytes:
    """The body of a renewal by the holder: ``acquireTime`` and ``leaseTransitions`` stay."""
    return lease.with_spec(
        leaseDurationSeconds=duration,
        acquireTime=lease.spec.get("acquireTime") or at,
        renewTime=at,
        leaseTransitions=lease.transitions,
    )


def acquired(lease: Lease, identity: str, duration: int, at: str) -> bytes:
    """The body of the write that takes the Lease: one more transition, unless it was held in the same name."""
    return lease.with_spec(
        holderIdentity=identity,
        leaseDurationSeconds=duration,
        acquireTime=at,
        renewTime=at,
        leaseTransitions=lease.transitions + (lease.holder != identity),
    )


def released(lease: Lease, at: str) -> bytes:
    """The body of the write by which the holder gives the Lease back (client-go, ``release``)."""
    return lease.with_spec(
        holderIdentity="",
        leaseDurationSeconds=RELEASED_SECONDS,
        acquireTime=at,
        renewTime=at,
        leaseTransitions=lease.transitions,
    )
