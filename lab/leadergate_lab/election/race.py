"""The race: candidates stand for one Lease while they, the network and the API server meet with misfortune.

``python -m leadergate_lab.election.race`` runs it and prints the verdict.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from leadergate_lab.assets import ensure
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.election.judge import Verdict
from leadergate_lab.election.network import Wire
from leadergate_lab.election.stage import Candidate, Stage
from leadergate_lab.processes import wait_until

TIMING = ("--lease-duration", "2", "--renew-deadline", "1.4", "--retry-period", "0.3")
LEASE_SECONDS = 2.0
QUIET_SECONDS = 60.0


@dataclass(slots=True)
class Race:
    """One race on a stage, with all its luck from one seed. ``met`` counts the misfortunes by name."""

    stage: Stage
    seed: int
    rounds: int = 2
    met: Counter[str] = field(default_factory=Counter)
    codes: list[int] = field(default_factory=list)

    def run(self, candidates: int = 5) -> Verdict:
        """Two lanes of misfortune side by side, then an end in peace; the verdict over all of it."""
        for number in range(candidates):
            self.stage.candidate(f"candidate-{number}", *TIMING, wired=True)
        with ThreadPoolExecutor() as pool:
            list(pool.map(Candidate.start, self.stage.candidates))
            self._await_leader()
            processes = [self._kill, self._freeze_leader, self._resign, self._kill, self._freeze_leader, self._freeze]
            networks = [self._cut, self._slow_all, self._freeze_api, self._restart_api, self._slow_leader]
            lanes = [pool.submit(self._lane, lane, number) for number, lane in enumerate((processes, networks))]
            for lane in lanes:
                lane.result()
            self._await_leader()
            self.codes += pool.map(Candidate.stop, self.stage.candidates)
        return self.stage.verdict()

    def _lane(self, misfortunes: Sequence[Callable[[random.Random], None]], number: int) -> None:
        luck = random.Random(self.seed * 2 + number)  # noqa: S311 - a game of chance
        for _ in range(self.rounds):
            for misfortune in luck.sample(misfortunes, len(misfortunes)):
                misfortune(luck)
                self.met[misfortune.__name__.strip("_")] += 1
                time.sleep(luck.uniform(0.2, 1.5))

    def _await_leader(self) -> Candidate:
        """Whoever leads, as soon as somebody does."""
        found: list[Candidate] = []

        def leads() -> bool:
            leader = self.stage.leader()
            found.extend([leader] if leader else [])
            return bool(found)

        wait_until(leads, what="somebody leads", timeout=QUIET_SECONDS)
        return found[0]

    def _kill(self, luck: random.Random) -> None:
        leader = self._await_leader()
        leader.kill()
        time.sleep(luck.uniform(0.0, 2 * LEASE_SECONDS))
        leader.start()

    def _resign(self, luck: random.Random) -> None:
        leader = self._await_leader()
        leader.stop()
        time.sleep(luck.uniform(0.0, 1.0))
        leader.start()

    def _freeze_leader(self, luck: random.Random) -> None:
        self._freeze_one(self._await_leader(), luck)

    def _freeze(self, luck: random.Random) -> None:
        self._freeze_one(luck.choice(self.stage.candidates), luck)

    def _freeze_one(self, candidate: Candidate, luck: random.Random) -> None:
        candidate.process.freeze()
        time.sleep(luck.uniform(0.3, 2 * LEASE_SECONDS))
        candidate.process.thaw()

    def _cut(self, luck: random.Random) -> None:
        wires = self._wires([self._await_leader()])
        for wire in wires:
            self.stage.network.cut(wire)
        time.sleep(luck.uniform(1.0, 2 * LEASE_SECONDS))
        for wire in wires:
            self.stage.network.mend(wire)

    def _slow_leader(self, luck: random.Random) -> None:
        self._slow([self._await_leader()], luck)

    def _slow_all(self, luck: random.Random) -> None:
        self._slow(self.stage.candidates, luck)

    def _slow(self, candidates: Sequence[Candidate], luck: random.Random) -> None:
        wires = self._wires(candidates)
        for wire in wires:
            wire.delay = luck.uniform(0.05, 0.4)
        time.sleep(luck.uniform(LEASE_SECONDS, 2 * LEASE_SECONDS))
        for wire in wires:
            self.stage.network.mend(wire)

    @staticmethod
    def _wires(candidates: Sequence[Candidate]) -> list[Wire]:
        return [candidate.wire for candidate in candidates if candidate.wire is not None]

    def _freeze_api(self, luck: random.Random) -> None:
        self.stage.plane.apiserver.freeze()
        time.sleep(luck.uniform(0.3, 2 * LEASE_SECONDS))
        self.stage.plane.apiserver.thaw()

    def _restart_api(self, luck: random.Random) -> None:
        self.stage.plane.apiserver.kill()
        time.sleep(luck.uniform(0.0, 1.0))
        self.stage.plane.apiserver.start()


def told(verdict: Verdict, race: Race, seconds: float) -> str:
    """The figures of a race in one line."""
    met = ", ".join(f"{count} {name}" for name, count in sorted(race.met.items()))
    return (
        f"{verdict.takeovers} takeovers, {verdict.releases} releases, {verdict.renewals} renewals, "
        f"{verdict.terms} terms of {len(verdict.holders)} holders in {seconds:.0f} s; {met}; "
        f"{len(verdict.findings)} breaches"
    )


def main() -> int:
    """Run one race."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--rounds", type=int, default=2, help="how often each misfortune comes")
    parser.add_argument("--candidates", type=int, default=5)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with ControlPlane.start(ensure()) as plane, Stage(plane, "election-race", steady=plane.add_apiserver()) as stage:
        race = Race(stage, options.seed, options.rounds)
        began = time.monotonic()
        verdict = race.run(options.candidates)
        print(told(verdict, race, time.monotonic() - began))
        for finding in verdict.findings:
            print(f"{finding.rule}: {finding.text}")
    return 1 if verdict.findings else 0


if __name__ == "__main__":
    sys.exit(main())
