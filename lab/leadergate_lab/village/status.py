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
    container_id: str = ""
    running_since: datetime | None = None
    exit_code: int | None = None
    ended_at: datetime | None = None
    started: bool = False
    ready: bool = False
    runs: int = 0
    last: dict[str, Any] | None = None

    def begin(self, container_id: str, now: datetime) -> None:
        """It runs, as a new container."""
        self.container_id, self.running_since, self.exit_code = container_id, now, None
        self.runs += 1

    def end(self, code: int, now: datetime) -> None:
        """It runs no more."""
        self.exit_code, self.ended_at = code, now
        self.ready = self.started = False

    def step_back(self, reason: str) -> None:
        """It will be run again, and waits for that."""
        self.last, self.waiting = self._terminated(), reason
        self.running_since = self.exit_code = None

    def as_object(self) -> dict[str, Any]:
        """As a containerStatus (core/v1)."""
        state: dict[str, Any]
        if self.exit_code is not None:
            state = {"terminated": self._terminated()}
        elif self.running_since is not None:
            state = {"running": {"startedAt": stamp(self.running_since)}}
        else:
            state = {"waiting": {"reason": self.waiting, **({"message": self.message} if self.message else {})}}
        return {
            "name": self.name,
            "image": self.image,
            "imageID": self.image,
            "containerID": self.container_id,
            "state": state,
            "lastState": {"terminated": self.last} if self.last else {},
            "ready": self.ready,
            "started": self.started,
            # While it waits to be run again the count stays, as the kubelet's does.
            "restartCount": max(self.runs - 1, 0),
        }

    def _terminated(self) -> dict[str, Any]:
        times = {"startedAt": self.running_since, "finishedAt": self.ended_at}
        return {
            "exitCode": self.exit_code,
            "reason": "Error" if self.exit_code else "Completed",
            "containerID": self.container_id,
            **{name: stamp(at) for name, at in times.items() if at is not None},
        }


def phase(containers: Sequence[ContainerState], restart: str, *, ending: bool) -> str:
    """The Pod's phase (core/v1, PodPhase)."""
    codes = [one.exit_code for one in containers]
    if all(code is not None for code in codes) and (restart != "Always" or ending):
        return "Failed" if any(codes) else "Succeeded"
    if any(one.running_since is None and one.exit_code is None and not one.runs for one in containers):
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
