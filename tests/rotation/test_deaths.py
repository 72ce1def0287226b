"""Whoever rotates may be killed at any step: the next one goes on, and no write fails meanwhile."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

from leadergate_certs.state import Phase, Request
from leadergate_lab.certs.rights import SECRET
from leadergate_lab.certs.stage import PROPAGATION, CertStage
from leadergate_lab.processes import ManagedProcess, python_environment, wait_until

from .outcome import went_well

MOST_LIVES = 40


def live(stage: CertStage, number: int, when: str, *, dies_at: int = 1) -> int:
    """Run one process that rotates until it dies; returns its exit code."""
    argv = [sys.executable, "-m", "leadergate_lab.certs.mortal"]
    argv += ["--kubeconfig", str(stage.replicas[0].kubeconfig), "--secret", f"{stage.namespace}/{SECRET}"]
    argv += ["--endpoints", stage.endpoints, "--propagation", str(PROPAGATION)]
    argv += ["--dies-at", str(dies_at), "--when", when]
    process = ManagedProcess(f"life-{number}", argv, log_dir=stage.folder, env=python_environment())
    process.start()
    wait_until(lambda: not process.running, what="it dies, or has nothing left to do", timeout=60)
    code = process.returncode
    assert code is not None
    return code


def test_each_step_survives_a_death_before_and_after_it(set_up: Callable[..., CertStage]) -> None:
    """The replicas that serve take no step of their own here, so that each is made by one that dies of it."""
    stage = set_up(flags=["--no-certs-rotate"])
    stage.apply_gate()
    stage.start(ready=False)
    assert live(stage, 0, "after", dies_at=0) == 0
    stage.wait_ready()
    stage.gate()
    first = stage.state()
    assert first is not None
    deaths = 0
    with stage.load() as load, stage.dialer() as dialer:
        stage.ask(Request.CA)
        for number in range(1, MOST_LIVES):
            # Dying before a step must leave all as it was; dying after it is how the rotation gets on.
            code = live(stage, number, "before" if number % 2 else "after")
            if code == 0:
                break
            assert code == -signal.SIGKILL
            deaths += 1
        went_well(load, dialer)
    last = stage.state()
    assert last is not None
    assert last.phase is Phase.STEADY
    assert first.newest.fingerprint in last.retired
    assert stage.bundle() == last.bundle
    # Six writes: authority, bundles, trust, leaf, the old authority's end, bundles.
    assert deaths == 12
