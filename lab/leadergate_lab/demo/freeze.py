"""The step that client-side gating cannot survive: the leader stands still while the world moves on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from rich.text import Text

from leadergate_lab.demo.leaders import await_takeover
from leadergate_lab.demo.place import CHANGED, OTHER, REDIRECTS, TARGETS
from leadergate_lab.demo.replicas import Replica
from leadergate_lab.demo.stage import Stage
from leadergate_lab.demo.summary import FORBIDDEN, goes_back, writer
from leadergate_lab.demo.view import follow
from leadergate_lab.demo.voice import Voice, table
from leadergate_lab.recorder import Change

_Found = TypeVar("_Found")
ROUNDS = 4
NEWS = 200
"""Changes that the frozen one has to read before it learns of the one that matters. Its resync timer has long run out
by then, so it writes while it reads: a thread of Python gives way every 5 ms, which is some 20 changes."""
PATIENCE_SECONDS = 20.0
AFTERMATH_SECONDS = 2.0
MARKED = ("verdict", "reason", "message", "standing", "heldUntil", "pod", "holder", "name")


@dataclass(frozen=True, slots=True)
class Moment:
    """How things stood when the old leader was thawed."""

    old: Replica
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
    for turn in range(1, ROUNDS + 1):
        moment = _freeze_and_thaw(stage, voice, turn)
        if _rejected(stage, voice, moment) if stage.gated else _overwrote(stage, voice, moment):
            follow(stage, voice, AFTERMATH_SECONDS)
            return True
        voice.say(f"{moment.old.pod} learned of the change before it wrote, so its write was not stale: once more")
    return False


def _freeze_and_thaw(stage: Stage, voice: Voice, turn: int) -> Moment:
    old = stage.replica(stage.holder)
    began = time.monotonic()
    old.freeze()
    voice.say(f"froze {old.pod}, process {old.process.pid}: it keeps its memory, its connections and its beliefs")
    await_takeover(stage, voice, old, began, "the freeze")
    for count in range(NEWS):
        stage.annotate(OTHER, f"change {count} of round {turn}")
    voice.say(
        f"the world goes on: {NEWS} changes of Redirect {OTHER}'s annotations, which {old.pod} will have to catch up on"
    )
    target = f"{TARGETS[CHANGED].removesuffix('1')}{turn + 1}"
    generation = int(stage.change(CHANGED, target)["metadata"]["generation"])
    voice.say(f"changed the spec of Redirect {CHANGED}: generation {generation}, to {target}")

    def is_written() -> bool:
        status: dict[str, object] = stage.redirect(CHANGED).get("status", {})
        by = status.get("writtenBy")
        return status.get("observedGeneration") == generation and by == stage.holder and by != old.pod

    stage.wait(is_written, what=f"the holder writes the status of generation {generation}", timeout=PATIENCE_SECONDS)
    voice.say(f"{stage.holder} wrote its status: {_told(stage.redirect(CHANGED))}")
    moment = Moment(
        old=old,
        attempts=len(old.writes()),
        rejections=len(stage.rejections()),
        revision=int(stage.redirect(CHANGED)["metadata"]["resourceVersion"]),
        generation=generation,
    )
    old.thaw()
    voice.say(f"thawed {old.pod}: it goes on where it stood, with what it knew then")
    return moment


def _rejected(stage: Stage, voice: Voice, moment: Moment) -> bool:
    found = _await(stage, moment, lambda: _attempt(moment))
    if int(found["generation"]) >= moment.generation:
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
    voice.say(f"the status is untouched: {_told(stage.redirect(CHANGED))}", style="bold green")
    return True


def _overwrote(stage: Stage, voice: Voice, moment: Moment) -> bool:
    change = _await(stage, moment, lambda: _commit(stage, moment))
    if not goes_back(change) or change.before is None:
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
    return True


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
