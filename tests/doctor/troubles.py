"""What can be broken in the clinic, and how it is put right."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from leadergate_certs.issue import issue_authority, issue_serving_pair
from leadergate_certs.names import ServingNames
from leadergate_certs.secret import encode
from leadergate_certs.state import first_state
from leadergate_lab.processes import wait_until

from .clinic import Clinic
from .objects import FOREIGN, GROUP, RBAC, REGISTRATION
from .sick import nowhere, rule

Breaking = Callable[[Clinic], AbstractContextManager[Any]]
SICK = "third.example.org"
INSTALLATION, GATE = "installation", "gate"
UUID = "0f9a7d0c-6b1e-4a52-9a66-6a1f0f2f9d11"


@dataclass(frozen=True)
class Trouble:
    """A finding, and what provokes it. ``says`` and ``remedy`` are parts; ``more`` are flags that it takes."""

    check: str
    level: str
    about: str
    says: str
    remedy: str
    broken: Breaking
    more: Callable[[Clinic], list[str]] = lambda clinic: []

    def __str__(self) -> str:
        return f"{self.check}: {self.says}"


def holder(identity: str, **how: Any) -> Breaking:
    """The Lease is held by somebody else, or otherwise."""

    @contextmanager
    def broken(clinic: Clinic) -> Iterator[None]:
        clinic.lease(identity, **how)
        try:
            yield
        finally:
            clinic.lease()

    return broken


def pod(**spec: Any) -> Breaking:
    """The follower's Pod is made otherwise."""

    @contextmanager
    def broken(clinic: Clinic) -> Iterator[None]:
        clinic.pod("operator-1", **spec)
        try:
            yield
        finally:
            clinic.pod("operator-1")

    return broken


def without(path: Callable[[Clinic], str], again: Callable[[Clinic], dict[str, Any]]) -> Breaking:
    """Something is deleted."""

    @contextmanager
    def broken(clinic: Clinic) -> Iterator[None]:
        manifest = again(clinic)
        clinic.delete(path(clinic))
        try:
            yield
        finally:
            clinic.apply(manifest)

    return broken


def changed(
    change: Callable[[Clinic], list[dict[str, Any]]], back: Callable[[Clinic], list[dict[str, Any]]]
) -> Breaking:
    """Something is applied otherwise."""

    @contextmanager
    def broken(clinic: Clinic) -> Iterator[None]:
        clinic.apply(*change(clinic))
        try:
            yield
        finally:
            clinic.apply(*back(clinic))

    return broken


def foreign(how: Callable[[Clinic], dict[str, Any]], *, kind: str = "validating") -> Breaking:
    """Somebody else's webhook is there."""

    @contextmanager
    def broken(clinic: Clinic) -> Iterator[None]:
        clinic.apply(how(clinic))
        try:
            yield
        finally:
            clinic.delete(f"/apis/{REGISTRATION}/v1/{kind}webhookconfigurations/{FOREIGN}")

    return broken


@contextmanager
def mutating(clinic: Clinic) -> Iterator[None]:
    """A gate that is a mutating webhook."""
    clinic.apply({**clinic.sick(SICK), "kind": "MutatingWebhookConfiguration"})
    try:
        yield
    finally:
        clinic.delete(f"/apis/{REGISTRATION}/v1/mutatingwebhookconfigurations/{SICK}")


@contextmanager
def no_lease(clinic: Clinic) -> Iterator[None]:
    """The Lease is deleted."""
    clinic.cluster.delete_lease(clinic.writers, "lock")
    try:
        yield
    finally:
        clinic.lease()


@contextmanager
def no_right(clinic: Clinic) -> Iterator[None]:
    """The webhook may no longer read the Lease."""
    kept = {}
    for name in (clinic.gate, clinic.quiet):
        path = f"/apis/{RBAC}/v1/namespaces/{clinic.writers}/rolebindings/{name}"
        found = clinic.cluster.get(path)
        kept[name] = {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "roleRef": found["roleRef"]}
        kept[name] |= {"metadata": {"namespace": clinic.writers, "name": name}, "subjects": found["subjects"]}
        clinic.delete(path)
    clinic.wait_right(granted=False)
    try:
        yield
    finally:
        clinic.apply(*kept.values())
        clinic.wait_right(granted=True)


def both(*breakings: Breaking) -> Breaking:
    """Several things at the same time."""

    @contextmanager
    def broken(clinic: Clinic) -> Iterator[None]:
        with ExitStack() as stack:
            for one in breakings:
                stack.enter_context(one(clinic))
            yield

    return broken


def old_secret(days: int) -> Breaking:
    """A Secret with a pair of so many days, which is valid for ninety."""

    @contextmanager
    def broken(clinic: Clinic) -> Iterator[None]:
        with _old_secret(clinic, datetime.now(UTC) - timedelta(days=days)):
            yield

    return broken


@contextmanager
def _old_secret(clinic: Clinic, then: datetime) -> Iterator[None]:
    authority = issue_authority(then)
    pair = issue_serving_pair(authority, ServingNames.parse(ips=["127.0.0.1"]), then)
    data = {key: base64.b64encode(value).decode() for key, value in encode(first_state(authority, pair)).items()}
    metadata = {"namespace": clinic.home, "name": "old"}
    clinic.apply(
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data}
    )
    try:
        yield
    finally:
        clinic.delete(f"/api/v1/namespaces/{clinic.home}/secrets/old")


@contextmanager
def deaf(clinic: Clinic) -> Iterator[None]:
    """A gate at an address where nobody listens, and a write that it was asked about."""
    card = f"/apis/{GROUP}/v1/namespaces/{clinic.writers}/cards/card"
    clinic.apply(
        {"apiVersion": f"{GROUP}/v1", "kind": "Card", "metadata": {"namespace": clinic.writers, "name": "card"}}
    )
    clinic.apply(clinic.sick(SICK, **nowhere(clinic), **rule(resources=["cards/status"])(clinic)))
    try:
        wait_until(
            lambda: clinic.leader.status(card, {"n": 1}, dryRun="All").code == 500,
            what="the write fails for want of a verdict",
            timeout=30,
        )
        yield
    finally:
        clinic.delete(f"/apis/{REGISTRATION}/v1/validatingwebhookconfigurations/{SICK}")


LATE = datetime.now(UTC) - timedelta(minutes=10)
LEASES = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "operations": ["UPDATE"]}
PODS = {"apiGroups": [""], "resources": ["pods"], "operations": ["CREATE"]}
PARCELS = {"apiGroups": [GROUP], "resources": ["parcels/status"], "operations": ["UPDATE"]}
SECRET_TOKEN = [{"name": "token", "secret": {"secretName": "operator-token", "optional": True}}]
