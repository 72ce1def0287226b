"""Leases and Pods as the API server gives them, read into the values that are judged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from leadergate.model import Lease
from leadergate.survey.parts import SeenPod
from leadergate.survey.raw import labels, mapping, mappings, metadata, text

TOKENS = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where programs look for their token (client-go: rest.InClusterConfig)."""


def lease(item: Mapping[str, Any]) -> Lease:
    """A Lease; times that cannot be read are None."""
    spec = mapping(item.get("spec"))
    return Lease(
        holder=text(spec.get("holderIdentity")),
        resource_version=text(metadata(item).get("resourceVersion")),
        transitions=_whole(spec.get("leaseTransitions")),
        duration=_whole(spec.get("leaseDurationSeconds")),
        acquire_time=_moment(spec.get("acquireTime")),
        renew_time=_moment(spec.get("renewTime")),
    )


def pod(item: Mapping[str, Any]) -> SeenPod:
    """A Pod of a list."""
    about, spec, status = metadata(item), mapping(item.get("spec")), mapping(item.get("status"))
    account = text(spec.get("serviceAccountName")) or "default"
    conditions = mappings(status.get("conditions"))
    containers = mappings(spec.get("containers"))
    return SeenPod(
        namespace=text(about.get("namespace")),
        name=text(about.get("name")),
        uid=text(about.get("uid")),
        node=text(spec.get("nodeName")) or None,
        service_account=account,
        running=status.get("phase") == "Running",
        ready=any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions),
        token=_token(spec, account),
        host_network=spec.get("hostNetwork") is True,
        hostname=text(spec.get("hostname")) or None,
        image=text(containers[0].get("image")) if containers else "",
        labels=tuple(sorted(labels(about.get("labels")).items())),
        ended=status.get("phase") in ("Succeeded", "Failed"),
    )


def _token(spec: Mapping[str, Any], account: str) -> str:
    """What counts is what is mounted where programs look; failing that, what is mounted elsewhere.

    The API server has written the volume that it mounts by itself into the Pod (its admission plugin ServiceAccount).
    """
    volumes = {text(one.get("name")): one for one in mappings(spec.get("volumes"))}
    mounted = list(_mounted(spec))
    usual = {_given(volumes.get(name, {}), account, usual=True) for name, path in mounted if path == TOKENS}
    other = {_given(volumes.get(name, {}), account, usual=False) for name, _ in mounted}
    for found in (usual, other):
        for kind in ("bound", "legacy"):
            if kind in found:
                return kind
    return "none"


def _mounted(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind in ("containers", "initContainers"):
        for container in mappings(spec.get(kind)):
            for mount in mappings(container.get("volumeMounts")):
                yield text(mount.get("name")), text(mount.get("mountPath")).rstrip("/")


def _given(volume: Mapping[str, Any], account: str, *, usual: bool) -> str:
    """A token with an audience is for somebody else than the API server, unless it is put in the usual place."""
    for source in mappings(mapping(volume.get("projected")).get("sources")):
        token = source.get("serviceAccountToken")
        if isinstance(token, dict) and (usual or not token.get("audience")):
            return "bound"
    secret = text(mapping(volume.get("secret")).get("secretName"))
    # As the controller manager called them before Kubernetes 1.24.
    named = re.fullmatch(rf"{re.escape(account)}-token(-[a-z0-9]{{5}})?", secret)
    return "legacy" if secret and (usual or named) else "none"


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
