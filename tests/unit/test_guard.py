"""One review from bytes to answer, in each mode: what is answered, counted and recorded."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from leadergate.gate import parse
from leadergate.guard import MAX_WARNING, Answer, Guard
from leadergate.history import LeaseHistory
from leadergate.model import Lease, LeaseAbsent, LeaseKey, LeaseUnreadable, LeaseView, Mode, Reading, Reason, Standing
from leadergate.patience import Patience
from leadergate.records import RecordLost
from leadergate.review import BadCall

WALL = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEASE = Lease("operator-1", "7", transitions=3, duration=15, acquire_time=WALL, renew_time=WALL)
HELD = LeaseView(LEASE, 1.5, expired=False)
UNREADABLE = LeaseUnreadable("etcd is gone")
CLAIM = "authentication.kubernetes.io/"


def review(pod: str = "operator-1", subresource: str = "status", name: str = "thing") -> bytes:
    """A review of a write by this pod."""
    extra = {CLAIM + "pod-name": [pod], CLAIM + "pod-uid": ["p"], CLAIM + "credential-id": ["JTI=1"]}
    request = {
        "uid": "review-1",
        "kind": {"kind": "Thing"},
        "resource": {"group": "g", "version": "v1", "resource": "things"},
        "subResource": subresource,
        "name": name,
        "operation": "UPDATE",
        "userInfo": {"username": "system:serviceaccount:shop:operator", "uid": "a", "extra": extra},
    }
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).encode()


@dataclass
class Reader:
    """Shows one and the same reading."""

    reading: Reading = HELD
    reads: int = 0
    seen: LeaseHistory = field(default_factory=lambda: LeaseHistory(10, 600))

    async def read(self, key: LeaseKey, deadline: float) -> Reading:
        """Show it."""
        self.reads += 1
        return self.reading

    def history(self, key: LeaseKey) -> LeaseHistory:
        """What has been seen."""
        return self.seen


@dataclass
class Records:
    """Keeps records, or loses them."""

    broken: bool = False
    lines: list[bytes] = field(default_factory=list)

    async def write(self, line: bytes, deadline: float) -> None:
        """Keep it."""
        if self.broken:
            raise RecordLost("full")
        self.lines.append(line)


@dataclass
class Counted:
    """Keeps what it was told."""

    reviews: list[tuple[Mode, str, Reason]] = field(default_factory=list)
    rejections: list[Standing] = field(default_factory=list)
    lost: list[Mode] = field(default_factory=list)

    def review(self, key: LeaseKey, mode: Mode, verdict: str, reason: Reason, seconds: float) -> None:
        """Keep it."""
        self.reviews.append((mode, verdict, reason))

    def rejection(self, key: LeaseKey, mode: Mode, standing: Standing) -> None:
        """Keep the standing."""
        self.rejections.append(standing)

    def record_lost(self, mode: Mode) -> None:
        """Keep the mode."""
        self.lost.append(mode)


class Scene:
    """A guard with all that it was given."""

    def __init__(self, reading: Reading = HELD, *, broken: bool = False, record_allowed: bool = False) -> None:
        self.reader, self.records, self.counted = Reader(reading), Records(broken), Counted()
        self.guard = Guard(self.reader, self.records, self.counted, lambda: WALL, "leadergate-0", record_allowed)

    def answer(self, body: bytes, mode: str = "enforce", options: str = "") -> Answer:
        """The answer to one review."""
        patience = Patience.of(0.0, 10.0, 0.0)
        return asyncio.run(self.guard.review(parse(f"/{mode}/shop/operator{options}"), body, patience))


def response(answer: Answer) -> dict[str, Any]:
    """The response of an answer that is a review."""
    assert answer.code == 200
    found: dict[str, Any] = json.loads(answer.body)["response"]
    assert found["uid"] == "review-1"
    return found


@pytest.mark.parametrize("mode", Mode)
def test_the_holder_is_allowed_in_every_mode(mode: Mode) -> None:
    """Without a record, a warning or an annotation."""
    scene = Scene()
    assert response(scene.answer(review(), mode)) == {"uid": "review-1", "allowed": True}
    assert scene.counted.reviews == [(mode, "Allow", Reason.HOLDER)]
    assert scene.records.lines == []
    assert scene.counted.rejections == []


REJECTED = [
    pytest.param(HELD, "operator-2", "NotHolder", id="denied"),
    pytest.param(UNREADABLE, "operator-1", "LeaseUnreadable", id="cannot decide"),
]


@pytest.mark.parametrize(("reading", "pod", "reason"), REJECTED)
@pytest.mark.parametrize("mode", [Mode.WARN, Mode.AUDIT])
def test_only_enforce_stands_in_the_way(reading: Reading, pod: str, reason: str, mode: Mode) -> None:
    """The others let the write through, recorded and annotated all the same; warn also tells the client."""
    scene = Scene(reading)
    found = response(scene.answer(review(pod), mode))
    assert found["allowed"] is True
    assert found["auditAnnotations"]["reason"] == reason
    assert [json.loads(line)["reason"] for line in scene.records.lines] == [reason]
    if mode is Mode.WARN:
        assert found["warnings"][0].startswith(f"leadergate would reject this ({reason}): ")
    else:
        assert "warnings" not in found


def test_enforce_denies() -> None:
    """403 with the reason as cause, and annotations for the API server's own audit log."""
    scene = Scene()
    found = response(scene.answer(review("operator-2")))
    assert found["allowed"] is False
    assert found["status"]["code"] == 403
    assert found["status"]["details"]["causes"][0]["reason"] == "NotHolder"
    assert found["auditAnnotations"] == {
        "verdict": "Deny",
        "reason": "NotHolder",
        "mode": "enforce",
        "lease": "shop/operator",
        "standing": "follower",
        "uid": "review-1",
        "holder": "operator-1",
        "lease-resource-version": "7",
    }
    assert scene.counted.reviews == [(Mode.ENFORCE, "Deny", Reason.NOT_HOLDER)]
    assert scene.counted.rejections == [Standing.FOLLOWER]


