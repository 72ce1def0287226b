"""Our elector and client-go's take turns on one Lease."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.demo.lines import JsonLines
from leadergate_lab.interop.fleet import PATIENCE
from leadergate_lab.interop.operators import Timings
from leadergate_lab.interop.place import RULES, allow
from leadergate_lab.processes import ManagedProcess, python_environment
from leadergate_lab.recorder import Recorder

LEASE = "taken-in-turns"
UNTIL_EXPIRY = Timings(8, 7, 1)
CALM = Timings(60, 40, 1)
"""For who waits for no expiry: no busy machine makes a leader lose its Lease by these."""

MERGE = "application/merge-patch+json"
KEPT = {"labels": {"example.org/label": "kept"}, "annotations": {"example.org/annotation": "kept"}}
"""What somebody else has put on the Lease, and no elector knows of."""

Build = Callable[["Election", str], "Elector"]


class Elector:
    """A process that takes part in the election, and whom it has seen to lead."""

    def __init__(
        self, identity: str, process: ManagedProcess, log: Path, seen: Callable[[dict[str, Any]], str]
    ) -> None:
        self.identity = identity
        self.process = process
        self._log = JsonLines(log)
        self._seen = seen

    def has_seen(self, leader: str) -> bool:
        """Whether it took ``leader`` for the leader last."""
        seen = [found for line in self._log.all() if (found := self._seen(line))]
        return bool(seen) and seen[-1] == leader


class Election:
    """A namespace with a Lease, and all that becomes of it."""

    def __init__(self, plane: ControlPlane, namespace: str, timings: Timings, goelector: Path, log_dir: Path) -> None:
        self.plane = plane
        self.timings = timings
        self.namespace = namespace
        self.goelector = goelector
        self.log_dir = log_dir
        self.leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self.electors: list[Elector] = []
        self._numbers = itertools.count(1)
        cluster = plane.cluster
        cluster.namespace(namespace)
        cluster.service_account(namespace, "elector")
        subject = {"kind": "ServiceAccount", "namespace": namespace, "name": "elector"}
        allow(cluster, namespace, "elector", RULES, subject)
        token = cluster.service_account_token(namespace, "elector")
        self.kubeconfig = cluster.kubeconfig(namespace, token=token, namespace=namespace)
        self.recorder = Recorder(
            server=plane.url, ca_file=str(plane.ca_file), token=plane.admin_token, paths=[self.leases]
        )

    @property
    def lease(self) -> dict[str, Any]:
        """The Lease as last seen; empty before there is one."""
        return self.recorder.standing(self.leases).get(LEASE, {})

    @property
    def holder(self) -> str:
        """Who holds it, empty for nobody."""
        return str(self.lease.get("spec", {}).get("holderIdentity") or "")

    def start(self, build: Build) -> Elector:
        """Start one more elector."""
        elector = build(self, f"{build.__name__}-{next(self._numbers)}")
        self.electors.append(elector)
        elector.process.start()
        return elector

    def until(self, elector: Elector, condition: Callable[[], bool], what: str) -> None:
        """Wait for something while ``elector`` runs."""
        elector.process.wait_until(condition, what=f"{elector.identity}: {what}", timeout=PATIENCE)

    def until_held_by(self, elector: Elector) -> None:
        """Wait until it holds the Lease."""
        self.until(elector, lambda: self.holder == elector.identity, "holds the Lease")

    def end(self) -> None:
        """Kill all electors."""
        for elector in self.electors:
            elector.process.kill()


def ours(election: Election, identity: str) -> Elector:
    """The elector of leadergate_election, as a process of its own."""
    argv = [sys.executable, "-m", "leadergate_election", "--identity", identity, "--namespace", election.namespace]
    argv += ["--lease-name", LEASE, "--kubeconfig", str(election.kubeconfig), "--listen", "127.0.0.1:0"]
    argv += ["--lease-duration", str(election.timings.lease), "--renew-deadline", str(election.timings.renew)]
    argv += ["--retry-period", str(election.timings.retry)]
    process = ManagedProcess(identity, argv, log_dir=election.log_dir, env=python_environment())

    def seen(line: dict[str, Any]) -> str:
        return str(line["holder"]) if line["event"] == "new_leader" else ""

    return Elector(identity, process, process.stderr_path, seen)


def theirs(election: Election, identity: str) -> Elector:
    """client-go's."""
    argv = [str(election.goelector), f"--kubeconfig={election.kubeconfig}", f"--namespace={election.namespace}"]
    argv += [f"--lease={LEASE}", f"--identity={identity}", f"--lease-duration={election.timings.lease}s"]
    argv += [f"--renew-deadline={election.timings.renew}s", f"--retry-period={election.timings.retry}s"]
    process = ManagedProcess(identity, argv, log_dir=election.log_dir)

    def seen(line: dict[str, Any]) -> str:
        return str(line["leader"]) if line["msg"] == "new leader" else ""

    return Elector(identity, process, process.stdout_path, seen)


