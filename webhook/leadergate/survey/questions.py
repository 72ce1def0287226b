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
from leadergate_certs.calls import query
from leadergate_election.connection import ApiAnswer, Unreachable

SECONDS = 10.0
"""For one answer."""

ALL_SECONDS = 60.0
"""For all of them; what has not been asked by then stays unknown."""

AT_ONCE = 8
PAGE = 500
"""Objects in one answer, as kubectl asks for them: thousands of Pods at once are a heavy answer."""

_AUTHORIZATION, _AUTHENTICATION = "authorization.k8s.io", "authentication.k8s.io"


class Connection(Protocol):
    """Sends requests to the API server at ``host``."""

    @property
    def host(self) -> str:
        """The API server's URL."""
        ...

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
        self._caller: asyncio.Future[Looked[dict[str, Any]]] | None = None

    async def items(self, path: str, right: Right) -> Looked[list[dict[str, Any]]]:
        """What a list holds."""
        found: list[dict[str, Any]] = []
        more = {"limit": str(PAGE)}
        while True:
            page = await self._object("GET", f"{path}{'&' if '?' in path else '?'}{query(**more)}", right)
            if isinstance(page, Unknown):
                return page
            found += mappings(page.value.get("items"))
            following = text(mapping(page.value.get("metadata")).get("continue"))
            if not following:
                return Known(found)
            more["continue"] = following

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
        """Whether the account has that right.

        The account itself may ask that of itself, as anybody may (SelfSubjectAccessReview); whoever else asks needs to
        be allowed to (SubjectAccessReview).
        """
        attributes = {
            "verb": right.verb,
            "group": right.group,
            "resource": right.resource,
            "namespace": right.namespace,
            "name": right.name,
        }
        spec: dict[str, Any] = {"resourceAttributes": attributes}
        kind = "SelfSubjectAccessReview"
        if await self.caller() != account.username:
            kind = "SubjectAccessReview"
            spec |= {"user": account.username, "groups": list(groups(account))}
        found = await self._review(_AUTHORIZATION, kind, spec)
        return found if isinstance(found, Unknown) else Known(found.value.get("allowed") is True)

    async def caller(self) -> str:
        """The user that asks, asked for once; empty when it is not told."""
        if self._caller is None:
            self._caller = asyncio.ensure_future(self._review(_AUTHENTICATION, "SelfSubjectReview"))
        found = await self._caller
        return "" if isinstance(found, Unknown) else text(mapping(found.value.get("userInfo")).get("username"))

    async def _review(self, group: str, kind: str, spec: dict[str, Any] | None = None) -> Looked[dict[str, Any]]:
        """The status of an object that is made to be answered, and is not kept."""
        resource = f"{kind.lower()}s"
        review = {"apiVersion": f"{group}/v1", "kind": kind, **({} if spec is None else {"spec": spec})}
        right = Right("create", group, resource)
        found = await self._object("POST", f"/apis/{group}/v1/{resource}", right, review)
        return found if isinstance(found, Unknown) else Known(mapping(found.value.get("status")))

    async def _object(self, method: str, path: str, right: Right, body: Any = None) -> Looked[dict[str, Any]]:
        answer = await self._answer(method, path, right, body)
        return _parsed(answer, right) if isinstance(answer, ApiAnswer) else answer

    async def _answer(self, method: str, path: str, right: Right, body: Any = None) -> ApiAnswer | Unknown:
        encoded = None if body is None else msgspec.json.encode(body)
        try:
            async with asyncio.timeout_at(self._end) as whole, self._few, asyncio.timeout(SECONDS):
                return await self._connection.request(method, path, encoded)
        except TimeoutError:
            if whole.expired():
                return Unknown(f"no time was left to {right}")
            return Unknown(f"the API server at {self._connection.host} gave no answer within {SECONDS:g} s to {right}")
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
