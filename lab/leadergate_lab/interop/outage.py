"""What a rejected operator goes through when its leader dies, and how long its statuses stay wrong after a takeover."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leadergate_lab.interop.fleet import Fleet, pods

LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Outage:
    """The leader died, all specs changed, and a follower took over. Times in seconds.

    ``lived`` is how long the replicas had run when the leader died, ``until_takeover`` how long nobody led after the
    specs had changed. ``rejections`` are those of the pod that took over, from its start to the takeover, ``in_outage``
    those of them that came after the leader's death. ``right`` is, for each object whose status came right, how long
    after the takeover it did, in order; ``log_lines`` and ``log_bytes`` are what the pod logged until the takeover.
    """

    objects: int
    lived: float
    until_takeover: float
    rejections: int
    in_outage: int
    right: tuple[float, ...]
    log_lines: int
    log_bytes: int
    logged: str

    @property
    def all_right(self) -> bool:
        """Whether every status came right while it was waited for."""
        return len(self.right) == self.objects

    @property
    def last(self) -> float:
        """When the last status came right that did."""
        return self.right[-1] if self.right else 0.0


def outage(fleet: Fleet, *, lived: float = 0.0, patience: float, until_all_rejected: bool = False) -> Outage:
    """Kill the leader, change all specs while its Lease still runs, and see how a follower gets the statuses right.

    The replicas first go on for ``lived`` seconds with nothing to do. The Lease expires by itself, or as soon as every
    follower has been rejected at every object. After the takeover it waits for ``patience`` seconds at most. Raises
    TimeoutError when nobody takes over.
    """
    began = time.monotonic()
    time.sleep(lived)
    leader, followers = fleet.leader, fleet.followers
    leader.process.kill()
    killed, killed_at = time.monotonic(), time.time()
    fleet.change(fleet.names, "https://example.org/during-the-outage")
    changed = time.monotonic()
    if until_all_rejected:
        everything = {(pod, name) for pod in pods(followers) for name in fleet.names}
        fleet.until(lambda: everything <= _rejected(fleet, killed_at), "every follower is rejected at every object")
        successor = fleet.succeeded(leader)
    else:
        fleet.until(lambda: fleet.holder not in ("", leader.pod), "a takeover", fleet.timings.lease * 3 + 30)
        successor = fleet.leader
    takeover, takeover_at = time.monotonic(), time.time()
    log = successor.log()
    right = _await_right(fleet, takeover, patience)
    denied = [record for record in fleet.denials(successor.pod) if _time(record) <= takeover_at]
    return Outage(
        objects=len(fleet.names),
        lived=killed - began,
        until_takeover=takeover - changed,
        rejections=len(denied),
        in_outage=sum(_time(record) > killed_at for record in denied),
        right=right,
        log_lines=len(log),
        log_bytes=sum(len(line) + 1 for line in log),
        logged=next((line for line in reversed(log) if "admission webhook" in line), ""),
    )


def _await_right(fleet: Fleet, takeover: float, patience: float) -> tuple[float, ...]:
    """How long after the takeover each status came right, in order."""
    wrong = fleet.wrong()
    times = [0.0] * (len(fleet.names) - len(wrong))
    while wrong and time.monotonic() < takeover + patience:
        time.sleep(LOOK_SECONDS)
        still = fleet.wrong()
        times += [time.monotonic() - takeover] * (len(wrong) - len(still))
        wrong = still
    return tuple(times)


def _rejected(fleet: Fleet, since: float) -> set[tuple[str, str]]:
    """Which pods were rejected at which objects since then."""
    return {(record["requester"]["pod"], record["name"]) for record in fleet.denials() if _time(record) > since}


def _time(record: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(record["time"]).timestamp()
