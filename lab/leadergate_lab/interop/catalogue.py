"""All operators, by the name that a command line knows them by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from leadergate_lab.interop import operators, sidecars
from leadergate_lab.interop.operators import Operator

OPERATORS: Mapping[str, Callable[[Mapping[str, Path]], Operator]] = {
    "controller-runtime": operators.controller_runtime,
    "generation-changed-predicate": operators.only_generations,
    "skip-observed": operators.skip_observed,
    "only-leader": operators.only_leader,
    "client-go": operators.client_go,
    "client-go-default-rate": operators.client_go_default_rate,
    "kopf": sidecars.kopf,
    "kopf-changes": sidecars.kopf_changes,
    "plain": sidecars.plain,
}
"""Each is made of the binaries that :func:`leadergate_lab.interop.programs.binaries` gives."""
