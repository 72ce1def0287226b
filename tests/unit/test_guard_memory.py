"""Which reviews make an object stuck, and which set it free."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest

from leadergate.gate import parse
from leadergate.guard import Guard
from leadergate.model import Lease, LeaseAbsent, LeaseUnreadable, LeaseView, Reading
from leadergate.patience import Patience
from leadergate.stuck import StuckObjects

from .test_guard import CLAIM, Counted, Reader, Records

HELD = LeaseView(Lease("operator-1", "7"), 1.0, expired=False)


def review(pod: str = "operator-2", *, status: str = "new", account: str = "shop:operator", **fields: object) -> bytes:
    """A review of a write to an object whose status is \"old\"."""
    extra = {CLAIM + "pod-name": [pod], CLAIM + "pod-uid": ["p"], CLAIM + "credential-id": ["JTI=1"]}
    request = {
        "uid": "review-1",
        "resource": {"group": "g", "version": "v1", "resource": "things"},
        "subResource": "status",
        "namespace": "shop",
        "name": "thing",
        "operation": "UPDATE",
        "userInfo": {"username": f"system:serviceaccount:{account}", "uid": "a", "extra": extra},
        "object": {"metadata": {"resourceVersion": "5"}, "status": status},
        "oldObject": {"metadata": {"resourceVersion": "5"}, "status": "old"},
        **fields,
    }
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).encode()


class Scene:
    """A guard with a memory."""

    def __init__(self) -> None:
        self.reader, self.stuck = Reader(HELD), StuckObjects(10)
        guard = Guard(self.reader, Records(), Counted(), lambda: datetime.now(UTC), "leadergate-0", stuck=self.stuck)
        self.guard = guard

    def asked(self, body: bytes, *, mode: str = "enforce", reading: Reading = HELD) -> int:
        """Let it answer; how many objects are stuck then."""
        self.reader.reading = reading
        asyncio.run(self.guard.review(parse(f"/{mode}/shop/operator"), body, Patience.of(0.0, 10.0, 0.0)))
        return len(self.stuck)


@pytest.mark.parametrize(
    "reading",
    [HELD, LeaseAbsent(), LeaseView(Lease("", "7"), 0.0, False), LeaseView(Lease("operator-2", "7"), 99.0, True)],
)
def test_a_follower_is_kept_from_its_write(reading: Reading) -> None:
    """Whoever holds the Lease, or if nobody does."""
    assert Scene().asked(review(), reading=reading) == 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(review(dryRun=True), id="dry run"),
        pytest.param(review(status="old"), id="nothing new"),
        pytest.param(review(account="other:operator"), id="foreign namespace"),
        pytest.param(review(pod=""), id="no proven pod"),
        pytest.param(review(oldObject=None), id="no object"),
        pytest.param(review(subResource="scale"), id="another subresource"),
    ],
)
def test_what_leaves_nothing_stuck(body: bytes) -> None:
    """Nobody waits for it to be made good."""
    assert Scene().asked(body) == 0


@pytest.mark.parametrize("mode", ["warn", "audit"])
def test_a_gate_that_does_not_enforce(mode: str) -> None:
    """The write went through."""
    assert Scene().asked(review(), mode=mode) == 0


def test_a_lease_that_cannot_be_read() -> None:
    """It was no rejection: failurePolicy decided."""
    assert Scene().asked(review(), reading=LeaseUnreadable("gone")) == 0


def test_another_account_is_a_stranger() -> None:
    """Once the holder has written under its own."""
    scene = Scene()
    scene.asked(review("operator-1"))
    assert scene.asked(review(account="shop:debug")) == 0


def test_only_a_write_by_the_holder_sets_free() -> None:
    """Not its dry run."""
    scene = Scene()
    assert scene.asked(review()) == 1
    assert scene.asked(review("operator-1", dryRun=True)) == 1
    assert scene.asked(review("operator-1", subResource="")) == 1
    assert scene.asked(review("operator-1")) == 0


def test_a_holder_that_was_rejected_for_its_expired_lease() -> None:
    """It held nothing then: once it renews again, its own write is due."""
    scene = Scene()
    lease = Lease("operator-1", "7", duration=15)
    scene.asked(review("operator-1"), reading=LeaseView(lease, 99.0, expired=True))
    assert len(scene.stuck.due(parse("/enforce/shop/operator").lease, "operator-1", 0.0)) == 1
