"""Rotate a webhook's authority again and again under load, and count: ``python -m leadergate_lab.certs.soak``.

A real API server, two replicas behind HAProxy, status writes without pause by the holder, and callers that dial anew.
In the end a Secret is deleted and damaged and a bundle is wiped, and it is told how long calls failed, if any did.
"""

from __future__ import annotations

import argparse
import base64
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from leadergate_certs.state import Request
from leadergate_lab.assets import ensure
from leadergate_lab.certs.stage import MERGE, PROPAGATION, CertStage
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.errors import AssetError
from leadergate_lab.processes import wait_until

WRITES = 100
JUNK = base64.b64encode(b"junk").decode()


@dataclass(frozen=True, slots=True)
class Count:
    """What came of one part: admissions and handshakes, those that failed, and for how many seconds they did.

    ``right_after`` is how many seconds it took until all was as it should be.
    """

    admitted: int
    failed: int
    failing: float
    longest_gap: float
    dialled: int
    not_dialled: int
    right_after: float

    @property
    def clean(self) -> bool:
        """Whether nothing failed, and something was tried."""
        return self.failed == self.not_dialled == 0 and self.admitted > 0 and self.dialled > 0

    def __str__(self) -> str:
        failing = f" over {self.failing:.2f} s" if self.failed else ""
        return (
            f"as it should be after {self.right_after:.2f} s; {self.admitted} admissions,"
            f" {self.failed} failed{failing}, longest gap {self.longest_gap:.2f} s;"
            f" {self.dialled} new handshakes, {self.not_dialled} failed"
        )


def measure(stage: CertStage, what: Callable[[], object]) -> Count:
    """Do something under load, and go on a while."""
    with stage.load() as load, stage.dialer() as dialer:
        load.wait_admitted(WRITES)
        began = time.monotonic()
        what()
        right_after = time.monotonic() - began
        load.wait_admitted(WRITES)
    return Count(
        load.admitted,
        len(load.failures),
        load.outage(),
        load.longest_gap(),
        dialer.succeeded,
        len(dialer.failures),
        right_after,
    )


def soak(stage: CertStage, rotations: int, say: Callable[[str], None]) -> bool:
    """Everything, on a stage that stands; returns whether no admission and no handshake failed where none may."""
    began = time.monotonic()

    def rotate() -> None:
        for number in range(1, rotations + 1):
            leaf = stage.rotate_ca().pair.certificate.serial_number
            say(f"{time.monotonic() - began:6.1f} s  rotation {number:2} of {rotations}: leaf {leaf:x}")

    def renew() -> None:
        before = stage.state()
        stage.ask(Request.LEAF)
        stage.wait_state(lambda state: before is None or state.pair != before.pair, what="a new leaf")

    def delete() -> None:
        stage.cluster.call("DELETE", stage.secret_path)
        stage.wait_state(lambda _: True, what="the Secret is back")

    def damage() -> None:
        stage.cluster.call("PATCH", stage.secret_path, {"data": {"tls.key": JUNK}}, content_type=MERGE)
        stage.wait_state(lambda _: True, what="the Secret is mended")

    def wipe() -> None:
        good, wiped = stage.bundle(), stage.gate_manifest()
        wiped["webhooks"][0]["clientConfig"]["caBundle"] = ""
        stage.cluster.apply(wiped)
        wait_until(lambda: stage.bundle() == good, what="the bundle is back", timeout=30)

    clean = []
    for name, act, must in (
        (f"{rotations} rotations of the authority", rotate, True),
        ("a renewal of the leaf", renew, True),
        ("the Secret deleted", delete, True),
        ("the Secret damaged", damage, False),
        ("a bundle wiped", wipe, False),
    ):
        count = measure(stage, act)
        clean.append(count.clean or not must)
        say(f"{time.monotonic() - began:6.1f} s  {name}: {count}")
    return all(clean)


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; 0 when nothing failed that may not."""
    parser = argparse.ArgumentParser(
        prog="python -m leadergate_lab.certs.soak",
        description=__doc__,
        epilog="exit codes: 0 no admission and no handshake failed (while a Secret is damaged or a bundle wiped they"
        " may, for as long as is told), 1 some did, or something else went wrong",
    )
    parser.add_argument("--rotations", type=int, default=20, help="how many whole rotations (default: 20)")
    parser.add_argument(
        "--propagation",
        type=float,
        default=PROPAGATION,
        help=f"the replicas' --certs-propagation in seconds (default: {PROPAGATION:g}; a cluster's would be 60)",
    )
    options = parser.parse_args(argv)
    if options.rotations < 1 or options.propagation < 1:
        parser.error("expected at least one rotation, and a propagation time of at least a second")

    def say(line: str) -> None:
        print(line, flush=True)

    try:
        assets = ensure()
        say("starting etcd, kube-apiserver, two replicas of the webhook and HAProxy")
        with ControlPlane.start(assets) as plane:
            stage = CertStage(plane, propagation=options.propagation)
            try:
                stage.start()
                stage.gate()
                clean = soak(stage, options.rotations, say)
            finally:
                stage.end()
    except (AssetError, RuntimeError, TimeoutError) as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 1
    say("no admission failed, and no caller was turned away" if clean else "FAILED: see the counts above")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
