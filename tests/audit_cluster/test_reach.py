"""What the commands make of the cluster's side: how they end, and what can be judged by what nodes have kept."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from leadergate.audit.reading.ending import interruptible
from leadergate.audit.reconcile.findings import Judged, Stretch, kept

from .conftest import PATIENCE


@pytest.mark.parametrize(
    ("records", "whole", "left"),
    [
        (Stretch(10, 20), 5, Stretch(10, 20)),
        (Stretch(10, 20), 15, Stretch(15, 20)),
        (Stretch(10, 20), 20, None),
        (Stretch(10, 20), None, None),
        (None, 5, None),
    ],
)
def test_what_the_cluster_cannot_have_kept_is_not_judged(
    records: Stretch | None, whole: int | None, left: Stretch | None
) -> None:
    """Whatever times were asked for."""
    near = Judged(Stretch(0, 100), records, (Stretch(0, 100),))
    assert kept(near, whole) == Judged(near.asked, left, near.log)


@pytest.mark.parametrize(
    ("number", "ending"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit), (signal.SIGHUP, SystemExit)],
)
def test_a_signal_unwinds_what_waits(number: int, ending: type[BaseException]) -> None:
    """Before the command ends, and signals are afterwards who they were."""
    before, unwound = signal.getsignal(number), list[bool]()

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.sleep(PATIENCE)
        finally:
            await asyncio.sleep(0)
            unwound.append(True)

    with pytest.raises(ending):
        interruptible(work())
    assert unwound
    assert signal.getsignal(number) is before
