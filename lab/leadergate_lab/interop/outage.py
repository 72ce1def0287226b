"""What a rejected operator goes through when its leader dies, and how long its statuses stay wrong after a takeover."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Any

from leadergate_lab.interop.fleet import Fleet

LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Outage:
    """The leader died, all specs changed, and a follower took over. Times in seconds.

    ``lived`` is how long the replicas had run when the leader died, ``until_takeover`` how long nobody led after the
    specs had changed. ``rejections`` are those of the pod that took over, from its start to the takeover, ``in_outage``
    those of them that came after the change; ``pauses`` is the median pause before an object's second attempt, its
    third and so on. ``right`` is, for each object whose status came right, how long after the takeover it did, in
    order; ``log_lines`` and ``log_bytes`` are what the pod logged until the takeover.
    """

    objects: int
    lived: float
    until_takeover: float
    rejections: int
    in_outage: int
    pauses: tuple[float, ...]
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


def outage(fleet: Fleet, *, lived: float = 0.0, patience: float) -> Outage:
    """Kill the leader, change all specs while its Lease still runs, and see how a follower gets the statuses right.

    The replicas first go on for ``lived`` seconds with nothing to do. After the takeover it waits for ``patience``
    seconds at most. Raises TimeoutError when nobody takes over.
    """
    began = time.monotonic()
    time.sleep(lived)
    leader = fleet.leader
    leader.process.kill()
    killed = time.monotonic()
    fleet.change(fleet.names, "https://example.org/during-the-outage")
    changed, changed_at = time.monotonic(), time.time()
    fleet.until(lambda: fleet.holder not in ("", leader.pod), "a takeover", fleet.timings.lease * 3 + 30)
    takeover, takeover_at = time.monotonic(), time.time()
    successor = fleet.leader
    log = successor.log()
    right = _await_right(fleet, takeover, patience)
    denied = [record for record in fleet.denials(successor.pod) if _time(record) <= takeover_at]
    return Outage(
        objects=len(fleet.names),
        lived=killed - began,
        until_takeover=takeover - changed,
        rejections=len(denied),
        in_outage=sum(_time(record) > changed_at for record in denied),
        pauses=_pauses(denied),
        right=right,
        log_lines=len(log),
        log_bytes=sum(len(line) + 1 for line in log),
        logged=next((line for line in reversed(log) if "admission webhook" in line), ""),
    )


def _await_right(fleet: Fleet, takeover: float, patience: float) -> tuple[float, ...]:
    """How long after the takeover each status came right, in order."""
    wrong, times = fleet.wrong(), [0.0] * (len(fleet.names) - len(fleet.wrong()))
    while wrong and time.monotonic() < takeover + patience:
        time.sleep(LOOK_SECONDS)
        still = fleet.wrong()
        times += [time.monotonic() - takeover] * (len(wrong) - len(still))
        wrong = still
    return tuple(times)


def _pauses(denied: Sequence[Mapping[str, Any]]) -> tuple[float, ...]:
    """The median pause before the second rejection of an object, the third and so on."""
    attempts: dict[str, list[float]] = defaultdict(list)
    for record in denied:
        attempts[record["name"]].append(_time(record))
    pauses = [[after - before for before, after in pairwise(times)] for times in attempts.values()]
    longest = max((len(found) for found in pauses), default=0)
    return tuple(median(found[at] for found in pauses if at < len(found)) for at in range(longest))


def _time(record: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(record["time"]).timestamp()
