"""What a rejected write wanted, as the review and the API server's answers tell it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leadergate.change import change_of, seen


def review(old: Any, new: Any) -> bytes:
    """A review of a write from one object to another."""
    request = {"uid": "u", "object": new, "oldObject": old}
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).encode()


def thing(status: Any = None, version: str = "7", **metadata: Any) -> dict[str, Any]:
    """An object; a status of None is left out."""
    found: dict[str, Any] = {"metadata": {"resourceVersion": version, "name": "thing", **metadata}, "spec": {"a": [1]}}
    return found if status is None else {**found, "status": status}


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ({"ready": True}, {"ready": True}, False),
        ({"ready": False}, {"ready": True}, True),
        (None, {"ready": True}, True),
        ({"ready": True}, None, True),
        (None, None, False),
        ({}, {}, False),
        ({"text": "ä"}, {"text": "ä"}, False),
    ],
)
def test_whether_it_would_change_the_status(old: Any, new: Any, differs: bool) -> None:
    """Statuses are compared, and nothing else of the object."""
    change = change_of(review(thing(old), thing(new, "8", labels={"a": "b"})))
    assert change is not None
    assert (change.resource_version, change.differs) == ("7", differs)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"request": {"object": null, "oldObject": null}}',
        review(thing(version=""), thing()),
        review({"metadata": 7}, thing()),
        review(thing(deletionTimestamp="2026-03-01T12:00:00Z"), thing({"ready": True})),
        review(thing(version="seven"), thing()).replace(b"seven", b"\xff"),
        b'{"request": {"object": ' + b"[" * 100_000,
    ],
    ids=range(8),
)
def test_what_cannot_be_told_is_not_remembered(body: bytes) -> None:
    """No object, no revision, or one that is being deleted."""
    assert change_of(body) is None


def test_a_status_that_stays_is_known_again() -> None:
    """The same in a review and in an answer of the API server; another status is another."""
    change = change_of(review(thing({"ready": False}), thing({"ready": True})))
    same = seen(json.dumps(thing({"ready": False}, "9", annotations={"a": "b"})).encode())
    other = seen(json.dumps(thing({"ready": True}, "9")).encode())
    assert change is not None
    assert same is not None
    assert other is not None
    assert (same.status, same.resource_version, same.annotations) == (change.status, "9", {"a": "b"})
    assert (other.status == change.status, other.annotations, other.deleting) == (False, {}, False)
    gone = seen(json.dumps(thing(deletionTimestamp="2026-03-01T12:00:00Z")).encode())
    assert gone is not None
    assert gone.deleting


@pytest.mark.parametrize("body", [b"", b"[]", b'{"kind": "Status", "metadata": {}}', b'{"status": "Success"}'])
def test_an_answer_that_is_no_object(body: bytes) -> None:
    """Nothing is made of it."""
    assert seen(body) is None