@pytest.mark.parametrize("reading", [HELD, LeaseAbsent(), LeaseView(LEASE, 99.0, expired=True)])
def test_the_gate_chooses_the_code_of_its_denials(reading: Reading) -> None:
    """For whoever may come to lead: 429 with the seconds to wait."""
    pod = "operator-2" if reading is HELD else "operator-1"
    status = response(Scene(reading).answer(review(pod), options="/code/429/retry-after/7"))["status"]
    assert (status["code"], status["reason"]) == (429, "TooManyRequests")
    assert status["details"]["retryAfterSeconds"] == 7


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"system:serviceaccount:shop:operator", b"jane", "NotServiceAccount"),
        (b"serviceaccount:shop", b"serviceaccount:other", "ForeignNamespace"),
        (b"pod-uid", b"pod-oid", "NoPodIdentity"),
    ],
)
def test_whom_no_waiting_helps_is_forbidden_whatever_the_code(old: bytes, new: bytes, reason: str) -> None:
    """A person or a foreign pod that was told to try again would do so in vain."""
    status = response(Scene().answer(review().replace(old, new), options="/code/429"))["status"]
    assert (status["code"], status["reason"]) == (403, "Forbidden")
    assert status["details"]["causes"][0]["reason"] == reason
    assert "retryAfterSeconds" not in status["details"]


@pytest.mark.parametrize("reading", [UNREADABLE, LeaseAbsent()], ids=["unreadable", "absent"])
def test_annotations_say_nothing_of_a_lease_that_was_not_seen(reading: Reading) -> None:
    """There is no holder to name."""
    found = response(Scene(reading).answer(review(), "audit"))
    assert {"holder", "lease-resource-version"}.isdisjoint(found["auditAnnotations"])


