"""What a gate may do, and whoever writes it should know: one sentence each."""

from __future__ import annotations

from collections.abc import Mapping

from leadergate.gates.refusals import Found
from leadergate.gates.spec import FailurePolicy, GateSpec, StatusResource
from leadergate.model import Mode


def notes(spec: GateSpec, found: Mapping[StatusResource, Found]) -> list[str]:
    """Notes on a gate that is not refused; ``found`` is what discovery said."""
    told = []
    mode = spec.gate.mode
    if mode is Mode.ENFORCE and spec.failure_policy is FailurePolicy.IGNORE:
        told.append("with failure-policy Ignore stale leaders' writes go through while the webhook cannot be reached")
    if mode is not Mode.ENFORCE and spec.failure_policy is FailurePolicy.FAIL:
        told.append(f"mode {mode} rejects nothing, but with Fail writes fail while the webhook cannot be reached")
    if spec.only:
        told.append(f"everybody but {', '.join(map(str, spec.only))} writes unjudged: RBAC alone keeps others away")
    if spec.inject is None:
        told.append("nobody injects certificates: put your authority into caBundle with leadergate certs inject --name")
    if any(one not in found for one in spec.resources):
        told.append(
            "discovery was not asked whether each resource exists and has a status subresource; "
            "if a resource is cluster-scoped, all its objects are gated"
        )
    return told
