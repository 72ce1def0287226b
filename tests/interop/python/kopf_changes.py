"""An operator as Kopf's users write it, with handlers for changes: it knows nothing of elections or gates.

Kopf notes on the object what was handled, and all replicas share these notes: a replica that is late may find a change
handled already by one whose status write was rejected.
"""

from __future__ import annotations

import os
from typing import Any

import kopf


@kopf.on.resume("demo.leadergate.dev", "v1", "redirects")
@kopf.on.create("demo.leadergate.dev", "v1", "redirects")
@kopf.on.update("demo.leadergate.dev", "v1", "redirects")
def program(spec: kopf.Spec, meta: kopf.Meta, patch: kopf.Patch, logger: kopf.Logger, **_: Any) -> None:
    """Program the redirect, and say so in its status."""
    logger.info("programming %s -> %s", spec["path"], spec["target"])
    patch.status["observedGeneration"] = meta["generation"]
    patch.status["writtenBy"] = os.environ["POD_NAME"]


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Keep Kopf's own notes out of the status, whose schema has no place for them."""
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix="redirects.example.org")
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix="redirects.example.org")
    settings.posting.enabled = False
