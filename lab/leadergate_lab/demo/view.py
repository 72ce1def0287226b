"""The live view: who holds the Lease, and what became of each Pod's status writes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from leadergate_lab.demo.place import LEASE
from leadergate_lab.demo.replicas import Replica
from leadergate_lab.demo.stage import LOOK_SECONDS, DemoFault, Stage
from leadergate_lab.demo.voice import INDENT, Voice, table

REDRAW_SECONDS = 0.25
LINE_SECONDS = 2.0


def follow(stage: Stage, voice: Voice, seconds: float) -> None:
    """Show what happens for some seconds."""
    end = time.monotonic() + seconds
    _show(stage, voice, lambda: time.monotonic() >= end)


def follow_until(stage: Stage, voice: Voice, condition: Callable[[], bool], *, what: str, timeout: float) -> None:
    """Show what happens until ``condition`` holds. Raises DemoFault."""
    began = time.monotonic()

    def over() -> bool:
        if condition():
            return True
        if time.monotonic() - began > timeout:
            raise DemoFault(f"this did not come about within {timeout:g} s: {what}")
        return False

    _show(stage, voice, over)


def _show(stage: Stage, voice: Voice, over: Callable[[], bool]) -> None:
    if voice.live:
        with Live(picture(stage), console=voice.console, auto_refresh=False) as live:
            _watch(stage, over, REDRAW_SECONDS, lambda: live.update(picture(stage), refresh=True))
    else:
        _watch(stage, over, LINE_SECONDS, lambda: voice.say(line(stage)))


def _watch(stage: Stage, over: Callable[[], bool], every: float, show: Callable[[], None]) -> None:
    due = time.monotonic() + every
    while not over():
        stage.check()
        if time.monotonic() >= due:
            show()
            due = time.monotonic() + every
        time.sleep(LOOK_SECONDS)
    show()


def picture(stage: Stage) -> RenderableType:
    """The view for a terminal."""
    rejected = _rejected(stage)
    shown = table("Pod", "now", "status writes accepted", "rejected", numbers=["status writes accepted", "rejected"])
    for replica in stage.replicas:
        state, style = _state(stage, replica)
        shown.add_row(
            Text(replica.pod, style),
            Text(state, style),
            Text(str(replica.accepted()), "green"),
            Text(str(rejected[replica.pod]), "red"),
        )
    return Padding(Group(Text(_lease(stage)), shown), (0, 0, 0, INDENT), expand=False)


def line(stage: Stage) -> str:
    """The view as one line."""
    rejected = _rejected(stage)
    pods = []
    for replica in stage.replicas:
        state, _ = _state(stage, replica)
        pods.append(f"{replica.number} {state} {replica.accepted()}/{rejected[replica.pod]}")
    return f"{_lease(stage)}; writes accepted/rejected: {', '.join(pods)}"


def _rejected(stage: Stage) -> Counter[str]:
    return Counter(record["requester"]["pod"] for record in stage.rejections())


def _state(stage: Stage, replica: Replica) -> tuple[str, str]:
    if replica.ended:
        return replica.ended, "dim"
    if replica.frozen:
        return "frozen", "bold blue"
    return ("holder", "bold green") if replica.pod == stage.holder else ("follower", "")


def _lease(stage: Stage) -> str:
    spec, name = stage.lease, f"{stage.place.namespace}/{LEASE}"
    if not spec:
        return f"Lease {name}: not there yet"
    age = (datetime.now(UTC) - datetime.fromisoformat(spec["renewTime"])).total_seconds()
    return f"Lease {name}: {stage.holder or 'nobody'}, renewed {max(age, 0.0):.1f} s ago"
