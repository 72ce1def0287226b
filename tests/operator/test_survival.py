"""Replicas outlive what happens to them and to the API server; leadership moves on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.demo.link import Link
from leadergate_operator.informer import RETRY_SECONDS

from .conftest import CALM, NEVER, PATIENCE, Fleet, Replica

ENDING = ("stopping", "status_write", "stopped_leading", "released", "stopped")


def leader_of(fleet: Fleet) -> Replica:
    """Wait until exactly one replica leads and holds the Lease."""
    alive = [replica for replica in fleet.replicas if replica.process.running]

    def leading() -> list[Replica]:
        return [replica for replica in alive if replica.health()["leading"]]

    fleet.until(lambda: [replica.pod for replica in leading()] == [fleet.holder()], "one leader")
    return next(replica for replica in alive if replica.pod == fleet.holder())


@contextmanager
def outage(control_plane: ControlPlane) -> Iterator[None]:
    """Kill the API server and start it again afterwards, come what may; it keeps nothing but what etcd has."""
    control_plane.apiserver.kill()
    try:
        yield
    finally:
        control_plane.apiserver.start()


def test_one_leader_and_a_takeover(fleet: Fleet) -> None:
    """One replica leads and the others know it; when it is killed another takes over."""
    fleet.start(3, *CALM)
    first = leader_of(fleet)
    fleet.all_until(lambda replica: replica.health()["leader"] == first.pod, "the leader's name")
    first.process.kill()
    fleet.run_out()
    second = leader_of(fleet)
    assert second.pod != first.pod
    second.until(lambda: bool(second.log("leading")), "it says so")


def test_an_api_server_restart_is_survived(fleet: Fleet, control_plane: ControlPlane) -> None:
    """Killed and started again, the API server finds every replica watching, writing and electing.

    While it was missing nobody hammered it, however fast attempts fail: there is a pause between two attempts to watch.
    And each line of their logs is one object with a time, a level, an event and the pod.
    """
    fleet.start(3, *CALM, "--resync-seconds", "0.5")
    fleet.create("before", "/before", "https://one.example")
    fleet.all_until(lambda replica: bool(replica.writes("before", "accepted")), "the first write")
    leader_of(fleet)
    with outage(control_plane):
        fleet.all_until(lambda replica: len(replica.log("watch_failed")) >= 4, "four attempts at the broken watch")
        fleet.all_until(lambda replica: bool(replica.log("lease_request_failed")), "the broken election")
        fleet.all_until(lambda replica: bool(replica.writes("before", "failed")), "the failed write")
        assert [replica.get("/before").status for replica in fleet.replicas] == [302, 302, 302]
    fleet.create("after", "/after", "https://two.example")
    fleet.all_until(lambda replica: set(replica.table()) == {"/before", "/after"}, "the new redirect")
    fleet.all_until(lambda replica: bool(replica.writes("after", "accepted")), "the write of the new one")
    leader_of(fleet)
    for replica in fleet.replicas:
        moments = [datetime.fromisoformat(line["time"]) for line in replica.log("watch_failed")]
        # The log's clock is not the one that the pause is measured by.
        slack = 0.1
        assert min((b - a).total_seconds() for a, b in pairwise(moments)) > RETRY_SECONDS - slack
        for line in replica.log():
            assert {"time", "level", "event", "pod"} <= set(line)
            assert line["pod"] == replica.pod


def test_a_frozen_replica_catches_up(fleet: Fleet, control_plane: ControlPlane) -> None:
    """Thawed after its place in history has expired (410), it lists anew and drops what is gone."""
    replica = fleet.start(1, "--resync-seconds", str(NEVER))[0]
    fleet.create("gone", "/gone", "https://one.example")
    replica.until(lambda: set(replica.table()) == {"/gone"}, "the first redirect")
    replica.process.freeze()
    # The first restart ends the frozen replica's watch before the deletion, the second makes the API server forget
    # all that came before its start, the deletion included.
    with outage(control_plane):
        pass
    fleet.delete("gone")
    with outage(control_plane):
        pass
    replica.process.thaw()
    replica.until(lambda: replica.table() == {}, "an empty table")
    assert 410 in {line["code"] for line in replica.log("watch_failed")}
    assert replica.metric("leadergate_operator_watch_failures_total", code="410") == 1
    assert replica.metric("leadergate_operator_lists_total") == 2
    fleet.create("new", "/new", "https://two.example")
    replica.until(lambda: set(replica.table()) == {"/new"}, "the new redirect")


def test_sigterm_ends_it_in_order(fleet: Fleet) -> None:
    """Exit code 0, and the log ends with the end."""
    replica = fleet.start(1)[0]
    assert replica.process.stop() == 0
    assert replica.log()[-1]["event"] == "stopped"
    assert [line for line in replica.log() if line["level"] != "info"] == []


def test_sigterm_lets_what_is_under_way_finish_and_then_hands_over(fleet: Fleet, link: Link) -> None:
    """The write under way ends while it still leads; then it stops leading, releases the Lease and serves no more."""
    options = (*CALM, "--resync-seconds", "0.2", "--log-level", "debug")
    replica = fleet.launch("pod-0", *options, server=link.url)
    replica.until(replica.is_ready, "ready")
    fleet.create("docs", "/docs", "https://one.example")
    fleet.leader()

    def under_way() -> bool:
        return len(replica.log("status_write_begins")) > len(replica.log("status_write"))

    def rests() -> bool:
        """Hold the link, and see whether nothing is under way that may have passed before."""
        link.hold()
        if not under_way():
            return True
        link.release()
        return False

    replica.until(rests, "a moment without a write")
    replica.until(under_way, "a write under way")
    replica.process.signal(signal.SIGTERM)
    replica.until(lambda: bool(replica.log("stopping")), "it is stopping")
    begun = len(replica.log("status_write_begins"))
    assert replica.get("/readyz").status == 503
    assert replica.get("/docs").status == 302
    link.release()
    # It was told to end already, and a second SIGTERM may find it without a handler.
    fleet.until(lambda: not replica.process.running, "it has ended")
    assert replica.process.returncode == 0
    told = [line["event"] for line in replica.log() if line["event"] in ENDING]
    assert told[told.index("stopping") :] == ["stopping", "status_write", "stopped_leading", "released", "stopped"]
    assert replica.writes("docs")[-1]["outcome"] == "accepted"
    assert len(replica.log("status_write_begins")) == begun
    assert fleet.holder() is None


def test_a_released_lease_is_taken_soon(fleet: Fleet) -> None:
    """A leader that is stopped hands over: its successor does not wait for the Lease to expire, in an hour."""
    fleet.start(2, *CALM, "--lease-duration", "3600")
    first = fleet.leader()
    assert first.process.stop(PATIENCE) == 0
    fleet.until(lambda: fleet.holder() not in (None, first.pod), "a successor")


def test_sigterm_ends_it_while_the_api_server_hangs(fleet: Fleet, control_plane: ControlPlane) -> None:
    """Writes under way end by their timeout, and then the process does."""
    election = ("--lease-duration", "3", "--renew-deadline", "2", "--retry-period", "1")
    replica = fleet.start(1, *election, "--resync-seconds", "0.2", "--write-timeout", "3")[0]
    fleet.create("docs", "/docs", "https://one.example")
    replica.until(lambda: bool(replica.writes("docs", "accepted")), "a write")
    control_plane.apiserver.freeze()
    try:
        replica.until(lambda: bool(replica.writes("docs", "failed")), "a write that timed out")
        assert replica.get("/docs").status == 302
        assert replica.process.stop(timeout=PATIENCE) == 0
    finally:
        control_plane.apiserver.thaw()
    assert replica.log()[-1]["event"] == "stopped"
