"""What one Event tells, and about which object."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from leadergate.events.event import Report, denial_of, manifest, target, text, uid_of, worth_telling
from leadergate.model import Mode, Requester, Resource, Standing, Write

from .rejections import LEASE, NOON, denial

WRITE = Write(
    "review", "UPDATE", Resource("g", "v1", "things", "Thing"), "status", "shop", "thing", False,
    Requester("system:serviceaccount:shop:operator", "1", "shop", "operator", "operator-0", "p", None, "c"),
)  # fmt: skip
SAID = "pod shop/operator-0 may not write status (former-holder)"
SINCE = "since 2026-03-01T12:00:00Z"
FACE = "told before at 2026-03-01T12:00:00Z, and here for its gate"
ONE = Report(denial(), "u-1", 1, NOON, NOON)


@pytest.mark.parametrize(
    ("standing", "dry_run", "worth"),
    [
        (Standing.FORMER_HOLDER, False, True),
        (Standing.STRANGER, False, True),
        (Standing.FOLLOWER, False, False),
        (None, False, False),
        (Standing.FORMER_HOLDER, True, False),
        (Standing.STRANGER, True, False),
    ],
)
def test_what_is_worth_an_event(standing: Standing | None, dry_run: bool, worth: bool) -> None:
    """Former holders and strangers; no follower, no verdict that could not be reached, no dry run."""
    write = Write(**{name: getattr(WRITE, name) for name in WRITE.__struct_fields__} | {"dry_run": dry_run})
    assert worth_telling(write, standing) is worth


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (ONE, f"rejected: {SAID}"),
        (
            replace(ONE, denial=denial(held_until=NOON)),
            f"rejected: {SAID.removesuffix(')')}, held the Lease until 2026-03-01T12:00:00Z)",
        ),
        (
            replace(ONE, denial=denial(mode=Mode.AUDIT)),
            f"not rejected only because of mode audit: {SAID}",
        ),
        (replace(ONE, count=12), f"rejected: {SAID}; 12 times {SINCE}"),
        (
            replace(ONE, others=812, objects=40, others_since=NOON),
            f"rejected: {SAID}; and 812 more rejections of 40 objects under Lease shop/operator {SINCE}",
        ),
        (
            replace(ONE, others=2, objects=1, exact=False, others_since=NOON),
            f"rejected: {SAID}; and 2 more rejections of at least 1 object under Lease shop/operator {SINCE}",
        ),
        (
            replace(ONE, count=0, others=1, exact=False, others_since=NOON),
            f"rejected: {SAID}; {FACE}; and 1 more rejection under Lease shop/operator {SINCE}",
        ),
    ],
)
def test_what_it_says(report: Report, expected: str) -> None:
    """The verdict's own words, how the requester stands, and what is folded into it."""
    assert text(report) == expected


def test_the_numbers_are_never_cut_off() -> None:
    """A verdict's message of any length leaves room for what is folded."""
    long = denial(message="é" * 1024)
    said = manifest(replace(ONE, denial=long, others=812, objects=40, others_since=NOON), "webhook-0", "ab")["message"]
    assert len(said.encode()) <= 1024
    assert "… (former-holder); and 812 more rejections of 40 objects" in said


def test_the_manifest() -> None:
    """Everything by which kubectl finds it, and who reports."""
    assert manifest(replace(ONE, count=3), "webhook-0", "ab12") == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": "shop", "name": "thing.ab12"},
        "involvedObject": {
            "apiVersion": "g/v1", "kind": "Thing", "namespace": "shop", "name": "thing", "uid": "u-1",
        },
        "type": "Warning",
        "reason": "StatusWriteRejected",
        "message": "rejected: pod shop/operator-0 may not write status (former-holder); 3 times since"
        " 2026-03-01T12:00:00Z",
        "source": {"component": "leadergate", "host": "webhook-0"},
        "reportingComponent": "leadergate",
        "reportingInstance": "webhook-0",
        "firstTimestamp": "2026-03-01T12:00:00Z",
        "lastTimestamp": "2026-03-01T12:00:00Z",
        "count": 3,
    }  # fmt: skip


def test_a_mode_that_lets_writes_through_has_another_reason() -> None:
    """Nobody takes it for a write that was kept out."""
    assert (
        manifest(replace(ONE, denial=denial(mode=Mode.WARN)), "webhook-0", "ab")["reason"] == "StatusWriteNotByHolder"
    )


@pytest.mark.parametrize(
    ("resource", "namespace", "expected"),
    [
        (Resource("g", "v1", "regions", "Region"), "", ("g/v1", "Region", "", "default")),
        (Resource("", "v1", "namespaces", "Namespace"), "thing", ("v1", "Namespace", "", "default")),
        (Resource("", "v1", "pods", "Pod"), "shop", ("v1", "Pod", "shop", "shop")),
    ],
)
def test_objects_of_the_cluster(resource: Resource, namespace: str, expected: tuple[str, str, str, str]) -> None:
    """Their Events go to namespace default; a Namespace is one of them, though its review names it as its own."""
    write = Write("r", "UPDATE", resource, "status", namespace, "thing", False, WRITE.requester)
    made = manifest(replace(ONE, denial=replace(denial(), target=target(write))), "webhook-0", "ab")
    about = made["involvedObject"]
    assert (about["apiVersion"], about["kind"], about["namespace"], made["metadata"]["namespace"]) == expected


@pytest.mark.parametrize("name", ["system:controller:x", "UPPER", "a" * 201, "", "a..b", "-"])
def test_a_name_that_cannot_be_an_events(name: str) -> None:
    """The Event is called otherwise, and is about the object all the same."""
    odd = replace(denial(), target=denial().target._replace(name=name))
    made = manifest(replace(ONE, denial=odd), "webhook-0", "ab")
    assert made["metadata"]["name"] == "object.ab"
    assert made["involvedObject"]["name"] == name


def test_what_is_remembered_is_bounded() -> None:
    """A forged review may carry names of megabytes."""
    huge = "x" * 100_000
    requester = Requester(huge, "1", "shop", "operator", huge, "p", None, "c")
    write = Write("r", "UPDATE", Resource(huge, huge, huge, huge), "status", huge, huge, False, requester)
    kept = denial_of(LEASE, Mode.ENFORCE, write, Standing.STRANGER, holder=huge, message=huge, at=NOON, held_until=None)
    assert max(len(part) for part in (*kept.target, kept.requester, kept.holder, kept.message)) <= 1024


@pytest.mark.parametrize(
    ("request_", "uid"),
    [
        ({"object": {"metadata": {"uid": "new"}}, "oldObject": {"metadata": {"uid": "old"}}}, "old"),
        ({"object": {"metadata": {"uid": "new"}}, "oldObject": None}, "new"),
        ({"object": {"metadata": {}}}, ""),
        ({"object": {"metadata": {"uid": 7}}}, ""),
        ({}, ""),
    ],
)
def test_the_uid_of_the_object(request_: dict[str, object], uid: str) -> None:
    """As the review has it, or none."""
    assert uid_of(json.dumps({"request": request_}).encode()) == uid


def test_a_body_that_cannot_be_read_has_no_uid() -> None:
    """Whatever the bytes."""
    assert [uid_of(body) for body in (b"", b"[", b"\xff", b"[" * 100_000)] == [""] * 4
