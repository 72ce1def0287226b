"""Server-side apply of manifests, without a list of kinds: discovery says where each one lives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException

from leadergate_lab.apicall import call
from leadergate_lab.processes import wait_until

FIELD_MANAGER = "leadergate-lab"
_SERVED_SECONDS = 30.0


def apply(api: ApiClient, manifest: dict[str, Any] | Path) -> None:
    """Apply an object, or all objects of a YAML file in their order, by force.

    Raises ApiException when one is refused, TimeoutError when its kind is never served.
    """
    for item in _documents(manifest) if isinstance(manifest, Path) else (manifest,):
        content_type = "application/apply-patch+yaml"
        call(api, "PATCH", _path(api, item), item, content_type=content_type, fieldManager=FIELD_MANAGER, force="true")


def wait_established(api: ApiClient, crd_name: str) -> None:
    """Wait until a CustomResourceDefinition is served, in discovery too. Raises TimeoutError."""
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd_name}"

    def established() -> bool:
        crd = call(api, "GET", path)
        conditions = crd.get("status", {}).get("conditions") or []
        if not any(item["type"] == "Established" and item["status"] == "True" for item in conditions):
            return False
        group, version = crd["spec"]["group"], crd["spec"]["versions"][0]["name"]
        plural = crd["spec"]["names"]["plural"]
        return any(item["name"] == plural for item in _served(api, f"/apis/{group}/{version}"))

    wait_until(established, what=f"CRD {crd_name} is established", timeout=_SERVED_SECONDS)


def _documents(file: Path) -> Iterator[dict[str, Any]]:
    for document in yaml.safe_load_all(file.read_text()):
        if document:
            yield document


def _path(api: ApiClient, manifest: dict[str, Any]) -> str:
    version, kind, metadata = manifest["apiVersion"], manifest["kind"], manifest["metadata"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    resource = _resource(api, root, kind)
    where = f"/namespaces/{metadata.get('namespace', 'default')}" if resource["namespaced"] else ""
    return f"{root}{where}/{resource['name']}/{metadata['name']}"


def _resource(api: ApiClient, root: str, kind: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def served() -> bool:
        found.extend(item for item in _served(api, root) if item["kind"] == kind and "/" not in item["name"])
        return bool(found)

    wait_until(served, what=f"the API server serves kind {kind} under {root}", timeout=_SERVED_SECONDS)
    return found[0]


def _served(api: ApiClient, root: str) -> list[dict[str, Any]]:
    """The resources of a group and version by discovery; none while it is not there yet."""
    try:
        resources: list[dict[str, Any]] = call(api, "GET", root)["resources"]
    except ApiException as error:
        if error.status in (404, 503):
            return []
        raise
    return resources
