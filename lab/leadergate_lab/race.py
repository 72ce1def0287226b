"""The race: pods write one object's status without pause while its Lease changes hands every few milliseconds.

Every request of the race is ours and its answer is awaited, so the answers are the whole history: each committed
change comes back with its ``resourceVersion``. An answer that does not tell what became of a write is kept as a fault,
since it would leave a gap.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

from leadergate_lab.history import Denial, LeaseChange, ObjectChange, Verdict, judge


@dataclass(frozen=True, slots=True)
class Course:
    """Where and how a race is run. ``lease`` and ``status`` are paths of the API; times in seconds."""

    server: str
    ca_file: str
    admin_token: str
    lease: str
    status: str
    pods: Mapping[str, str]
    writers: int = 8
    interval: float = 0.04
    takeovers: int = 300
    longest: float = 180.0


@dataclass(slots=True)
class Rejection:
    """A 403 as its writer saw it; ``known`` is the newest Lease revision acknowledged before the write was sent."""

    pod: str
    known: int
    uid: str


@dataclass(slots=True)
class Result:
    """What a race left behind."""

    lease: list[LeaseChange] = field(default_factory=list)
    objects: list[ObjectChange] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def judged(self, seen: Mapping[str, int]) -> Verdict:
        """The verdict on the history; ``seen`` tells by review uid which Lease revision a denial rested on.

        Raises KeyError for a rejection that has no record.
        """
        denials = [Denial(item.pod, item.known, seen[item.uid]) for item in self.rejections]
        return judge(self.lease, self.objects, denials)


def seen_revisions(records: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """From records: the Lease revision behind each denial, by review uid."""
    return {
        record["uid"]: int(record["lease"]["resourceVersion"])
        for record in records
        if record["verdict"] == "Deny" and record["lease"] is not None
    }


class _Race:
    def __init__(self, course: Course, session: aiohttp.ClientSession) -> None:
        self.course = course
        self.session = session
        self.result = Result()
        self.known = 0
        self.over = asyncio.Event()
        self._sequence = 0

    async def look(self) -> None:
        """Take in how Lease and object stand before the race, so that its history has a beginning."""
        _, lease = await self._call("GET", self.course.lease, self.course.admin_token)
        _, target = await self._call("GET", self.course.status, self.course.admin_token)
        self.known = int(lease["metadata"]["resourceVersion"])
        self.result.lease.append(LeaseChange(self.known, lease["spec"].get("holderIdentity", "")))
        revision = int(target["metadata"]["resourceVersion"])
        self.result.objects.append(ObjectChange(self.course.status, revision, None))

    async def hand_over(self) -> None:
        """Pass the Lease on, from pod to pod, until there were takeovers enough."""
        course = self.course
        pods = list(course.pods)
        end = time.monotonic() + course.longest
        for turn in range(1, course.takeovers + 1):
            began = time.monotonic()
            if began > end:
                break
            holder = pods[turn % len(pods)]
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            spec = {"holderIdentity": holder, "acquireTime": now, "renewTime": now, "leaseTransitions": turn}
            code, answer = await self._patch(course.lease, course.admin_token, {"spec": spec})
            if code != 200:
                self.result.faults[f"Lease: {code} {answer.get('message', '')}"] += 1
                continue
            self.known = int(answer["metadata"]["resourceVersion"])
            self.result.lease.append(LeaseChange(self.known, holder))
            await asyncio.sleep(max(0.0, course.interval - (time.monotonic() - began)))
        self.over.set()

    async def write(self, pod: str, token: str) -> None:
        """Write the status without pause, as ``pod``, until the race is over."""
        while not self.over.is_set():
            known = self.known
            self._sequence += 1
            body = {"status": {"writtenBy": pod, "sequence": self._sequence}}
            code, answer = await self._patch(self.course.status, token, body)
            if code == 200:
                revision = int(answer["metadata"]["resourceVersion"])
                self.result.objects.append(ObjectChange(self.course.status, revision, pod))
            elif code == 403 and (uid := _review_uid(answer)):
                self.result.rejections.append(Rejection(pod, known, uid))
            elif code != 409:
                self.result.faults[f"status: {code} {answer.get('message', '')}"] += 1

    async def _patch(self, path: str, token: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        return await self._call("PATCH", path, token, json.dumps(body))

    async def _call(self, method: str, path: str, token: str, data: str | None = None) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"}
        async with self.session.request(method, self.course.server + path, data=data, headers=headers) as answer:
            return answer.status, await answer.json()


def _review_uid(answer: Mapping[str, Any]) -> str:
    causes = answer.get("details", {}).get("causes", [])
    return next((str(cause["message"]) for cause in causes if cause["reason"] == "ReviewUID"), "")


async def run(course: Course) -> Result:
    """Run one race to its end."""
    tls = ssl.create_default_context(cafile=course.ca_file)
    began = time.monotonic()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, ssl=tls)) as session:
        race = _Race(course, session)
        await race.look()
        async with asyncio.TaskGroup() as group:
            group.create_task(race.hand_over())
            for pod, token in course.pods.items():
                for _ in range(course.writers):
                    group.create_task(race.write(pod, token))
    race.result.seconds = time.monotonic() - began
    return race.result
