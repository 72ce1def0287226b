"""What the webhook's account needs to be allowed: what the manifests in deploy/ and ``gate render`` grant."""

from __future__ import annotations

from collections.abc import Iterable

from leadergate.model import LeaseKey
from leadergate.survey.gates import Entry
from leadergate.survey.parts import Right
from leadergate.survey.reading import MUTATING, VALIDATING

REGISTRATION = "admissionregistration.k8s.io"
LEASES = "coordination.k8s.io"

_RESOURCES = {VALIDATING: "validatingwebhookconfigurations", MUTATING: "mutatingwebhookconfigurations"}


def needed(leases: Iterable[LeaseKey], entries: Iterable[Entry], namespace: str, secret: str) -> tuple[Right, ...]:
    """Each once: get the gates' Leases; with a Secret also what it takes to rotate and to inject certificates.

    ``namespace`` and ``secret`` are the Secret's; ``entries`` are those that may carry the label for injection.
    """
    found = [Right("get", LEASES, "leases", lease.namespace, lease.name) for lease in leases]
    if secret:
        labelled = [one for one in entries if one.inject == namespace]
        found += [Right("patch", REGISTRATION, _RESOURCES[one.kind], name=one.configuration) for one in labelled]
        found += [Right(verb, "", "secrets", namespace, secret) for verb in ("get", "update", "watch")]
        found += [
            Right("create", "", "secrets", namespace),
            Right("list", "discovery.k8s.io", "endpointslices", namespace),
        ]
        found += [Right(verb, REGISTRATION, resource) for resource in _RESOURCES.values() for verb in ("list", "watch")]
    return tuple(dict.fromkeys(found))
