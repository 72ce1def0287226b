"""A Pod's status from what its containers do: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(slots=True)
class ContainerState:
    """What one container does now. ``started`` and ``ready`` come from probes; times are of the wall clock."""

    name: str
    image: str
    waiting: str = "ContainerCreating"
    message: str = ""
    running_since: datetime | None = None
    exit_code: int | None = None
    ended_at: datetime | None = None
    started: bool = False
    ready: bool = False
    restarts: int = 0
    last_exit: int | None = None

    def as_object(self) -> dict[str, Any]:
        """As a containerStatus (core/v1)."""
        state: dict[str, Any]
        if self.exit_code is not None:
            state = {"terminated": self._terminated(self.exit_code)}
        elif self.running_since is not None:
            state = {"running": {"startedAt": stamp(self.running_since)}}
        else:
            state = {"waiting": {"reason": self.waiting, **({"message": self.message} if self.message else {})}}
        last = {} if self.last_exit is None else {"terminated": self._terminated(self.last_exit)}
        return {
            "name": self.name,
            "image": self.image,
            "imageID": self.image,
            "state": state,
            "lastState": last,
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.restarts,
        }

    def _terminated(self, code: int) -> dict[str, Any]:
        at = {"finishedAt": stamp(self.ended_at)} if self.ended_at else {}
        return {"exitCode": code, "reason": "Completed" if code == 0 else "Error", **at}


def phase(containers: Sequence[ContainerState], restart: str, *, ending: bool) -> str:
    """The Pod's phase (core/v1, PodPhase)."""
    codes = [one.exit_code for one in containers]
    if all(code is not None for code in codes) and (restart != "Always" or ending):
        return "Failed" if any(codes) else "Succeeded"
    if any(one.running_since is None and one.exit_code is None and not one.restarts for one in containers):
        return "Pending"
    return "Running"


def conditions(
    before: Sequence[Mapping[str, Any]],
    containers: Sequence[ContainerState],
    now: datetime,
    *,
    initialized: bool,
    over: bool,
) -> list[dict[str, Any]]:
    """The Pod's conditions; a transition's time is kept for as long as the status stays."""
    ready = all(one.ready for one in containers) and not over
    unready = [one.name for one in containers if not one.ready]
    reason: dict[str, str] = {}
    if over:
        reason = {"reason": "PodCompleted"}
    elif not ready:
        reason = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"}
    wanted: list[tuple[str, bool, dict[str, str]]] = [
        ("PodReadyToStartContainers", not over, {}),
        ("Initialized", initialized, {}),
        ("Ready", ready, reason),
        ("ContainersReady", ready, reason),
        ("PodScheduled", True, {}),
    ]
    old = {one["type"]: one for one in before}
    made = []
    for kind, holds, why in wanted:
        status = "True" if holds else "False"
        same = kind in old and old[kind]["status"] == status
        since = old[kind].get("lastTransitionTime") if same else stamp(now)
        made.append({"type": kind, "status": status, "lastTransitionTime": since, **why})
    return made


def stamp(moment: datetime) -> str:
    """As Kubernetes writes times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
