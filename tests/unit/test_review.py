"""The admission review's codec: what is taken from a review, what is refused, and the bytes of each answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leadergate.model import DenialCode, Requester, Resource, Write
from leadergate.review import BadCall, allowed, decode, denied, failure

CLAIM = "authentication.kubernetes.io/"
EXTRA = {
    CLAIM + "pod-name": ["operator-1"],
    CLAIM + "pod-uid": ["pod-uid"],
    CLAIM + "node-name": ["node-a"],
    CLAIM + "credential-id": ["JTI=1"],
}
LEADER = Requester(
    "system:serviceaccount:shop:operator", "uid-1", "shop", "operator", "operator-1", "pod-uid", "node-a", "JTI=1"
)


def review(**changed: Any) -> dict[str, Any]:
    """A review as an API server sends it; ``changed`` replaces fields of its request, and None leaves one out."""
    request: dict[str, Any] = {
        "uid": "review-1",
        "kind": {"group": "g", "version": "v1", "kind": "Thing"},
        "resource": {"group": "g", "version": "v1", "resource": "things"},
        "subResource": "status",
        "requestKind": {"group": "g", "version": "v1", "kind": "Thing"},
        "requestResource": {"group": "g", "version": "v1", "resource": "things"},
        "requestSubResource": "status",
        "name": "thing",
        "namespace": "shop",
        "operation": "UPDATE",
        "userInfo": {"username": LEADER.username, "uid": "uid-1", "groups": ["system:authenticated"], "extra": EXTRA},
        "object": {"status": {"ready": True}},
        "oldObject": {"status": {"ready": False}},
        "dryRun": False,
        "options": {"apiVersion": "meta.k8s.io/v1", "kind": "UpdateOptions"},
        **changed,
    }
    kept = {name: value for name, value in request.items() if value is not None}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": kept}


def body(value: object) -> bytes:
    """As JSON."""
    return json.dumps(value).encode()


def user(username: str = LEADER.username, **extra: list[str] | None) -> Requester:
    """The requester of a review by this user, with these claims changed."""
    claims = {**EXTRA, **{CLAIM + name.replace("_", "-"): values for name, values in extra.items()}}
    return decode(body(review(userInfo={"username": username, "uid": "uid-1", "extra": claims}))).requester


def test_what_is_taken_from_a_review() -> None:
    """All that the gate, its record and its denial speak of."""
    assert decode(body(review())) == Write(
        "review-1", "UPDATE", Resource("g", "v1", "things", "Thing"), "status", "shop", "thing", False, LEADER
    )


def test_a_bare_review_of_a_cluster_scoped_object() -> None:
    """Fields that an API server leaves out when they are empty."""
    bare = review(name=None, namespace=None, subResource=None, kind=None, dryRun=None, object=None, oldObject=None)
    write = decode(bytearray(body(bare)))
    assert (write.name, write.namespace, write.subresource, write.dry_run) == ("", "", "", False)
    assert write.resource.kind == ""


def test_dry_runs_are_told_apart() -> None:
    """A dry run is judged like any write, and recorded as one."""
    assert decode(body(review(dryRun=True))).dry_run


@pytest.mark.parametrize(
    ("username", "namespace", "account"),
    [
        ("system:serviceaccount:shop:operator", "shop", "operator"),
        ("system:serviceaccount:shop:a.b", "shop", "a.b"),
        ("system:serviceaccount:shop:", None, None),
        ("system:serviceaccount::operator", None, None),
        ("system:serviceaccount:shop", None, None),
        ("system:serviceaccount:shop:operator:x", None, None),
        ("system:serviceaccount:", None, None),
        ("System:serviceaccount:shop:operator", None, None),
        (" system:serviceaccount:shop:operator", None, None),
        ("system:serviceaccounts:shop:operator", None, None),
        ("system:node:node-a", None, None),
        ("jane", None, None),
        ("", None, None),
    ],
)
def test_service_accounts_by_their_user_name(username: str, namespace: str | None, account: str | None) -> None:
    """Exactly system:serviceaccount:{namespace}:{name}; anything else is somebody else."""
    requester = user(username)
    assert (requester.username, requester.namespace, requester.service_account) == (username, namespace, account)


@pytest.mark.parametrize("claim", ["pod_name", "pod_uid", "node_name", "credential_id"])
@pytest.mark.parametrize(
    ("values", "taken"),
    [
        pytest.param(["x"], "x", id="one"),
        pytest.param(["x", "y"], None, id="two"),
        pytest.param(["x", "x"], None, id="twice the same"),
        pytest.param([], None, id="none"),
        pytest.param([""], None, id="empty"),
        pytest.param(None, None, id="null"),
    ],
)
def test_a_claim_counts_only_when_given_once(claim: str, values: list[str] | None, taken: str | None) -> None:
    """An impersonator can send several values, the API server never does."""
    field = {"pod_name": "pod", "node_name": "node"}.get(claim, claim)
    assert getattr(user(LEADER.username, **{claim: values}), field) == taken


def test_a_user_without_extra() -> None:
    """A person has no claims at all."""
    requester = decode(body(review(userInfo={"username": "jane"}))).requester
    assert requester == Requester("jane", "")


BASE = body(review())
DEEP = 100_000


@pytest.mark.parametrize(
    ("content", "message", "uid"),
    [
        (b"", "not an AdmissionReview: Input data was truncated", ""),
        (b"null", "not an AdmissionReview: Expected `object`, got `null`", ""),
        (b"[]", "not an AdmissionReview: Expected `object`, got `array`", ""),
        (b"hello", "not an AdmissionReview: JSON is malformed", ""),
        (BASE[:-20], "not an AdmissionReview: Input data was truncated", ""),
        (BASE + b"x", "not an AdmissionReview: JSON is malformed: trailing characters", ""),
        (b"\xef\xbb\xbf" + BASE, "not an AdmissionReview: JSON is malformed", ""),
        (BASE.decode().encode("utf-16"), "not an AdmissionReview: JSON is malformed", ""),
        (BASE.replace(b"review-1", b"\xff"), "can't decode byte 0xff", ""),
        (BASE.replace(b"review-1", b"\\ud800"), "escaped utf-16 surrogate", ""),
        (BASE.replace(b'"thing"', b'"\\udfff"'), "utf-16 surrogate", ""),
        (BASE.replace(b'"thing"', b'"\xed\xa0\x80"'), "can't decode byte 0xed", "review-1"),
        (b"[" * DEEP, "not an AdmissionReview: Expected `object`, got `array`", ""),
        (BASE.replace(b'"status"', b"[" * DEEP + b"]" * DEEP, 1), "Expected `str`, got `array`", ""),
        (BASE.replace(b'{"ready": true}', b"[" * DEEP + b"]" * DEEP), "nested too deeply", ""),
        (BASE.replace(b'{"ready": true}', b'{"a":' * DEEP + b"1" + b"}" * DEEP), "nested too deeply", ""),
        (BASE.replace(b'"dryRun": false', b'"dryRun": 1'), "Expected `bool | null`, got `int`", "review-1"),
        (BASE.replace(b'"dryRun": false', b'"dryRun": ' + b"9" * DEEP), "out of range", "review-1"),
        (body(review(uid=None)), "missing required field `uid`", ""),
        (body(review(uid="")), "request.uid is empty", ""),
        (body(review(uid=7)), "Expected `str`, got `int` - at `$.request.uid`", ""),
        (body(review(userInfo=None)), "missing required field `userInfo`", "review-1"),
        (body(review(resource=None)), "missing required field `resource`", "review-1"),
        (body(review(operation=None)), "missing required field `operation`", "review-1"),
        (body(review(userInfo=[])), "Expected `object`, got `array` - at `$.request.userInfo`", "review-1"),
        (body({**review(), "request": None}), "the AdmissionReview has no request", ""),
        (body({**review(), "kind": None}), "Expected `str`, got `null` - at `$.kind`", "review-1"),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, bytes) else None,
)
def test_what_is_no_review_is_refused(content: bytes, message: str, uid: str) -> None:
    """400 with the fault named, and the uid wherever it could be read."""
    with pytest.raises(BadCall) as caught:
        decode(content)
    assert caught.value.code == 400
    assert message in caught.value.message
    assert caught.value.uid == uid


@pytest.mark.parametrize(
    ("kind", "version"),
    [("AdmissionReview", "admission.k8s.io/v1beta1"), ("ConversionReview", "apiextensions.k8s.io/v1"), ("", "")],
)
def test_another_kind_or_version_is_refused(kind: str, version: str) -> None:
    """The message says what came, what was expected and which setting to mend; the uid is echoed."""
    with pytest.raises(BadCall) as caught:
        decode(body({**review(), "kind": kind, "apiVersion": version}))
    assert caught.value.message == (
        f"the body is kind {kind!r} of apiVersion {version!r}; expected AdmissionReview of admission.k8s.io/v1:"
        " set admissionReviewVersions to [v1]"
    )
    assert caught.value.uid == "review-1"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(BASE.replace(b'{"ready": true}', b"[" * 500 + b"]" * 500), id="nested as deep as objects are"),
        pytest.param(BASE.replace(b"true", b"9" * DEEP), id="huge number in the object"),
        pytest.param(BASE.replace(b"true", b"1e999999"), id="infinite number in the object"),
        pytest.param(BASE.replace(b"true", b'"\xff"'), id="invalid UTF-8 in the object, which is skipped"),
        pytest.param(BASE.replace(b'"uid": "review-1"', b'"uid": "x", "uid": "review-1"'), id="the last key counts"),
        pytest.param(BASE.replace(b'"uid": "uid-1"', b'"UID": "x", "uid": "uid-1"'), id="keys to the letter"),
        pytest.param(b" \n" + BASE + b"\r\n\t", id="blanks around"),
    ],
)
def test_odd_but_right_reviews(content: bytes) -> None:
    """They mean what they say."""
    assert decode(content).uid == "review-1"
    assert decode(content).requester == LEADER


def test_an_allowing_answer() -> None:
    """Nothing but the uid and the answer, unless there is something to say."""
    answer = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
    assert json.loads(allowed("u")) == {**answer, "response": {"uid": "u", "allowed": True}}
    assert json.loads(allowed("u", warning="w", annotations={"a": "b"})) == {
        **answer,
        "response": {"uid": "u", "allowed": True, "warnings": ["w"], "auditAnnotations": {"a": "b"}},
    }


def test_a_denying_answer() -> None:
    """403 Forbidden with the message, the object and the causes, all of which reach the client."""
    answer = json.loads(denied(decode(BASE), reason="NotHolder", message="m", annotations={"reason": "NotHolder"}))
    response = answer["response"]
    assert (answer["apiVersion"], answer["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    assert (response["uid"], response["allowed"]) == ("review-1", False)
    assert response["auditAnnotations"] == {"reason": "NotHolder"}
    details = response["status"].pop("details")
    assert response["status"] == {"status": "Failure", "code": 403, "reason": "Forbidden", "message": "m"}
    assert (details["name"], details["group"], details["kind"]) == ("thing", "g", "Thing")
    assert {"reason": "NotHolder", "message": "m"} in details["causes"]


@pytest.mark.parametrize(
    ("code", "reason"), [(403, "Forbidden"), (409, "Conflict"), (422, "Invalid"), (429, "TooManyRequests")]
)
def test_the_code_of_a_denial(code: int, reason: str) -> None:
    """The gate chooses it, and the reason is the API's own for it; seconds to wait stand in the details."""
    after = 5 if code == 429 else None
    answer = denied(
        decode(BASE), reason="NotHolder", message="m", annotations={}, code=DenialCode(code), retry_after=after
    )
    status = json.loads(answer)["response"]["status"]
    assert (status["code"], status["reason"], status["details"].get("retryAfterSeconds")) == (code, reason, after)


@pytest.mark.parametrize("code", [400, 404, 405, 408, 413, 415, 503])
def test_a_failure_is_a_status_of_its_own(code: int) -> None:
    """Every code that is ever answered has a reason as metav1.Status knows them; the message reaches the client."""
    status = json.loads(failure(code, "m", uid="u", cause="LeaseUnreadable"))
    assert status.pop("reason") != "Unknown"
    assert status == {
        "apiVersion": "v1",
        "kind": "Status",
        "metadata": {},
        "status": "Failure",
        "message": "m",
        "code": code,
        "details": {"uid": "u", "causes": [{"reason": "LeaseUnreadable", "message": "m"}]},
    }


def test_a_failure_without_uid_or_cause_has_no_details() -> None:
    """What is not known is left out."""
    assert "details" not in json.loads(failure(400, "m"))
