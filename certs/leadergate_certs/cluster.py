"""The adapter to the API server: the Secret, the webhook configurations, and the addresses of replicas."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from leadergate_certs.calls import APPLY, MERGE, Calls, ClusterFault, Connection, query
from leadergate_certs.secret import FromLaterVersion, Unusable, decode, encode
from leadergate_certs.state import Request, State

LABEL = "certs.leadergate.dev/inject"
"""On a webhook configuration: the namespace of the Secret whose authorities its bundles shall hold."""

MARK = "app.kubernetes.io/managed-by"
MARKED = "leadergate-certs"
ROTATE = "certs.leadergate.dev/rotate"
"""On the Secret: what is to be renewed ahead of its time, ``leaf`` or ``ca``."""

FIELD_MANAGER = "leadergate-certs"
KINDS = {
    "validatingwebhookconfigurations": "ValidatingWebhookConfiguration",
    "mutatingwebhookconfigurations": "MutatingWebhookConfiguration",
}

_REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
_PORT_NAMES = ("", None, "https", "webhook")


@dataclass(frozen=True)
class Stored:
    """The Secret as it was read: ``state`` is None when it is not there or cannot be understood (``fault``)."""

    state: State | None
    fault: str
    manifest: dict[str, Any] | None = field(repr=False)

    @property
    def ours(self) -> bool:
        """Whether it may be written: it is not there, is marked as ours, or holds nothing."""
        if self.manifest is None or not any((self.manifest.get("data") or {}).values()):
            return True
        labels: Mapping[str, str] = self.manifest["metadata"].get("labels") or {}
        return labels.get(MARK) == MARKED


@dataclass(frozen=True)
class Configuration:
    """A webhook configuration that carries the label; ``bundles`` are the caBundles by the names of its entries.

    ``managers`` are the field managers that wrote it, ours left out.
    """

    resource: str
    name: str
    resource_version: str
    bundles: Mapping[str, bytes]
    managers: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{KINDS[self.resource]}/{self.name}"


@dataclass(frozen=True)
class Address:
    """An address behind the Service."""

    host: str
    port: int
    ready: bool

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Cluster:
    """What a rotation reads and writes; ``secret`` is its Secret's name in ``namespace``."""

    def __init__(self, connection: Connection, namespace: str, secret: str) -> None:
        self._calls = Calls(connection)
        self.namespace = namespace
        self.name = secret
        self._secrets = f"/api/v1/namespaces/{namespace}/secrets"
        self._secret = f"{self._secrets}/{secret}"

    def __str__(self) -> str:
        return f"secret {self.namespace}/{self.name}"

    @property
    def watched(self) -> tuple[str, ...]:
        """What tells of changes: paths of lists, to be watched. The Secret's by name, as RBAC may demand."""
        named = query(fieldSelector=f"metadata.name={self.name}")
        return (f"{self._secrets}?{named}", *(self._labelled(resource) for resource in KINDS))

    async def read(self) -> Stored:
        """Read the Secret as it is now: a quorum read. Raises ClusterFault."""
        try:
            manifest = await self._calls.get(self._secret, what=f"read {self}")
        except ClusterFault as fault:
            if fault.code == 404:
                return Stored(None, "there is no such Secret", None)
            raise
        annotations = manifest["metadata"].get("annotations") or {}
        try:
            data = {key: base64.b64decode(value) for key, value in (manifest.get("data") or {}).items()}
            return Stored(decode(data, annotations.get(ROTATE)), "", manifest)
        except Unusable as fault:
            return Stored(None, str(fault), manifest)
        except FromLaterVersion as fault:
            raise ClusterFault(f"{self}: {fault}") from fault

    async def write(self, stored: Stored, state: State) -> None:
        """Write the state over what was read, if nobody else has since. Raises Conflict, ClusterFault."""
        data = {key: base64.b64encode(value).decode() for key, value in encode(state).items()}
        if stored.manifest is None:
            metadata: dict[str, Any] = {"name": self.name, "namespace": self.namespace, "labels": {MARK: MARKED}}
            # Of this type from the start: it can never be changed, and other programs know what to find in it.
            fresh = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata}
            await self._calls.send("POST", self._secrets, {**fresh, "data": data}, what=f"create {self}")
            return
        metadata = dict(stored.manifest["metadata"])
        metadata["labels"] = {**dict(metadata.get("labels") or {}), MARK: MARKED}
        metadata["annotations"] = {
            key: value
            for key, value in dict(metadata.get("annotations") or {}).items()
            if key != ROTATE or state.requested is not None
        }
        changed = {**stored.manifest, "metadata": metadata, "data": {**dict(stored.manifest.get("data") or {}), **data}}
        await self._calls.send("PUT", self._secret, changed, what=f"update {self}")

    async def ask(self, request: Request) -> None:
        """Ask whoever runs the rotation to renew something now. Raises ClusterFault."""
        patch = {"metadata": {"annotations": {ROTATE: str(request)}}}
        await self._calls.send("PATCH", self._secret, patch, content_type=MERGE, what=f"annotate {self}")

    async def configurations(self) -> list[Configuration]:
        """The configurations that carry the label, by kind and name. Raises ClusterFault."""
        found: list[Configuration] = []
        for resource in KINDS:
            listed = await self._calls.get(self._labelled(resource), what=f"list {resource}")
            found += [_configuration(resource, item) for item in listed["items"]]
        return found

    async def configuration(self, resource: str, name: str) -> Configuration:
        """One configuration by its name, whatever its labels. Raises ClusterFault, of code 404 if there is none."""
        item = await self._calls.get(f"{_REGISTRATION}/{resource}/{quote(name)}", what=f"read {KINDS[resource]}/{name}")
        return _configuration(resource, item)

    async def inject(self, configuration: Configuration, bundles: Mapping[str, bytes]) -> None:
        """Write the bundles of all entries by server-side apply, if the configuration is still what was read.

        Nothing but ``caBundle`` is owned by our field manager (Kubernetes API concepts, "Server-Side Apply"). Raises
        Conflict, ClusterFault.
        """
        body = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": KINDS[configuration.resource],
            "metadata": {"name": configuration.name, "resourceVersion": configuration.resource_version},
            "webhooks": [
                {"name": name, "clientConfig": {"caBundle": base64.b64encode(bundle).decode()}}
                for name, bundle in bundles.items()
            ],
        }
        how = query(fieldManager=FIELD_MANAGER, force="true")
        path = f"{_REGISTRATION}/{configuration.resource}/{quote(configuration.name)}?{how}"
        await self._calls.send("PATCH", path, body, content_type=APPLY, what=f"inject {configuration}")

    async def addresses(self, service: str) -> list[Address]:
        """The addresses behind a Service of the Secret's namespace, by its EndpointSlices.

        Of several ports the one without a name, or named https or webhook. Raises ClusterFault.
        """
        labelled = query(labelSelector=f"kubernetes.io/service-name={service}")
        path = f"/apis/discovery.k8s.io/v1/namespaces/{self.namespace}/endpointslices?{labelled}"
        listed = await self._calls.get(path, what=f"list the endpointslices of service {service}")
        return [address for item in listed["items"] for address in _addresses(item)]

    def _labelled(self, resource: str) -> str:
        return f"{_REGISTRATION}/{resource}?{query(labelSelector=f'{LABEL}={self.namespace}')}"


def _configuration(resource: str, item: dict[str, Any]) -> Configuration:
    metadata = item["metadata"]
    owners = metadata.get("managedFields") or []
    return Configuration(
        resource,
        metadata["name"],
        metadata["resourceVersion"],
        {entry["name"]: _bundle(entry["clientConfig"].get("caBundle")) for entry in item.get("webhooks") or []},
        tuple(owner["manager"] for owner in owners if owner.get("manager", FIELD_MANAGER) != FIELD_MANAGER),
    )


def _bundle(value: str | None) -> bytes:
    try:
        return base64.b64decode(value or "")
    except binascii.Error:
        return b""


def _addresses(item: dict[str, Any]) -> list[Address]:
    ports = item.get("ports") or []
    if len(ports) > 1:
        ports = [port for port in ports if port.get("name") in _PORT_NAMES]
    found = []
    for endpoint in item.get("endpoints") or []:
        conditions = endpoint.get("conditions") or {}
        # No word on readiness counts as ready (Kubernetes API: EndpointConditions).
        ready = conditions.get("ready") is not False or conditions.get("serving") is True
        found += [Address(host, port["port"], ready) for host in endpoint.get("addresses") or [] for port in ports[:1]]
    return found
