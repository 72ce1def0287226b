"""Questions to the API server: a few at a time, each bounded in time, and what is not answered is ``Unknown``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol

import msgspec

from leadergate.gates.spec import Account
from leadergate.survey.flow import groups
from leadergate.survey.parts import Known, Looked, Right, Unknown
from leadergate.survey.raw import mapping, mappings, text
from leadergate_election.connection import ApiAnswer, Unreachable

SECONDS = 10.0
"""For one answer."""

ALL_SECONDS = 60.0
"""For all of them; what has not been asked by then stays unknown."""

AT_ONCE = 8
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_REVIEW = Right("create", "authorization.k8s.io", "subjectaccessreviews")


class Connection(Protocol):
    """Sends requests to the API server."""

    def request(
        self, method: str, path: str, body: bytes | None = None, *, content_type: str = ...
    ) -> Awaitable[ApiAnswer]:
        """Send one request. Raises Unreachable."""
        ...


class Questions:
    """One round of questions over a connection; make it inside the event loop."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._few = asyncio.Semaphore(AT_ONCE)
        self._end = asyncio.get_running_loop().time() + ALL_SECONDS

    async def items(self, path: str, right: Right) -> Looked[list[dict[str, Any]]]:
        """What a list holds."""
        found = await self._object("GET", path, right)
        return found if isinstance(found, Unknown) else Known(mappings(found.value.get("items")))

    async def object(self, path: str, right: Right) -> Looked[dict[str, Any] | None]:
        """One object, ``Known(None)`` when there is none."""
        answer = await self._answer("GET", path, right)
        if isinstance(answer, Unknown):
            return answer
        if answer.code == 404:
            return Known(None)
        found = _parsed(answer, right)
        return found if isinstance(found, Unknown) else Known(found.value)

    async def text(self, path: str, right: Right) -> Looked[str]:
        """What stands at a path that holds no object."""
        answer = await self._answer("GET", path, right)
        if isinstance(answer, Unknown):
            return answer
        return Known(answer.body.decode(errors="replace")) if answer.code == 200 else _refused(answer, right)

    async def may(self, account: Account, right: Right) -> Looked[bool]:
        """Whether the account has that right (SubjectAccessReview)."""
        attributes = {
            "verb": right.verb,
            "group": right.group,
            "resource": right.resource,
            "namespace": right.namespace,
            "name": right.name,
        }
        spec = {"user": account.username, "groups": list(groups(account)), "resourceAttributes": attributes}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        found = await self._object("POST", _REVIEWS, _REVIEW, review)
        if isinstance(found, Unknown):
            return found
        return Known(mapping(found.value.get("status")).get("allowed") is True)

    async def _object(self, method: str, path: str, right: Right, body: Any = None) -> Looked[dict[str, Any]]:
        answer = await self._answer(method, path, right, body)
        return _parsed(answer, right) if isinstance(answer, ApiAnswer) else answer

    async def _answer(self, method: str, path: str, right: Right, body: Any = None) -> ApiAnswer | Unknown:
        encoded = None if body is None else msgspec.json.encode(body)
        try:
            async with asyncio.timeout_at(self._end) as whole, self._few, asyncio.timeout(SECONDS):
                return await self._connection.request(method, path, encoded)
        except TimeoutError:
            late = "no time was left" if whole.expired() else f"no answer came within {SECONDS:g} s"
            return Unknown(f"{late} to {right}")
        except Unreachable as fault:
            return Unknown(str(fault))


def _parsed(answer: ApiAnswer, right: Right) -> Looked[dict[str, Any]]:
    if not 200 <= answer.code < 300:
        return _refused(answer, right)
    try:
        parsed = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        parsed = None
    return Known(parsed) if isinstance(parsed, dict) else Unknown(f"what answered to {right} is no API server")


def _refused(answer: ApiAnswer, right: Right) -> Unknown:
    if answer.code == 403:
        return lacking(right)
    try:
        said = text(mapping(msgspec.json.decode(answer.body)).get("message"))
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = ""
    return Unknown(f"the API server answered {answer.code} to {right}: {said or 'no reason given'}")


def lacking(right: Right) -> Unknown:
    """It was refused for want of a right."""
    return Unknown(f"a right is missing, see: kubectl auth can-i {right}")