@pytest.fixture
def election(
    control_plane: ControlPlane, unique: Callable[[str], str], built: dict[str, Path], tmp_path: Path
) -> Callable[[Timings], AbstractContextManager[Election]]:
    """Makes fresh namespaces, watched."""

    @contextmanager
    def made(timings: Timings) -> Iterator[Election]:
        namespace = unique("electors")
        folder = tmp_path / namespace
        folder.mkdir()
        election = Election(control_plane, namespace, timings, built["elector"], folder)
        with ExitStack() as ending, election.recorder.running():
            ending.callback(election.end)
            yield election

    return made


@pytest.mark.timeout(1800)  # the first run on a machine builds the program
@pytest.mark.parametrize("killed", [False, True], ids=["released", "killed"])
def test_they_take_turns(election: Callable[[Timings], AbstractContextManager[Election]], *, killed: bool) -> None:
    """Each reads the other's record and takes over, at once from a release and after expiry from a kill; both count."""

    def run(builds: Sequence[Build]) -> None:
        with election(UNTIL_EXPIRY if killed else CALM) as one:
            take_turns(one, builds, killed=killed)

    with ThreadPoolExecutor() as pool:
        list(pool.map(run, [(ours, theirs, ours), (theirs, ours, theirs)]))


def take_turns(election: Election, builds: Sequence[Build], *, killed: bool) -> None:
    """The first one leads, and each of the others succeeds the one before it."""
    leader = election.start(builds[0])
    election.until_held_by(leader)
    election.plane.cluster.call("PATCH", f"{election.leases}/{LEASE}", {"metadata": KEPT}, content_type=MERGE)
    for build in builds[1:]:
        leader = succeed(election, leader, build, killed=killed)


def succeed(election: Election, leader: Elector, build: Build, *, killed: bool) -> Elector:
    """Have ``leader`` succeeded by a new elector, which is returned, and look at what that made of the Lease."""
    successor = election.start(build)
    election.until(successor, lambda: successor.has_seen(leader.identity), f"sees that {leader.identity} leads")
    assert election.holder == leader.identity
    transitions = int(election.lease["spec"].get("leaseTransitions", 0))
    if killed:
        leader.process.kill()
    else:
        assert leader.process.stop(PATIENCE) == 0
    election.until_held_by(successor)
    spec = election.lease["spec"]
    assert spec["leaseTransitions"] == transitions + 1
    assert spec["leaseDurationSeconds"] == election.timings.lease
    assert was_released(election, leader) is not killed
    if killed:
        assert (moment(spec["acquireTime"]) - renewal(election, leader)).total_seconds() >= election.timings.lease
    for field, wanted in KEPT.items():
        assert wanted.items() <= election.lease["metadata"][field].items()
    return successor


def renewal(election: Election, elector: Elector) -> datetime:
    """When it renewed the Lease for the last time."""
    changes = [change.now["spec"] for change in election.recorder.changes(election.leases)]
    return max(moment(spec["renewTime"]) for spec in changes if spec.get("holderIdentity") == elector.identity)


def was_released(election: Election, elector: Elector) -> bool:
    """Whether nobody held the Lease right after it had."""
    holders = [change.now["spec"].get("holderIdentity") or "" for change in election.recorder.changes(election.leases)]
    last = max(at for at, holder in enumerate(holders) if holder == elector.identity)
    return last + 1 < len(holders) and not holders[last + 1]


def moment(time: str) -> datetime:
    """A time as the Lease holds it."""
    return datetime.fromisoformat(time)
