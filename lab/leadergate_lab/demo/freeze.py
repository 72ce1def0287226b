"""The step that client-side gating cannot survive: the leader stands still while the world moves on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from rich.text import Text

from leadergate_lab.demo.leaders import await_takeover
from leadergate_lab.demo.place import CHANGED, LEASES, OTHER, REDIRECTS, TARGETS
from leadergate_lab.demo.replicas import Replica
from leadergate_lab.demo.stage import DemoFault, Stage
from leadergate_lab.demo.summary import FORBIDDEN, goes_back, judged, writer
from leadergate_lab.demo.view import follow
from leadergate_lab.demo.voice import Voice, table
from leadergate_lab.recorder import Change

_Found = TypeVar("_Found")
ROUNDS = 4
NEWS = 200
"""Changes that the frozen one has to read before it learns of the one that matters. Its resync timer has long run out
by then, so it writes while it reads: a thread of Python gives way every 5 ms, which is some 20 changes."""
CHANGES = 10
PATIENCE_SECONDS = 20.0
SETTLE_SECONDS = 3.0
REST_SECONDS = 0.15
CALM_SECONDS = 0.25
"""Whoever wrote that recently does not write soon again: the resync comes every half second."""
AFTERMATH_SECONDS = 2.0
MARKED = ("verdict", "reason", "message", "standing", "heldUntil", "pod", "holder", "name")


@dataclass(frozen=True, slots=True)
class Moment:
    """How things stood when the old leader was thawed."""

    old: Replica
    holder: str
    attempts: int
    rejections: int
    revision: int
    generation: int


def freeze(stage: Stage, voice: Voice) -> bool:
    """Freeze and thaw the leader until it was seen to write what is stale; False if it never did."""
    voice.step(
        5,
        "The leader is frozen, and thawed",
        "SIGSTOP stands for a long pause: a swapping machine, a suspended VM, a stalled network. It cannot notice that"
        " it lost the Lease, and a check in its own code (if leading: write) passes before the pause and writes after"
        " it. Only the one who commits can refuse.",
    )
    shown = False
    for turn in range(1, ROUNDS + 1):
        if turn > 1:
            voice.say("once more")
        moment = _freeze_and_thaw(stage, voice, turn)
        shown |= _rejected(stage, voice, moment) if stage.gated else _overwrote(stage, voice, moment)
        follow(stage, voice, AFTERMATH_SECONDS)
        if shown and (stage.gated or _stale_overwrites(stage) > 0):
            break
    return shown


def _freeze_and_thaw(stage: Stage, voice: Voice, turn: int) -> Moment:
    old = stage.replica(stage.holder)
    # Between two bursts of writes: one under way would be finished first, and its followers would come late.
    stage.comes_true(lambda: old.rested() > REST_SECONDS, PATIENCE_SECONDS)
    began = time.monotonic()
    old.freeze()
    voice.say(f"froze {old.pod}, process {old.process.pid}: it keeps its memory, its connections and its beliefs")
    await_takeover(stage, voice, old, began, "the freeze")
    for count in range(NEWS):
        stage.annotate(OTHER, f"change {count} of round {turn}")
    voice.say(
        f"the world goes on: {NEWS} changes of Redirect {OTHER}'s annotations, which {old.pod} will have to catch up on"
    )
    generation = _change_spec(stage, voice, old)
    voice.say(f"{stage.holder} wrote its status: {_told(stage.redirect(CHANGED))}")
    moment = Moment(
        old=old,
        holder=stage.holder,
        attempts=len(old.writes()),
        rejections=len(stage.rejections()),
        revision=int(stage.redirect(CHANGED)["metadata"]["resourceVersion"]),
        generation=generation,
    )
    old.thaw()
    voice.say(f"thawed {old.pod}: it goes on where it stood, with what it knew then")
    return moment


def _change_spec(stage: Stage, voice: Voice, old: Replica) -> int:
    """Change the spec, until its generation's status is what the holder wrote last; returns that generation."""
    for _ in range(CHANGES):
        version = int(stage.redirect(CHANGED)["metadata"]["generation"]) + 1
        target = TARGETS[CHANGED].removesuffix("1") + str(version)
        generation = int(stage.change(CHANGED, target)["metadata"]["generation"])
        voice.say(f"changed the spec of Redirect {CHANGED}: generation {generation}, to {target}")
        if stage.comes_true(partial(_is_settled, stage, old, generation), SETTLE_SECONDS):
            return generation
        voice.say("the followers, whom no gate stops, keep writing after the holder; once more")
    raise DemoFault(f"the status of Redirect {CHANGED} was not written by the holder last, in {CHANGES} attempts")


