"""The decoder takes any bytes: it decodes, or raises its own error, and nothing else."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from leadergate.model import Requester, Resource, Write
from leadergate.review import BadCall, allowed, decode, denied, failure

CLAIM = "authentication.kubernetes.io/"
texts = st.text(st.characters(codec="utf-8"), max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def writes(draw: st.DrawFn) -> Write:
    """Writes with any text in every field."""
    namespace, account = draw(st.just((None, None)) | st.tuples(*[st.text("ab.-", min_size=1, max_size=4)] * 2))
    username = draw(texts.map(lambda text: "user " + text)) if account is None else None
    claim = st.none() | texts.filter(bool)
    return Write(
        uid=draw(texts.filter(bool)),
        operation=draw(texts),
        resource=Resource(draw(texts), draw(texts), draw(texts), draw(texts)),
        subresource=draw(texts),
        namespace=draw(texts),
        name=draw(texts),
        dry_run=draw(st.booleans()),
        requester=Requester(
            username=username or f"system:serviceaccount:{namespace}:{account}",
            uid=draw(texts),
            namespace=namespace,
            service_account=account,
            pod=draw(claim),
            pod_uid=draw(claim),
            node=draw(claim),
            credential_id=draw(claim),
        ),
    )


def review(write: Write, **extra: Any) -> dict[str, Any]:
    """The review that asks about this write, with ``extra`` fields in its request."""
    asked = write.requester
    claims = {
        "pod-name": asked.pod,
        "pod-uid": asked.pod_uid,
        "node-name": asked.node,
        "credential-id": asked.credential_id,
    }
    resource = write.resource
    request = {
        **extra,
        "uid": write.uid,
        "kind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
        "resource": {"group": resource.group, "version": resource.version, "resource": resource.resource},
        "subResource": write.subresource,
        "name": write.name,
        "namespace": write.namespace,
        "operation": write.operation,
        "dryRun": write.dry_run,
        "userInfo": {
            "username": asked.username,
            "uid": asked.uid,
            "extra": {CLAIM + name: [value] for name, value in claims.items() if value is not None},
        },
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def attempt(content: bytes) -> Write | BadCall:
    """What the decoder makes of it; whatever it raises besides its own error fails the test."""
    try:
        return decode(content)
    except BadCall as fault:
        return fault


def decodes_or_refuses(content: bytes) -> Write | None:
    """The write, or None when it was refused, with 400 and a message that can be sent."""
    outcome = attempt(content)
    if isinstance(outcome, Write):
        assert outcome.uid
        return outcome
    assert outcome.code == 400
    answer = json.loads(failure(outcome.code, outcome.message, uid=outcome.uid))
    assert answer["message"]
    assert answer.get("details", {}).get("uid", "") == outcome.uid
    return None


@given(writes(), st.dictionaries(st.sampled_from(["object", "oldObject", "options", "x"]), json_values), st.booleans())
def test_a_review_round_trips(write: Write, extra: dict[str, Any], plain: bool) -> None:
    """Every field is taken as it was sent, escaped or not, whatever else is in the review."""
    assert decode(json.dumps(review(write, **extra), ensure_ascii=plain).encode()) == write


@given(st.binary(max_size=200))
@example(b"\xff" * 10)
@example(b'{"request":{"uid":"\\ud800"}}')
@example(b"[" * 100_000)
@example(b'{"request":' * 100_000)
@example(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
@example(b'{"apiVersion":' + b"9" * 100_000 + b"}")
def test_any_bytes(content: bytes) -> None:
    """Decoded, or refused with 400."""
    decodes_or_refuses(content)


@given(json_values)
def test_any_json(value: Any) -> None:
    """Decoded, or refused with 400, at whatever depth it stands in a review."""
    kind = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
    for content in (value, {"request": value}, {"request": {"uid": value}}, {"request": {"userInfo": value}}):
        decodes_or_refuses(json.dumps(content).encode())
        if isinstance(content, dict):
            decodes_or_refuses(json.dumps({**kind, **content}).encode())


SOUND = Write("u", "UPDATE", Resource("g", "v", "r", "k"), "status", "n", "m", False, Requester("jane", "1", pod="p"))
PATHS = [
    ("apiVersion",),
    ("kind",),
    ("request",),
    *(("request", name) for name in review(SOUND)["request"]),
    ("request", "userInfo", "extra"),
    ("request", "userInfo", "username"),
    ("request", "userInfo", "extra", CLAIM + "pod-name"),
    ("request", "resource", "resource"),
]


@given(writes(), st.lists(st.tuples(st.sampled_from(PATHS), st.none() | json_values), min_size=1, max_size=3))
def test_reviews_with_fields_dropped_or_of_another_type(write: Write, changes: list[Any]) -> None:
    """Decoded, or refused with 400 and the uid when it is still there to be read."""
    value = review(write)
    for path, replacement in changes:
        inner: Any = value
        for part in path[:-1]:
            inner = inner.get(part, {}) if isinstance(inner, dict) else {}
        if isinstance(inner, dict):
            if replacement is None:
                inner.pop(path[-1], None)
            else:
                inner[path[-1]] = replacement
    decodes_or_refuses(json.dumps(value).encode())


@given(writes(), st.data())
def test_reviews_cut_short_or_damaged(write: Write, data: st.DataObject) -> None:
    """Truncated, with bytes changed, or with a part doubled: decoded, or refused with 400."""
    content = json.dumps(review(write), ensure_ascii=False).encode()
    at = data.draw(st.integers(0, len(content)))
    to = data.draw(st.integers(at, min(len(content), at + 40)))
    piece = data.draw(
        st.binary(max_size=4) | st.just(content[at:to] * 2) | st.sampled_from([b"\\ud800", b"[", b"1e999"])
    )
    assert decodes_or_refuses(content[:at]) is None or at == len(content)
    decodes_or_refuses(content[:at] + piece + content[to:])


@given(writes(), texts, texts)
def test_the_last_of_two_keys_counts(write: Write, first: str, name: str) -> None:
    """As in the API server's own decoder; the requester is never mixed from two."""
    content = json.dumps(review(write))
    doubled = content.replace('"request": {', '"request": {"uid": ' + json.dumps(first) + ', "userInfo": {},', 1)
    assert decodes_or_refuses(doubled.encode()) in (write, None)
    if '"userInfo": {},' in doubled:
        fake = {"username": name, "extra": {CLAIM + "pod-name": [name]}}
        swapped = content.replace('"request": {', '"request": {"userInfo": ' + json.dumps(fake) + ",", 1)
        assert decode(swapped.encode()) == write


@given(writes(), texts, texts, st.dictionaries(texts, texts, max_size=3))
def test_every_answer_is_json_that_echoes_the_uid(
    write: Write, reason: str, message: str, notes: dict[str, str]
) -> None:
    """Whatever text it carries."""
    for answer in (
        allowed(write.uid, warning=message, annotations=notes),
        denied(write, reason=reason, message=message, annotations=notes),
    ):
        response = json.loads(answer)["response"]
        assert response["uid"] == write.uid
        assert response.get("auditAnnotations", {}) == notes
    status = json.loads(failure(503, message, uid=write.uid, cause=reason))
    assert (status["message"], status["details"]["uid"]) == (message, write.uid)
