"""How the API server is to ask: the fields of a webhook's entry beside its rules."""

from __future__ import annotations

from collections.abc import Iterator

from leadergate.doctor.commands import edit
from leadergate.doctor.finding import Finding, note, right
from leadergate.gates.parts import MAX_TIMEOUT
from leadergate.gates.spec import FailurePolicy
from leadergate.model import Mode
from leadergate.survey.gates import PlacedGate
from leadergate.survey.snapshot import Snapshot

SIDE_EFFECTS, TIMEOUT, MATCH, POLICY = "side-effects", "timeout", "match-policy", "failure-policy"


def settings(snapshot: Snapshot) -> Iterator[Finding]:
    """Of each gate."""
    for placed in snapshot.gates:
        yield _side_effects(placed)
        yield _timeout(placed)
        yield _match(placed)
        yield _policy(placed)


def _side_effects(placed: PlacedGate) -> Finding:
    entry = placed.entry
    if entry.side_effects == "None":
        return right(SIDE_EFFECTS, str(entry), "sideEffects is None: dry runs are judged, too")
    says = f"sideEffects is {entry.side_effects}, and asking the gate changes nothing"
    return note(SIDE_EFFECTS, str(entry), says, f"{edit(entry)}  # sideEffects: None")


def _timeout(placed: PlacedGate) -> Finding:
    entry, seconds = placed.entry, placed.entry.timeout_seconds
    if 1 <= seconds <= MAX_TIMEOUT:
        return right(TIMEOUT, str(entry), f"a write waits {seconds} s at most (timeoutSeconds)")
    says = f"timeoutSeconds is {seconds}: each status write waits as long while the webhook is gone"
    return note(TIMEOUT, str(entry), says, f"{edit(entry)}  # timeoutSeconds: 3")


def _match(placed: PlacedGate) -> Finding:
    entry = placed.entry
    if entry.match_policy == "Equivalent":
        return right(MATCH, str(entry), "matchPolicy is Equivalent: writes through other versions are judged, too")
    says = f"matchPolicy is {entry.match_policy}: a write through another version of the resource is not judged"
    return note(MATCH, str(entry), says, f"{edit(entry)}  # matchPolicy: Equivalent")


def _policy(placed: PlacedGate) -> Finding:
    entry, mode = placed.entry, placed.gate.mode
    hard = entry.failure_policy is FailurePolicy.FAIL
    if mode is Mode.ENFORCE and not hard:
        says = "it enforces with Ignore: stale leaders' writes go through while the webhook cannot be reached"
        return note(POLICY, str(entry), says, f"{edit(entry)}  # failurePolicy: Fail")
    if mode is not Mode.ENFORCE and hard:
        says = f"mode {mode} rejects nothing, but with Fail writes fail while the webhook cannot be reached"
        return note(POLICY, str(entry), says, f"{edit(entry)}  # failurePolicy: Ignore")
    return right(POLICY, str(entry), f"mode {mode} goes with failurePolicy {entry.failure_policy}")
