"""A rotation without a server, which kills itself (SIGKILL) just before or just after its nth write.

Run as ``python -m leadergate_lab.certs.mortal``. It has many lives, each a process of its own that dies, in turn before
and after its write; it prints the exit code of each, and ends by itself when a life had nothing left to do.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from leadergate_certs.cluster import Address, Cluster, Configuration, Stored
from leadergate_certs.issue import ServingPair
from leadergate_certs.loop import Rotation
from leadergate_certs.names import ServingNames
from leadergate_certs.probe import served
from leadergate_certs.rotation import Policy
from leadergate_certs.state import Phase, State
from leadergate_certs.steps import Change
from leadergate_election.connection import ApiConnection
from leadergate_election.credentials import CredentialsSource
from leadergate_lab.leash import PR_SET_PDEATHSIG


class MortalCluster(Cluster):
    """Writes until it dies: at write number ``dies_at``, counted from 1, ``before`` it is sent or after its answer."""

    dies_at = 1
    before = False
    _writes = 0

    async def write(self, stored: Stored, state: State) -> None:
        """Write the Secret."""
        self._die(before=True)
        await super().write(stored, state)
        self._die(before=False)

    async def inject(self, configuration: Configuration, bundles: Mapping[str, bytes]) -> None:
        """Write a configuration."""
        self._die(before=True)
        await super().inject(configuration, bundles)
        self._die(before=False)

    def _die(self, *, before: bool) -> None:
        self._writes += before
        if self._writes == self.dies_at and before is self.before:
            os.kill(os.getpid(), signal.SIGKILL)


class _Nobody:
    """Serves nothing and hears nothing; ``steady`` tells that the rotation is at its end."""

    held: x509.Certificate | None = None
    steady = False

    async def take(self, pair: ServingPair) -> None:
        self.held = pair.certificate

    def stepped(self, change: Change, state: State) -> None:
        print(type(change).__name__, state.phase, flush=True)

    def restored(self, fault: str) -> None:
        print("restored", fault, flush=True)

    def injected(self, configuration: str) -> None:
        print("injected", configuration, flush=True)

    def contested(self, configuration: str, managers: Sequence[str]) -> None:
        print("contested", configuration, *managers, flush=True)

    def stands(self, state: State, untrusting: Sequence[str], waiting: str) -> None:  # noqa: ARG002
        self.steady = state.phase is Phase.STEADY and not untrusting

    def fault(self, message: str) -> None:
        print("fault", message, flush=True)


async def rotate(options: argparse.Namespace, *, before: bool) -> None:
    """Make steps until the rotation is steady, or until death."""
    source = CredentialsSource(options.kubeconfig, None, Path("/nonexistent"))
    connection = ApiConnection(source, source.load(), user_agent="mortal", on_reload_fault=print)
    namespace, _, name = options.secret.partition("/")
    cluster = MortalCluster(connection, namespace, name)
    cluster.dies_at, cluster.before = options.dies_at, before
    ends = [one.rpartition(":") for one in options.endpoints.split(",")]
    addresses = [Address(host, int(port), ready=True) for host, _, port in ends]

    async def look() -> Sequence[Address]:
        return addresses

    nobody = _Nobody()
    policy = Policy(ServingNames.parse(ips=["127.0.0.1"]), propagation=timedelta(seconds=options.propagation))
    rotation = Rotation(cluster, policy, nobody, nobody, look=look, probe=served, clock=lambda: datetime.now(UTC))
    while not nobody.steady:
        wait = await rotation.look_once()
        left = (wait.until - datetime.now(UTC)).total_seconds()
        if not nobody.steady:
            await asyncio.sleep(max(0.05, min(left, 0.2)))
    await connection.close()


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m leadergate_lab.certs.mortal", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--endpoints", required=True)
    parser.add_argument("--propagation", type=float, required=True, help="seconds")
    parser.add_argument("--dies-at", type=int, default=1, help="number of the write, from 1; 0: it never dies")
    parser.add_argument("--lives", type=int, default=1, help="how many at the most")
    options = parser.parse_args()
    for number in range(options.lives):
        code = _live(options, before=number % 2 == 0)
        print("life ended with", code, flush=True)
        if code != -signal.SIGKILL:
            return code
    return 0


def _live(options: argparse.Namespace, *, before: bool) -> int:
    """One life's exit code, negative for a signal. A fork needs not load the program anew."""
    life = os.fork()
    if not life:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        asyncio.run(rotate(options, before=before))
        sys.stdout.flush()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(life, 0)[1])


if __name__ == "__main__":
    sys.exit(main())
