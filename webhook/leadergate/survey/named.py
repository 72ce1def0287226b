"""Which pods a holder identity names: one judgement for all who look at a cluster."""

from __future__ import annotations

from collections.abc import Iterable

from leadergate.holder import names
from leadergate.model import Gate, IdentityKind
from leadergate.survey.parts import SeenPod


def claimed(gate: Gate, pod: SeenPod) -> str:
    """What the pod's token says of it, as the gate asks; empty for a pod that has no node yet."""
    return pod.name if gate.identity is IdentityKind.POD else pod.node or ""


def named_by(gate: Gate, identity: str, pods: Iterable[SeenPod]) -> list[SeenPod]:
    """The pods that the holder identity names in the gate's form, those that have ended among them."""
    return [pod for pod in pods if names(gate, identity, claimed(gate, pod))]
