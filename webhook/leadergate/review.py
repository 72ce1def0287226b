"""The admission review's codec: ``admission.k8s.io/v1`` bytes to a :class:`Write`, a verdict to bytes.

Only the fields that the gate needs are decoded. ``object`` and ``oldObject`` are skipped by the parser, so they cost no
memory and can never reach a log. When a key is given twice the last one counts, as in the API server's own decoder.
"""

from __future__ import annotations

from typing import Any

import msgspec

from leadergate.model import DenialCode, Requester, Resource, Write

_SERVICE_ACCOUNT = "system:serviceaccount:"
_CLAIM = "authentication.kubernetes.io/"


class BadCall(Exception):
    """The call itself is at fault, so the answer is HTTP ``code`` (4xx), never a verdict.

    ``uid`` is the review's uid where it was readable, else empty.
    """

    def __init__(self, code: int, message: str, uid: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.uid = uid


class _Resource(msgspec.Struct):
    group: str = ""
    version: str = ""
    resource: str = ""


class _Kind(msgspec.Struct):
    kind: str = ""


class _Claims(msgspec.Struct):
    pod: list[str] | None = msgspec.field(default=None, name=_CLAIM + "pod-name")
    pod_uid: list[str] | None = msgspec.field(default=None, name=_CLAIM + "pod-uid")
    node: list[str] | None = msgspec.field(default=None, name=_CLAIM + "node-name")
    credential_id: list[str] | None = msgspec.field(default=None, name=_CLAIM + "credential-id")


class _User(msgspec.Struct):
    username: str = ""
    uid: str = ""
    extra: _Claims | None = None


class _Request(msgspec.Struct, rename="camel"):
    uid: str
    resource: _Resource
    user_info: _User
    operation: str
    kind: _Kind | None = None
    sub_resource: str = ""
    name: str = ""
    namespace: str = ""
    dry_run: bool | None = None


class _Review(msgspec.Struct, rename="camel"):
    api_version: str
    kind: str
    request: _Request | None = None


class _OnlyUid(msgspec.Struct):
    uid: str = ""


class _UidReview(msgspec.Struct):
    request: _OnlyUid | None = None


_NO_CLAIMS = _Claims()
_decoder = msgspec.json.Decoder(_Review)
_uid_decoder = msgspec.json.Decoder(_UidReview)
_encoder = msgspec.json.Encoder()


def decode(body: bytes | bytearray) -> Write:
    """The write that an admission review asks about.

    Raises:
        BadCall: 400, for whatever is not an AdmissionReview v1 with a request and a uid. No other exception, whatever
            the bytes.
    """
    try:
        review = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BadCall(400, f"the body is not an AdmissionReview: {_fault(error)}", _readable_uid(body)) from error
    request = review.request
    uid = request.uid if request else ""
    if review.kind != "AdmissionReview" or review.api_version != "admission.k8s.io/v1":
        raise BadCall(
            400,
            f"the body is kind {review.kind!r} of apiVersion {review.api_version!r}; expected AdmissionReview of"
            " admission.k8s.io/v1: set admissionReviewVersions to [v1]",
            uid,
        )
    if request is None:
        raise BadCall(400, "the AdmissionReview has no request; only the API server should call this address")
    if not request.uid:
        raise BadCall(400, "request.uid is empty; an answer could not be told apart")
    resource = request.resource
    return Write(
        request.uid,
        request.operation,
        Resource(resource.group, resource.version, resource.resource, request.kind.kind if request.kind else ""),
        request.sub_resource,
        request.namespace,
        request.name,
        bool(request.dry_run),
        _requester(request.user_info),
    )


def _requester(user: _User) -> Requester:
    namespace, account = _service_account(user.username)
    claims = user.extra or _NO_CLAIMS
    return Requester(
        user.username,
        user.uid,
        namespace,
        account,
        _only(claims.pod),
        _only(claims.pod_uid),
        _only(claims.node),
        _only(claims.credential_id),
    )


def _service_account(username: str) -> tuple[str, str] | tuple[None, None]:
    """Namespace and name of ``system:serviceaccount:{namespace}:{name}``, else a pair of None."""
    if not username.startswith(_SERVICE_ACCOUNT):
        return None, None
    namespace, colon, name = username.removeprefix(_SERVICE_ACCOUNT).partition(":")
    return (namespace, name) if colon and namespace and name and ":" not in name else (None, None)


def _only(values: list[str] | None) -> str | None:
    """A claim counts only when it is given once: the API server never gives two, an impersonator can."""
    return values[0] if values is not None and len(values) == 1 and values[0] else None


def _fault(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error)


def _readable_uid(body: bytes | bytearray) -> str:
    try:
        request = _uid_decoder.decode(body).request
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        return ""
    return request.uid if request else ""


def allowed(uid: str, *, warning: str = "", annotations: dict[str, str] | None = None) -> bytes:
    """The review that lets the write through, with an admission warning when one is given."""
    response: dict[str, Any] = {"uid": uid, "allowed": True}
    if warning:
        response["warnings"] = [warning]
    if annotations:
        response["auditAnnotations"] = annotations
    return _review(response)


# The reasons that the API's own machinery gives with these codes (metav1.StatusReason in k8s.io/apimachinery).
_DENIAL_REASONS = {
    DenialCode.FORBIDDEN: "Forbidden",
    DenialCode.CONFLICT: "Conflict",
    DenialCode.INVALID: "Invalid",
    DenialCode.TOO_MANY_REQUESTS: "TooManyRequests",
}


def denied(
    write: Write,
    *,
    reason: str,
    message: str,
    annotations: dict[str, str],
    code: DenialCode = DenialCode.FORBIDDEN,
    retry_after: int | None = None,
) -> bytes:
    """The review that rejects the write: HTTP 200 with ``code`` as ``status.code``.

    Without ``status.code`` the client would see 400; code, reason, message and causes reach it as they are. The second
    cause carries the review's uid, by which the client's error and the record of it can be brought together.
    ``retry_after``, in seconds, reaches it as ``details.retryAfterSeconds`` and as the header ``Retry-After``.
    """
    details: dict[str, Any] = {
        "name": write.name,
        "group": write.resource.group,
        "kind": write.resource.kind or write.resource.resource,
        "causes": [{"reason": reason, "message": message}, {"reason": "ReviewUID", "message": write.uid}],
    }
    if retry_after is not None:
        details["retryAfterSeconds"] = retry_after
    status = {"status": "Failure", "code": code.value, "reason": _DENIAL_REASONS[code], "message": message}
    told = {**status, "details": details}
    return _review({"uid": write.uid, "allowed": False, "status": told, "auditAnnotations": annotations})


def _review(response: dict[str, Any]) -> bytes:
    return _encoder.encode({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})


_HTTP_REASONS = {
    400: "BadRequest",
    404: "NotFound",
    405: "MethodNotAllowed",
    408: "Timeout",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    503: "ServiceUnavailable",
}


def failure(code: int, message: str, *, uid: str = "", cause: str = "") -> bytes:
    """A ``metav1.Status`` body for an answer that is not a review.

    It has this form because the API server passes on the message of a Status, and drops any other body.
    ``cause`` is the verdict's reason, where there is one; ``uid`` echoes the review's.
    """
    details: dict[str, Any] = {}
    if uid:
        details["uid"] = uid
    if cause:
        details["causes"] = [{"reason": cause, "message": message}]
    status: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Status",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": _HTTP_REASONS.get(code, "Unknown"),
        "code": code,
    }
    if details:
        status["details"] = details
    return _encoder.encode(status)
