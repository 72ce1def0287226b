"""What a rejected write wanted: would it have changed the status at all, and of which revision of the object?

A second, sparing look at a review, for rejections alone: an allowed write never pays for it. Nothing of the object is
kept but its resourceVersion.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Change:
    """``differs`` says that the write wanted another status than the object had at ``resource_version``.

    ``status`` stands for the status that the object had, and kept: it is equal for equal statuses, in this process.
    """

    resource_version: str
    status: int
    differs: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """An object as the API server showed it: ``status`` as in :class:`Change`."""

    resource_version: str
    status: int
    deleting: bool
    annotations: dict[str, str]


class _Metadata(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    deletion_timestamp: str | None = None


class _Object(msgspec.Struct):
    metadata: _Metadata
    status: msgspec.Raw = msgspec.Raw(b"")


class _AnnotatedMetadata(_Metadata, rename="camel"):
    annotations: dict[str, str] | None = None


class _Annotated(msgspec.Struct):
    metadata: _AnnotatedMetadata
    status: msgspec.Raw = msgspec.Raw(b"")


class _Request(msgspec.Struct, rename="camel"):
    object: _Object
    old_object: _Object


class _Review(msgspec.Struct):
    request: _Request


_review_decoder = msgspec.json.Decoder(_Review)
_object_decoder = msgspec.json.Decoder(_Annotated)
_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


def change_of(body: bytes | bytearray) -> Change | None:
    """What the write of this review wanted; None when it cannot be told, or when the object is being deleted.

    The API server encodes both objects alike, with keys in one order, so equal bytes are equal statuses. Unequal bytes
    of equal statuses would cost one nudge too many, and nothing else.
    """
    try:
        request = _review_decoder.decode(body).request
    except _FAULTS:
        return None
    old, wanted = request.old_object, bytes(request.object.status)
    if not old.metadata.resource_version or old.metadata.deletion_timestamp is not None:
        return None
    stored = bytes(old.status)
    return Change(old.metadata.resource_version, hash(stored), wanted != stored)


def seen(body: bytes) -> Seen | None:
    """The object in an answer of the API server; None when it is none."""
    try:
        found = _object_decoder.decode(body)
    except _FAULTS:
        return None
    metadata = found.metadata
    if not metadata.resource_version:
        return None
    deleting = metadata.deletion_timestamp is not None
    return Seen(metadata.resource_version, hash(bytes(found.status)), deleting, metadata.annotations or {})