def _is_settled(stage: Stage, old: Replica, generation: int) -> bool:
    """Whether all but the frozen one know the generation, the holder wrote its status last, and nobody is about to."""
    status = stage.redirect(CHANGED).get("status", {})
    if (status.get("observedGeneration"), status.get("writtenBy")) != (generation, stage.holder):
        return False
    others = [replica for replica in stage.alive if replica is not old]
    if stage.holder == old.pod or any(_newest(replica) < generation for replica in others):
        return False
    # Where followers are rejected it does not matter when they write.
    return stage.gated or all(replica.rested() < CALM_SECONDS for replica in others)


def _newest(replica: Replica) -> int:
    """The newest generation that it tried to write the status of."""
    return max((int(line["generation"]) for line in replica.writes() if line["redirect"] == CHANGED), default=0)


def _rejected(stage: Stage, voice: Voice, moment: Moment) -> bool:
    found = _await(stage, moment, lambda: _attempt(moment))
    if int(found["generation"]) >= moment.generation:
        voice.say(f"{moment.old.pod} was rejected, but it had learned of the change before: its write was not stale")
        return False
    record = next(record for record in stage.rejections()[moment.rejections :] if _is_by(record, moment.old))
    voice.say(
        f"{moment.old.pod} wrote the status of generation {found['generation']}, which is stale: REJECTED",
        style="bold red",
    )
    voice.say("what the operator got, by its own log:")
    voice.quote(f"{found['code']}: {found['message']}", style="red")
    voice.say("the record that the gate had written before it answered:")
    voice.json(record, MARKED)
    _tell_belief(voice, moment.old)
    voice.say(f"the status as stored: {_told(stage.redirect(CHANGED))}", style="bold green")
    return True


def _overwrote(stage: Stage, voice: Voice, moment: Moment) -> bool:
    change = _await(stage, moment, lambda: _commit(stage, moment))
    if change.before is None or not goes_back(change):
        voice.say(f"{moment.old.pod} wrote, but it had learned of the change before: its write was not stale")
        return False
    voice.say(
        f"{moment.old.pod} wrote what it still believed, and it was ACCEPTED: a stale overwrite", style="bold red"
    )
    shown = table("", "before", "after")
    for name in ("writtenBy", "observedGeneration"):
        shown.add_row(name, str(change.before["status"][name]), Text(str(change.now["status"][name]), "bold red"))
    shown.add_row("message", *(item["status"]["conditions"][0]["message"] for item in (change.before, change.now)))
    shown.add_row("resourceVersion", *(item["metadata"]["resourceVersion"] for item in (change.before, change.now)))
    voice.show(shown)
    voice.say(f"the spec is of generation {moment.generation}: the status now speaks of what is no more")
    _tell_belief(voice, moment.old)
    if change.before["status"]["writtenBy"] != moment.holder:
        voice.say("what it replaced a follower had written, after the holder: the checker counts that as G1, not as G2")
    return True


def _stale_overwrites(stage: Stage) -> int:
    """Those that the checker finds in the history so far."""
    return judged(stage.recorder.changes(LEASES), stage.recorder.changes(REDIRECTS)).count("G2")


def _await(stage: Stage, moment: Moment, look: Callable[[], _Found | None]) -> _Found:
    """What is looked for, once it is there."""
    found: list[_Found] = []

    def is_there() -> bool:
        if (seen := look()) is not None:
            found.append(seen)
        return bool(found)

    stage.wait(is_there, what=f"{moment.old.pod} writes the status of {CHANGED}", timeout=PATIENCE_SECONDS)
    return found[0]


def _attempt(moment: Moment) -> dict[str, Any] | None:
    """Its first rejected attempt since the thaw. One that was accepted may have been under way when it was frozen."""
    fresh = moment.old.writes()[moment.attempts :]
    return next((line for line in fresh if line["redirect"] == CHANGED and line["code"] == FORBIDDEN), None)


def _commit(stage: Stage, moment: Moment) -> Change | None:
    """Its first status write that was committed since the thaw."""
    fresh = [change for change in stage.recorder.changes(REDIRECTS) if change.revision > moment.revision]
    return next((change for change in fresh if change.name == CHANGED and writer(change) == moment.old.pod), None)


def _is_by(record: dict[str, Any], replica: Replica) -> bool:
    return bool(record["name"] == CHANGED and record["requester"]["pod"] == replica.pod)


def _tell_belief(voice: Voice, replica: Replica) -> None:
    """Ask the thawed one, right after its write, whether it leads."""
    believes = json.loads(replica.get("/healthz").body)["leading"]
    voice.say(
        f"asked now, {replica.pod} says that it leads: a check of its own would have let it write"
        if believes
        else f"asked now, {replica.pod} says that it does not lead: it has learned of the takeover since"
    )


def _told(item: dict[str, Any]) -> str:
    status = item["status"]
    return f"observedGeneration {status['observedGeneration']}, writtenBy {status['writtenBy']}"
