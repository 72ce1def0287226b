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
ENDED = "life ended with "


def live(stage: CertStage, *, lives: int = 1, dies_at: int = 1) -> list[int]:
    """Rotate in processes that die, one after the other, until one has nothing left to do; returns their exit codes."""
    argv = [sys.executable, "-m", "leadergate_lab.certs.mortal"]
    argv += ["--kubeconfig", str(stage.replicas[0].kubeconfig), "--secret", f"{stage.namespace}/{SECRET}"]
    argv += ["--endpoints", stage.endpoints, "--propagation", str(PROPAGATION)]
    argv += ["--dies-at", str(dies_at), "--lives", str(lives)]
    process = ManagedProcess(f"lives-{lives}", argv, log_dir=stage.folder, env=python_environment())
    process.start()
    wait_until(lambda: not process.running, what="a life has nothing left to do", timeout=200)
    told = [line.removeprefix(ENDED) for line in process.stdout_path.read_text().splitlines() if line.startswith(ENDED)]
    return [int(code) for code in told]


def test_each_step_survives_a_death_before_and_after_it(set_up: Callable[..., CertStage]) -> None:
    """The replicas that serve take no step of their own here, so that each is made by one that dies of it."""
    stage = set_up(flags=["--no-certs-rotate"])
    stage.apply_gate()
    stage.start(ready=False)
    assert live(stage, dies_at=0) == [0]
    stage.wait_ready()
    stage.gate()
    first = stage.state()
    assert first is not None
    with stage.load() as load, stage.dialer() as dialer:
        stage.ask(Request.CA)
        # Dying before a step must leave all as it was; dying after it is how the rotation gets on.
        codes = live(stage, lives=MOST_LIVES)
        went_well(load, dialer)
    last = stage.state()
    assert last is not None
    assert last.phase is Phase.STEADY
    assert first.newest.fingerprint in last.retired
    assert stage.bundle() == last.bundle
    # Six writes: authority, bundles, trust, leaf, the old authority's end, bundles.
    assert codes == [-signal.SIGKILL] * 12 + [0]
