"""Measure how soon after a takeover the statuses are right: ``python -m leadergate_lab.demo.takeover``.

Three replicas of the sample operator run under a gate. The leader is killed, all specs change while its Lease still
runs, and every follower's write is rejected; then one of them takes over.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leadergate_lab.assets import AssetError, ensure
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.interop.fleet import Fleet
from leadergate_lab.interop.operators import Place, Timings
from leadergate_lab.interop.outage import outage
from leadergate_lab.processes import ManagedProcess

OBJECTS = 200
LONGEST = 60.0
SHOWN = 240


@dataclass(frozen=True, slots=True)
class SampleOperator:
    """The sample operator as the laboratory's fleet starts it. ``options`` are added to its command line."""

    options: tuple[str, ...] = ()
    name: str = "sample operator"
    lease: str = "operator-lock"
    process: type[ManagedProcess] = ManagedProcess

    def command(self, place: Place) -> Sequence[str]:
        """How to start a replica. No resync helps it: what comes right does so by the takeover alone."""
        timings = place.timings
        argv = [sys.executable, "-m", "leadergate_operator", "run", "--pod-name", place.pod]
        argv += ["--namespace", place.namespace, "--kubeconfig", str(place.kubeconfig)]
        argv += ["--lease-duration", str(timings.lease), "--renew-deadline", str(timings.renew)]
        return [*argv, "--retry-period", str(timings.retry), "--resync-seconds", "3600", *self.options]

    def environment(self, place: Place) -> Mapping[str, str]:  # noqa: ARG002 - others are told more
        """Nothing but what the laboratory gives."""
        return {}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print the figures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m leadergate_lab.demo.takeover", description=__doc__)
    parser.add_argument("--objects", type=int, default=OBJECTS, help=f"how many Redirects (default: {OBJECTS})")
    parser.add_argument("--lease", type=float, default=15, help="Lease duration in seconds (default: 15)")
    parser.add_argument("--workers", type=int, default=4, help="status writes at one time (default: 4, the operator's)")
    parser.add_argument("--rounds", type=int, default=3, help="how often to measure (default: 3)")
    asked = parser.parse_args(argv)
    if asked.objects < 1 or asked.workers < 1 or asked.rounds < 1 or asked.lease < 3 or asked.lease % 1:
        parser.error("expected at least 1 object, worker and round, and a Lease of at least 3 whole seconds")
    try:
        assets = ensure()
    except AssetError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 1
    print(f"{asked.objects} Redirects, 3 replicas, {asked.workers} workers each, a Lease of {asked.lease:g} s")
    slow = 0
    for number in range(1, asked.rounds + 1):
        slow += not _round(ControlPlane.start(assets), asked, number)
    return 1 if slow else 0


def _round(plane: ControlPlane, asked: argparse.Namespace, number: int) -> bool:
    timings = Timings(asked.lease, asked.lease * 2 / 3, asked.lease * 2 / 15)
    operator = SampleOperator(("--workers", str(asked.workers)))
    with plane, Fleet.running(plane, operator, objects=asked.objects, timings=timings) as fleet:
        seen = outage(fleet, patience=LONGEST)
        broken = fleet.judged().findings
    half = seen.right[asked.objects // 2] if len(seen.right) > asked.objects // 2 else LONGEST
    print(
        f"round {number}: nobody led for {seen.until_takeover:.1f} s after the change; from its start to the takeover"
        f" the successor was rejected {seen.rejections / asked.objects:.2f} times an object; after it half of the"
        f" statuses were right within {half:.1f} s, and {len(seen.right)} of {asked.objects} within {seen.last:.1f} s",
        flush=True,
    )
    if number == 1:
        print(f"  a rejection in its log: {seen.logged[:SHOWN]}{'…' if len(seen.logged) > SHOWN else ''}")
    for finding in broken:
        print(f"error: {finding.promise}: {finding.text}", file=sys.stderr)
    return seen.all_right and not broken


if __name__ == "__main__":
    sys.exit(main())
