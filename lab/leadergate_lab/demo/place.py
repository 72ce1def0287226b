"""Where the story takes place: names, paths of the API, the Redirects, and the manifests that are shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

DEPLOY = Path(__file__).parents[3] / "deploy" / "operator"
CRD = "redirects.demo.leadergate.dev"
NAMESPACE = "demo"
ACCOUNT = "redirect-operator"
LEASE = "operator-lock"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
REDIRECTS = f"/apis/demo.leadergate.dev/v1/namespaces/{NAMESPACE}/redirects"
MERGE = "application/merge-patch+json"

CHANGED = "docs"
"""The Redirect whose spec is changed; by its name the operator writes it first."""

OTHER = "news"
"""One that is not."""

TARGETS = {
    CHANGED: "https://example.org/docs/v1",
    OTHER: "https://example.org/news",
    "shop": "https://example.org/shop",
}


def redirect(name: str) -> dict[str, Any]:
    """The manifest of one Redirect."""
    return {
        "apiVersion": "demo.leadergate.dev/v1",
        "kind": "Redirect",
        "metadata": {"namespace": NAMESPACE, "name": name},
        "spec": {"path": f"/{name}", "target": TARGETS[name]},
    }
