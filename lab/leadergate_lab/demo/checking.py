"""The second act: the same freeze, with nothing but the operator's own check."""

from __future__ import annotations

from contextlib import ExitStack

from leadergate_lab.demo import leaders, opening
from leadergate_lab.demo.freeze import freeze
from leadergate_lab.demo.place import CHECKING
from leadergate_lab.demo.stage import Stage
from leadergate_lab.demo.summary import Summary
from leadergate_lab.demo.verdict import close, tell_breaches
from leadergate_lab.demo.voice import Voice

REPLICAS = 2


def check_alone(main: Stage, voice: Voice, ending: ExitStack, step: int, webhook: str) -> Summary:
    """Freeze and thaw a leader that checks by itself, where no gate is; returns what its history says."""
    voice.step(
        step,
        "The same freeze, with a check in the operator alone",
        f"Namespace {CHECKING.namespace} has no gate. The same program runs there with --status-gate=client, which is"
        " how operators gate their status: if leading: write. Everybody does everything right.",
    )
    stage = opening.stage_at(main.plane, CHECKING)
    ending.callback(stage.stop_replicas)
    opening.furnish(stage, ending)
    with voice.doing(f"starting {REPLICAS} replicas", f"started {REPLICAS} with --status-gate=client"):
        leaders.launch(stage, REPLICAS)
    freeze(stage, voice)
    stage.stop_replicas()
    summary = close(stage, webhook)
    tell_breaches(summary, voice)
    return summary
