"""Where elections are held: a namespace, the rights that an elector needs, and candidates as processes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from leadergate_election.clock import now
from leadergate_lab.controlplane import ApiServer, ControlPlane
from leadergate_lab.election.judge import Belief, LeaseState, Verdict, judge
from leadergate_lab.election.ledger import Ledger, Line, claims, read, sightings
from leadergate_lab.election.network import Network, Wire
from leadergate_lab.granted import account, wait_granted
from leadergate_lab.keys import write_private
from leadergate_lab.processes import ManagedProcess, python_environment
from leadergate_lab.recorder import Change, Recorder

ACCOUNT = "candidate"


class Candidate:
    """One candidate's process, which may live several times. ``wire`` is its own way to the API server, if any."""

    def __init__(self, identity: str, process: ManagedProcess, ledger: Path, wire: Wire | None) -> None:
        self.identity = identity
        self.process = process
        self.wire = wire
        self._ledger = ledger

    def start(self) -> None:
        """Begin a life, and wait until it stands."""
        lives = self._lives()
        self.process.start()
        self.process.wait_until(lambda: self._lives() > lives, what="it stands", timeout=60)

    def kill(self) -> float:
        """SIGKILL; the moment when it was sent."""
        at, name = now(), f"{self.identity}#{self.process.pid}"
        self.process.kill()
        Ledger(self._ledger, name).write(died=now())
        return at

    def stop(self) -> int:
        """SIGTERM and the graceful end; the exit code."""
        return self.process.stop(timeout=30)

    def lines(self) -> list[Line]:
        """Its ledger."""
        return read(self._ledger)

    def claims(self) -> list[Belief]:
        """When it was entitled to believe that it leads."""
        return claims(self.lines())

    def leads(self) -> bool:
        """Whether it claims to lead now."""
        return bool(self.leads_now())

    def leads_now(self) -> set[str]:
        """The Leases that it claims to lead now."""
        at = now()
        return {belief.lease for belief in self.claims() if belief.start <= at < belief.end}

    def knows(self) -> set[str]:
        """The Leases whose leader it has been told."""
        return {line["lease"] for line in self.lines() if "leader" in line}

    def _lives(self) -> int:
        return sum("stands" in line for line in self.lines())


class Stage:
    """A namespace with the rights that ``docs/election.md`` names, and its candidates. A context manager.

    ``steady`` is an API server that is left alone, if the first one is not: one that was started anew does not tell of
    changes before its start, and the history would have a gap.
    """

    def __init__(
        self,
        plane: ControlPlane,
        namespace: str,
        leases: Sequence[str] = ("operator-lock",),
        steady: ApiServer | None = None,
    ) -> None:
        self.plane = plane
        self.namespace = namespace
        self.leases = list(leases)
        self.path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self.candidates: list[Candidate] = []
        self.network = Network()
        cluster = plane.cluster
        cluster.namespace(namespace)
        cluster.service_account(namespace, ACCOUNT)
        rights = election_rights(namespace, ACCOUNT, self.leases)
        cluster.apply(*rights)
        wait_granted(cluster.api, *rights[0]["rules"], user=account(namespace, ACCOUNT), namespace=namespace)
        self.recorder = Recorder(
            server=(steady or plane.apiserver).url,
            ca_file=str(plane.ca_file),
            token=plane.admin_token,
            paths=[self.path],
        )

    def __enter__(self) -> Stage:
        self.network.__enter__()
        self.recorder.start()
        return self

    def __exit__(self, *_: object) -> None:
        for candidate in self.candidates:
            candidate.process.kill()
        self.recorder.end()
        self.network.__exit__()

    def candidate(self, identity: str, *options: str, wired: bool = False) -> Candidate:
        """One more candidate, with a token that is bound to a Pod of its name; not started yet."""
        plane, folder = self.plane, self.plane.directory / f"{self.namespace}-{identity}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        pod = plane.cluster.pod(self.namespace, identity, ACCOUNT)
        write_private(folder / "token", plane.cluster.pod_token(pod).encode())
        shutil.copy(plane.ca_file, folder / "ca.crt")
        address = urlsplit(plane.url)
        host, port = address.hostname or "", address.port or 443
        wire = self.network.wire(host, port) if wired else None
        argv = [sys.executable, "-m", "leadergate_lab.election.candidate", "--namespace", self.namespace]
        argv += ["--identity", identity, "--service-account", str(folder), "--ledger", str(folder / "ledger")]
        argv += [part for lease in self.leases for part in ("--lease", lease)]
        environment = python_environment(
            KUBERNETES_SERVICE_HOST=host, KUBERNETES_SERVICE_PORT=str(wire.port if wire else port)
        )
        process = ManagedProcess(f"candidate-{identity}", [*argv, *options], log_dir=folder, env=environment)
        made = Candidate(identity, process, folder / "ledger", wire)
        self.candidates.append(made)
        return made

    def leader(self) -> Candidate | None:
        """Who claims to lead now, if anybody does."""
        return next((candidate for candidate in self.candidates if candidate.leads()), None)

    def claims(self) -> list[Belief]:
        """When each candidate was entitled to believe that it leads."""
        return [belief for candidate in self.candidates for belief in candidate.claims()]

    def verdict(self, lease: str = "operator-lock") -> Verdict:
        """The verdict on one Lease: all that etcd committed to it, and all that was believed of it."""
        manifest = self.plane.cluster.get(f"{self.path}/{lease}")
        self.recorder.wait_for(self.path, int(manifest["metadata"]["resourceVersion"]))
        history = [state(change) for change in self.recorder.changes(self.path) if change.name == lease]
        seen = [belief for candidate in self.candidates for belief in sightings(candidate.lines())]
        return judge(
            history,
            [belief for belief in self.claims() if belief.lease == lease],
            [belief for belief in seen if belief.lease == lease],
        )


def state(change: Change) -> LeaseState:
    """A commit as the judge wants it."""
    spec = change.now["spec"]
    return LeaseState(
        revision=change.revision,
        holder=spec.get("holderIdentity", ""),
        duration=spec["leaseDurationSeconds"],
        acquired=datetime.fromisoformat(spec["acquireTime"]).timestamp(),
        renewed=datetime.fromisoformat(spec["renewTime"]).timestamp(),
        transitions=spec["leaseTransitions"],
    )


def election_rights(namespace: str, account: str, leases: Sequence[str]) -> list[dict[str, Any]]:
    """The least that an elector needs, as a Role and its binding; the rules are those of ``docs/election.md``."""
    group = "rbac.authorization.k8s.io"
    metadata = {"namespace": namespace, "name": "election"}
    lease = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    rules = [
        {**lease, "verbs": ["create"]},
        {**lease, "resourceNames": list(leases), "verbs": ["get", "update"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
    ]
    return [
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "election"},
            "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": account}],
        },
    ]
