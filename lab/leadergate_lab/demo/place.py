"""Where the story takes place: names, paths of the API, the Redirects, and the manifests that are shipped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[3] / "deploy" / "operator"
CRD = "redirects.demo.leadergate.dev"
ACCOUNT = "redirect-operator"
LEASE = "operator-lock"
MERGE = "application/merge-patch+json"

CHANGED = "docs"
"""The Redirect whose spec is changed."""

TARGETS = {
    CHANGED: "https://example.org/docs/v1",
    "news": "https://example.org/news",
    "shop": "https://example.org/shop",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace, and what the Pods in it are called before their number."""

    namespace: str
    stem: str

    @property
    def leases(self) -> str:
        """The API's path of its Leases."""
        return f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases"

    @property
    def redirects(self) -> str:
        """The API's path of its Redirects."""
        return f"/apis/demo.leadergate.dev/v1/namespaces/{self.namespace}/redirects"


MAIN = Place("demo", "redirect-operator")
"""Where ``deploy/operator`` puts everything."""

CHECKING = Place("demo-client", "checking-operator")
"""Where no gate is, and each replica checks by itself whether it leads."""


def redirect(place: Place, name: str) -> dict[str, Any]:
    """The manifest of one Redirect."""
    return {
        "apiVersion": "demo.leadergate.dev/v1",
        "kind": "Redirect",
        "metadata": {"namespace": place.namespace, "name": name},
        "spec": {"path": f"/{name}", "target": TARGETS[name]},
    }


def rights(place: Place) -> list[dict[str, Any]]:
    """The shipped rbac.yaml, moved to that namespace and changed in nothing else."""
    manifests: list[dict[str, Any]] = list(yaml.safe_load_all((DEPLOY / "rbac.yaml").read_text()))
    for manifest in manifests:
        key = "name" if manifest["kind"] == "Namespace" else "namespace"
        manifest["metadata"][key] = place.namespace
        for subject in manifest.get("subjects", ()):
            subject["namespace"] = place.namespace
    return manifests
