"""What to say when a right is missing: which one, how to check it, and how to grant all that reading logs takes."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from leadergate.survey.parts import Right
from leadergate.survey.raw import mapping, text
from leadergate_election.connection import ApiConnection, Unreachable

_REVIEW = "authentication.k8s.io/v1"
_SECONDS = 5.0


async def denied(connection: ApiConnection, right: Right) -> str:
    """A sentence about a missing right of whoever asks."""
    return lacking(right, await _caller(connection))


def lacking(right: Right, user: str) -> str:
    """The same, for a user whose name is known, or empty."""
    who = f"user {user}" if user else "your user"
    account = user.removeprefix("system:serviceaccount:")
    subject = f"--serviceaccount={account}" if account != user else f"--user={user or 'NAME'}"
    within = f" -n {right.namespace}"
    return (
        f"{who} may not {right.verb} {right.resource} in namespace {right.namespace};"
        f" check: kubectl auth can-i {right}\n"
        f"grant: kubectl create role leadergate-review --verb=get,list,watch --resource=pods,pods/log{within}\n"
        f"       kubectl create rolebinding leadergate-review --role=leadergate-review {subject}{within}"
    )


async def _caller(connection: ApiConnection) -> str:
    """Anybody may ask who they are (SelfSubjectReview)."""
    body = msgspec.json.encode({"apiVersion": _REVIEW, "kind": "SelfSubjectReview"})
    try:
        async with asyncio.timeout(_SECONDS):
            answer = await connection.request("POST", f"/apis/{_REVIEW}/selfsubjectreviews", body)
        found: Any = msgspec.json.decode(answer.body)
    except (TimeoutError, Unreachable, msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return text(mapping(mapping(mapping(found).get("status")).get("userInfo")).get("username"))
