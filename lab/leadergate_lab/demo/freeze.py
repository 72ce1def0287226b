"""The step that a check in the operator cannot survive: the leader stands still between its check and its commit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from rich.text import Text

from leadergate_lab.demo.leaders import await_takeover
from leadergate_lab.demo.place import CHANGED, TARGETS
from leadergate_lab.demo.replicas import Replica
from leadergate_lab.demo.stage import DemoFault, Stage
from leadergate_lab.demo.summary import goes_back, writer
from leadergate_lab.demo.view import follow
from leadergate_lab.demo.voice import Voice, table
from leadergate_lab.recorder import Change

_Found = TypeVar("_Found")
ATTEMPTS = 50
PATIENCE_SECONDS = 60.0
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
    """Freeze and thaw the leader with a write under way; whether that write was stale, and seen to end as it must."""
    old = stage.replica(stage.holder)
    began = time.monotonic()
    line = _catch(stage, old)
    voice.say(f"froze {old.pod}, process {old.process.pid}, with a status write under way; by its own log:")
    voice.quote(json.dumps({key: line[key] for key in ("event", "redirect", "generation", "leading")}))
    await_takeover(stage, voice, old, began, "the freeze")
    generation = _change_spec(stage, voice)
    moment = Moment(
        old=old,
        attempts=len(old.writes()),
        rejections=len(stage.rejections()),
        revision=int(stage.redirect(CHANGED)["metadata"]["resourceVersion"]),
        generation=generation,
    )
    old.thaw()
    voice.say(f"thawed {old.pod}: it goes on where it stood, and so does its write")
    shown = _rejected(stage, voice, moment) if stage.gated else _overwrote(stage, voice, moment)
    follow(stage, voice, AFTERMATH_SECONDS)
    return shown


def _catch(stage: Stage, old: Replica) -> dict[str, Any]:
    """Halt it with a write under way that nobody has seen yet. Returns the line that it logged before that write.

    First its packets stand still, as they do when a whole machine is halted, and then, when it has begun a write, the
    process. So the write has passed whatever check there is, and has not arrived.
    """
    for _ in range(ATTEMPTS):
        stage.wait(lambda: not old.under_way(CHANGED), what=f"{old.pod} rests", timeout=PATIENCE_SECONDS)
        old.link.hold()
        if not old.under_way(CHANGED):
            break
        # It began in between, and may have passed.
        old.link.release()
    else:
        raise DemoFault(f"{old.pod} never rested")
    stage.wait(lambda: bool(old.under_way(CHANGED)), what=f"{old.pod} begins a write", timeout=PATIENCE_SECONDS)
    old.freeze()
    return old.under_way(CHANGED)[0]


def _change_spec(stage: Stage, voice: Voice) -> int:
    """Change the spec and wait until the holder has written its status; returns the new generation."""
    version = int(stage.redirect(CHANGED)["metadata"]["generation"]) + 1
    target = TARGETS[CHANGED].removesuffix("1") + str(version)
    generation = int(stage.change(CHANGED, target)["metadata"]["generation"])
    voice.say(f"changed the spec of Redirect {CHANGED}: generation {generation}, to {target}")

    def written() -> bool:
        status = stage.redirect(CHANGED).get("status", {})
        return (status.get("observedGeneration"), status.get("writtenBy")) == (generation, stage.holder)

    stage.wait(written, what=f"the holder writes the status of {CHANGED}", timeout=PATIENCE_SECONDS)
    voice.say(f"{stage.holder} wrote its status: {_told(stage.redirect(CHANGED))}")
    return generation


def _rejected(stage: Stage, voice: Voice, moment: Moment) -> bool:
    found = _await(stage, moment, lambda: _attempt(moment))
    if found["outcome"] != "rejected" or int(found["generation"]) >= moment.generation:
        voice.say(f"the write of {moment.old.pod} ended otherwise: {json.dumps(found)}", style="bold red")
        return False
    record = next(record for record in stage.rejections()[moment.rejections :] if _is_by(record, moment.old))
    voice.say(
        f"{moment.old.pod} wrote the status of generation {found['generation']}, which is stale: REJECTED",
        style="bold red",
    )
    voice.say(f"what the operator got, by its own log, at level {found['level']}: a rejection is an expected answer")
    voice.quote(f"{found['code']} {found['reason']}: {found['message']}", style="red")
    voice.say("the record that the gate had written before it answered:")
    voice.json(record, MARKED)
    _tell_belief(voice, moment.old)
    voice.say(f"the status as stored: {_told(stage.redirect(CHANGED))}", style="bold green")
    return True


def _overwrote(stage: Stage, voice: Voice, moment: Moment) -> bool:
    change = _await(stage, moment, lambda: _commit(stage, moment))
    if change.before is None or not goes_back(change):
        voice.say(f"the write of {moment.old.pod} took nothing back", style="bold red")
        return False
    voice.say(
        f"the write of {moment.old.pod} was ACCEPTED: a stale overwrite, though it had checked that it leads",
        style="bold red",
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

    stage.wait(is_there, what=f"the write of {moment.old.pod} to {CHANGED} ends", timeout=PATIENCE_SECONDS)
    return found[0]


def _attempt(moment: Moment) -> dict[str, Any] | None:
    """How its write ended that was under way."""
    return next((line for line in moment.old.writes()[moment.attempts :] if line["redirect"] == CHANGED), None)


def _commit(stage: Stage, moment: Moment) -> Change | None:
    """Its first status write that was committed since the thaw."""
    fresh = [change for change in stage.recorder.changes(stage.place.redirects) if change.revision > moment.revision]
    return next((change for change in fresh if change.name == CHANGED and writer(change) == moment.old.pod), None)


def _is_by(record: dict[str, Any], replica: Replica) -> bool:
    return bool(record["name"] == CHANGED and record["requester"]["pod"] == replica.pod)


def _tell_belief(voice: Voice, replica: Replica) -> None:
    """Ask the thawed one, right after its write, whether it leads."""
    believes = json.loads(replica.get("/healthz").body)["leading"]
    voice.say(
        f"asked now, {replica.pod} says that it leads"
        if believes
        else f"asked now, {replica.pod} says that it does not lead, and it is right: but its check was before the pause"
    )


def _told(item: dict[str, Any]) -> str:
    status = item["status"]
    return f"observedGeneration {status['observedGeneration']}, writtenBy {status['writtenBy']}"
