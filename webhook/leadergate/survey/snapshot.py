"""All that was looked at, in one value: what ``leadergate gate list`` prints and ``leadergate doctor`` judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from leadergate.gates.spec import Account, Service
from leadergate.model import LeaseKey
from leadergate.survey.gates import BrokenGate, Entry, PlacedGate, Traffic
from leadergate.survey.parts import (
    Looked,
    Right,
    SeenDeployment,
    SeenEndpoint,
    SeenFlow,
    SeenLease,
    SeenPod,
    SeenService,
)
from leadergate_certs.cluster import Stored


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look at a cluster. What could not be looked at is ``Unknown``, and says why.

    ``now`` is this machine's clock, ``version`` this command's own, ``api_version`` the API server's (``v1.37.2``).
    ``service`` names the Service that was asked for, ``account`` the webhook's own account, ``secret`` the Secret with
    its certificates as NAMESPACE/NAME.
    ``gates`` are the entries that ask our webhook: by a Service that is ours, or by the label for injection.
    ``others`` are all other webhook entries of the cluster. ``leases`` has each gate's Lease, ``Known(None)`` when
    there is none. ``pods`` are by namespace: those of the gates' writers and of the webhook. ``accounts`` tells whether
    each service account that a gate names exists, ``namespaces`` whether each namespace that it names does.
    ``served`` tells for each resource of a gate's rules, as (group, version, resource), whether discovery serves it
    with a status subresource, and ``scopes`` of those that are whether they are ``Namespaced`` or ``Cluster``.
    ``rights`` is what the webhook's account may do. ``traffic`` is by the entry's name.
    ``caller`` is the user that looked, empty when that is not known.
    """

    now: datetime
    version: str
    api_version: Looked[str]
    service: Service
    account: Account
    secret: str
    gates: tuple[PlacedGate, ...]
    broken: tuple[BrokenGate, ...]
    others: tuple[Entry, ...]
    leases: Mapping[LeaseKey, Looked[SeenLease | None]]
    pods: Mapping[str, Looked[tuple[SeenPod, ...]]]
    accounts: Mapping[Account, Looked[bool]]
    namespaces: Mapping[str, Looked[bool]]
    served: Mapping[tuple[str, str, str], Looked[bool]]
    found_service: Looked[SeenService | None]
    endpoints: Looked[tuple[SeenEndpoint, ...]]
    deployment: Looked[SeenDeployment | None]
    flow: Looked[SeenFlow | None]
    rights: Mapping[Right, Looked[bool]]
    stored: Looked[Stored]
    traffic: Looked[Mapping[str, Traffic]]
    caller: str = ""
    scopes: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
