"""An operator as Kopf's users write it, with a handler for events: it knows nothing of elections or gates.

Started by ``kopf run --standalone --namespace=… --liveness=http://127.0.0.1:…/healthz kopf_operator.py``.
"""

from __future__ import annotations

import os
from typing import Any

import kopf


@kopf.on.event("demo.leadergate.dev", "v1", "redirects")
def program(
    type: str | None,  # noqa: A002 - Kopf's own name for it
    spec: kopf.Spec,
    meta: kopf.Meta,
    status: kopf.Status,
    patch: kopf.Patch,
    logger: kopf.Logger,
    **_: Any,
) -> None:
    """Program the redirect, and say so in its status."""
    if type == "DELETED" or status.get("observedGeneration") == meta["generation"]:
        return
    logger.info("programming %s -> %s", spec["path"], spec["target"])
    patch.status["observedGeneration"] = meta["generation"]
    patch.status["writtenBy"] = os.environ["POD_NAME"]


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Write no Events about each step."""
    settings.posting.enabled = False