def test_what_cannot_be_decided_is_no_review() -> None:
    """503, so that failurePolicy decides; the message, the reason and the uid are in the Status."""
    scene = Scene(UNREADABLE)
    answer = scene.answer(review())
    status = json.loads(answer.body)
    assert answer.code == status["code"] == 503
    assert status["message"] == "Lease shop/operator cannot be read: etcd is gone"
    assert status["details"]["causes"][0]["reason"] == "LeaseUnreadable"
    assert status["details"]["uid"] == "review-1"
    assert len(scene.records.lines) == 1


@pytest.mark.parametrize(("reading", "pod", "reason"), REJECTED)
@pytest.mark.parametrize(("mode", "code"), [(Mode.ENFORCE, 503), (Mode.WARN, 200), (Mode.AUDIT, 200)])
def test_a_record_that_is_lost(reading: Reading, pod: str, reason: str, mode: Mode, code: int) -> None:
    """Enforce gives no verdict that is not recorded; the other modes stop nobody, but the loss is counted."""
    scene = Scene(reading, broken=True)
    answer = scene.answer(review(pod), mode)
    assert answer.code == code
    assert scene.counted.lost == [mode]
    if mode is Mode.ENFORCE:
        assert json.loads(answer.body)["message"] == "the verdict could not be recorded, so none is given"
    else:
        assert response(answer)["allowed"] is True


@pytest.mark.parametrize("broken", [False, True], ids=["recorded", "lost"])
def test_allowed_writes_are_recorded_on_request(broken: bool) -> None:
    """A record of an allowed write that is lost stops nobody."""
    scene = Scene(record_allowed=True, broken=broken)
    assert response(scene.answer(review()))["allowed"] is True
    assert [json.loads(line)["verdict"] for line in scene.records.lines] == ([] if broken else ["Allow"])
    assert scene.counted.lost == ([Mode.ENFORCE] if broken else [])


def test_a_rule_that_is_too_wide_reads_no_lease() -> None:
    """A write that is none of status is allowed with a warning, however the Lease stands."""
    scene = Scene(UNREADABLE)
    found = response(scene.answer(review(subresource="")))
    assert found["allowed"] is True
    assert "narrow the rule to '*/status'" in found["warnings"][0]
    assert scene.reader.reads == 0
    assert scene.counted.reviews == [(Mode.ENFORCE, "Allow", Reason.NOT_STATUS)]


def test_long_warnings_are_shortened() -> None:
    """To what clients show whole; the record keeps the whole message."""
    scene = Scene()
    pod = "operator-" + "x" * 300
    (warning,) = response(scene.answer(review(pod), "warn"))["warnings"]
    assert len(warning) == MAX_WARNING
    assert warning.endswith("…")
    assert pod in json.loads(scene.records.lines[0])["message"]


def test_the_account_of_an_admitted_write_is_remembered() -> None:
    """After it, a pod of another account is a stranger, and no follower."""
    scene = Scene()
    scene.answer(review())
    stranger = review("operator-2").replace(b"shop:operator", b"shop:debug")
    assert response(scene.answer(stranger))["auditAnnotations"]["standing"] == "stranger"


@pytest.mark.parametrize("mode", ["enforce", "warn", "audit"])
def test_nobody_has_a_standing_while_the_lease_is_unreadable(mode: str) -> None:
    """During an outage even the holder would look like a former one, so nothing is said of it."""
    scene = Scene(UNREADABLE)
    scene.answer(review(), mode)
    assert json.loads(scene.records.lines[0])["standing"] is None
    assert scene.counted.rejections == []


def test_a_body_that_is_no_review_is_a_bad_call() -> None:
    """Nothing is read, counted as a review or recorded for it."""
    scene = Scene()
    with pytest.raises(BadCall):
        scene.answer(b"{}")
    assert (scene.reader.reads, scene.counted.reviews, scene.records.lines) == (0, [], [])
