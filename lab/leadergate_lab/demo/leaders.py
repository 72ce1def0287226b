"""The steps in the middle: three replicas serve, everyone writes, and the leader is killed."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial

from leadergate_lab.demo.place import LEASE, TARGETS
from leadergate_lab.demo.replicas import LEASE_SECONDS, RESYNC_SECONDS, Replica
from leadergate_lab.demo.stage import Stage
from leadergate_lab.demo.view import follow, follow_until
from leadergate_lab.demo.voice import Voice, table

REPLICAS = 3
VIEW_SECONDS = 4.0
READY_SECONDS = 60.0
TAKEOVER_SECONDS = 60.0
WRITE_SECONDS = 60.0


def serve(stage: Stage, voice: Voice, ending: ExitStack) -> None:
    """Start the replicas and ask each of them for each redirect."""
    writes = (
        f" But each one also writes every status, every {RESYNC_SECONDS:g} s, and none asks whether it leads."
        if stage.gated
        else " A status is written only by the one that leads, as operators do it: if leading: write. Each replica asks"
        " its own elector."
    )
    voice.step(
        2,
        "Three replicas of the operator",
        "Each one must reconcile, for each serves the whole table: leadership cannot simply switch the others off."
        + writes,
    )
    ending.callback(stage.stop_replicas)
    option = "server" if stage.gated else "client"
    with voice.doing(
        f"starting {REPLICAS} replicas",
        f"started {REPLICAS} with --status-gate={option}, each with a token bound to its own Pod",
    ):
        launch(stage, REPLICAS)
    shown = table("Pod", "GET", "answer", "Location")
    for replica in stage.replicas:
        for name in TARGETS:
            answer = replica.get(f"/{name}")
            shown.add_row(replica.pod, f"/{name}", str(answer.status), answer.location)
    voice.say("asked over HTTP, each of them serves the whole table:")
    voice.show(shown)


def launch(stage: Stage, count: int) -> None:
    """Start replicas, and wait until all of them serve and one of them leads."""
    for number in range(count):
        stage.launch(number)
    for replica in stage.replicas:
        stage.wait(partial(serves_all, replica), what=f"{replica.pod} serves the table", timeout=READY_SECONDS)
    stage.wait(lambda: stage.holder != "", what="a replica holds the Lease", timeout=TAKEOVER_SECONDS)


def compete(stage: Stage, voice: Voice) -> None:
    """Watch who writes."""
    if stage.gated:
        title = "Everyone writes"
        outcome = (
            "The API server asks the gate about each of these writes, and the gate reads the Lease: only what the"
            " holder writes comes through. For a follower a rejection is routine: it logs it once, serves on, and"
            " tries again when the Redirect changes or when it becomes the leader."
        )
    else:
        title = "The leader writes"
        outcome = "Followers ask their elector, and do not write. Nobody else asks: the API server takes what comes."
    voice.step(3, title, outcome)
    follow(stage, voice, VIEW_SECONDS)


def kill(stage: Stage, voice: Voice) -> None:
    """Kill the leader; another takes over, and a new Pod takes its place."""
    voice.step(
        4,
        "The leader is killed",
        f"kill -9: it gives nothing back. The others may take the Lease {stage.place.namespace}/{LEASE} once it has not"
        f" been renewed for {LEASE_SECONDS} s; then the new holder's writes must come through at once.",
    )
    leader = stage.replica(stage.holder)
    began = time.monotonic()
    leader.kill()
    voice.say(f"killed {leader.pod}, process {leader.process.pid}")
    stage.delete_pod(leader.pod)
    successor = stage.launch(max(replica.number for replica in stage.replicas) + 1)
    voice.say(f"deleted its Pod; {successor.pod} starts in its place")
    await_takeover(stage, voice, leader, began, "the kill")
    stage.wait(lambda: serves_all(successor), what=f"{successor.pod} serves the table", timeout=READY_SECONDS)
    voice.say(f"{successor.pod} serves the table: there are {len(stage.alive)} again")


def await_takeover(stage: Stage, voice: Voice, before: Replica, began: float, since: str) -> Replica:
    """Show what happens until another replica holds the Lease and has written a status; returns it.

    ``began`` is when (``time.monotonic()``) that happened which ``since`` names.
    """

    def taken() -> bool:
        return stage.holder not in ("", before.pod)

    follow_until(stage, voice, taken, what="another replica takes the Lease", timeout=TAKEOVER_SECONDS)
    took = time.monotonic() - began
    new = stage.replica(stage.holder)
    voice.say(f"takeover: {new.pod} holds the Lease, {took:.1f} s after {since}", style="bold")
    written = {replica.pod: replica.accepted() for replica in stage.alive}

    def has_written() -> bool:
        nonlocal new
        new = stage.replica(stage.holder)  # on a machine that is very busy, yet another one
        return new is not before and new.accepted() > written[new.pod]

    stage.wait(has_written, what="a status write of the new holder is accepted", timeout=WRITE_SECONDS)
    voice.say(f"{new.pod} has written a status as the holder")
    return new


def serves_all(replica: Replica) -> bool:
    """Whether it serves every Redirect as it was first made."""
    return all(replica.serves(f"/{name}", target) for name, target in TARGETS.items())
