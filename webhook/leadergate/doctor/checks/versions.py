"""Versions that should fit one another: the API server's, the webhook's pods', and this command's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from leadergate.doctor.finding import INSTALLATION, Finding, note, right, unknown, wrong
from leadergate.survey.parts import Unknown
from leadergate.survey.snapshot import Snapshot

API, IMAGES = "api-server-version", "webhook-version"

_NUMBERS = re.compile(r"v?(\d+)\.(\d+)")
OLDEST = (1, 30)
"""Tokens name pod, node and credential by default from here on (KEP-4193)."""


def versions(snapshot: Snapshot) -> Iterator[Finding]:
    """Of the cluster and of the installation."""
    yield _api(snapshot)
    yield from _webhook(snapshot)


def _api(snapshot: Snapshot) -> Finding:
    if isinstance(snapshot.api_version, Unknown):
        return unknown(API, INSTALLATION, f"the API server's version is not known: {snapshot.api_version.why}")
    said = snapshot.api_version.value
    found = _NUMBERS.match(said)
    if found is None:
        return unknown(API, INSTALLATION, f"the API server calls its version {said!r}, which says nothing")
    if (int(found[1]), int(found[2])) < OLDEST:
        says = (
            f"the API server is {said}: before v1.30 tokens name neither node nor credential, and gates deny them all"
        )
        return wrong(API, INSTALLATION, says, "upgrade the cluster to Kubernetes 1.30 or later")
    return right(API, INSTALLATION, f"the API server is {said}: tokens name pod, node and credential")


def _webhook(snapshot: Snapshot) -> Iterator[Finding]:
    images = _images(snapshot)
    if isinstance(images, Unknown):
        yield unknown(IMAGES, INSTALLATION, f"the webhook's images are not known: {images.why}")
        return
    tags = {image: _tag(image) for image in images}
    if not tags:
        says = f"no pod of the webhook was found: its version is not held against this command's, {snapshot.version}"
        yield note(IMAGES, INSTALLATION, says)
        return
    seen = None if isinstance(snapshot.deployment, Unknown) else snapshot.deployment.value
    name = seen.name if seen is not None else snapshot.service.name
    restart = f"kubectl -n {snapshot.service.namespace} rollout status deployment {name}"
    if len(set(tags.values())) > 1:
        says = f"the webhook's pods are of several versions: {', '.join(sorted(set(tags.values())))}"
        yield note(IMAGES, INSTALLATION, says, restart)
    elif (tag := next(iter(tags.values()))).startswith("sha256:"):
        says = f"the webhook's pods are of one image, {tag}; a digest tells no version"
        yield right(IMAGES, INSTALLATION, says)
    elif tag.removeprefix("v") != snapshot.version:
        says = f"the webhook is of version {tag}, and this command of {snapshot.version}"
        yield note(IMAGES, INSTALLATION, says, "use the command of the webhook's version, or upgrade the webhook")
    else:
        yield right(IMAGES, INSTALLATION, f"the webhook and this command are of version {tag}")


def _images(snapshot: Snapshot) -> Sequence[str] | Unknown:
    """Of the pods that the Service selects, and of the Deployment: first containers alone, others may be anyone's."""
    selector: tuple[tuple[str, str], ...] = ()
    if not isinstance(snapshot.found_service, Unknown) and snapshot.found_service.value is not None:
        selector = snapshot.found_service.value.selector
    pods = snapshot.pods.get(snapshot.service.namespace)
    found: list[str] = []
    if selector and pods is not None and not isinstance(pods, Unknown):
        found = [pod.image for pod in pods.value if not pod.ended and set(selector) <= set(pod.labels)]
    if isinstance(snapshot.deployment, Unknown):
        return found or snapshot.deployment
    return [*found, *(snapshot.deployment.value.images[:1] if snapshot.deployment.value is not None else ())]


def _tag(image: str) -> str:
    """What follows the last colon; a digest is its first digits, and nothing is ``latest``."""
    name, at, digest = image.partition("@")
    _, colon, tag = name.rpartition("/")[2].partition(":")
    return tag if colon else digest[:19] if at else "latest"
