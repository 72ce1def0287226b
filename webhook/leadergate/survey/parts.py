"""What else is looked at: Leases, Pods, accounts, the Service and what stands behind it. Frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from cryptography import x509

from leadergate.model import Lease

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Known(Generic[Value]):
    """It was looked at, and is so."""

    value: Value


@dataclass(frozen=True, slots=True)
class Unknown:
    """It could not be looked at: ``why`` is a sentence for people, with the right that is missing if one is."""

    why: str


Looked = Known[Value] | Unknown


@dataclass(frozen=True, slots=True)
class SeenLease:
    """A Lease, and when it was read by this machine's clock."""

    lease: Lease
    read_at: datetime


@dataclass(frozen=True, slots=True)
class SeenPod:
    """A Pod as far as its token and its name matter.

    ``token`` tells what its containers are given: ``bound`` (a projected token, which carries the Pod's name and uid),
    ``legacy`` (a token of a Secret, which carries neither), ``none``.
    ``ended`` tells that its containers have run for the last time (phase Succeeded or Failed).
    ``image`` is that of its first container; ``host_network`` and ``hostname`` decide what its programs are called.
    """

    namespace: str
    name: str
    uid: str
    node: str | None
    service_account: str
    running: bool
    ready: bool
    token: str
    host_network: bool
    hostname: str | None
    image: str
    labels: tuple[tuple[str, str], ...]
    ended: bool = False


@dataclass(frozen=True, slots=True)
class SeenService:
    """The Service in front of the webhook: ports as (name, number), the selector, and its type."""

    namespace: str
    name: str
    ports: tuple[tuple[str, int], ...]
    selector: tuple[tuple[str, str], ...]
    cluster_ip: str


@dataclass(frozen=True, slots=True)
class SeenEndpoint:
    """An address behind the webhook, by an EndpointSlice or by a gate's URL.

    ``reached`` tells whether a TLS handshake came about from where this runs; ``serves`` is the leaf shown then.
    """

    host: str
    port: int
    ready: bool
    pod: str | None
    reached: bool
    serves: x509.Certificate | None

    def __str__(self) -> str:
        """As it is written in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SeenDeployment:
    """The webhook's Deployment: what was asked for, what is there, and its images."""

    name: str
    replicas: int
    ready: int
    images: tuple[str, ...]
    disruption_budget: bool


@dataclass(frozen=True, slots=True)
class SeenFlow:
    """How the API server ranks the webhook's reads of Leases: by which FlowSchema, in which priority level."""

    schema: str
    level: str


@dataclass(frozen=True, slots=True)
class Right:
    """Something that an account may need to do; names and namespace are empty where they do not apply."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        """As ``kubectl auth can-i`` takes it."""
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        of = f"{kind}/{self.name}" if self.name else kind
        return f"{self.verb} {of}" + (f" -n {self.namespace}" if self.namespace else "")
