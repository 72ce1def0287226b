"""The adapter to the API server: one linearizable GET of a Lease, every failure translated to :class:`ReadFailed`."""

from __future__ import annotations

from datetime import datetime

import msgspec

from leadergate.lease_source import ReadFailed
from leadergate.model import Lease, LeaseAbsent, LeaseKey
from leadergate_election.connection import ApiAnswer, ApiConnection, Unreachable


class _Metadata(msgspec.Struct, rename="camel"):
    resource_version: str = ""


class _Spec(msgspec.Struct, rename="camel"):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: datetime | None = None
    renew_time: datetime | None = None
    lease_transitions: int | None = None


class _Lease(msgspec.Struct):
    kind: str
    metadata: _Metadata
    spec: _Spec | None = None


class _Details(msgspec.Struct):
    kind: str = ""


class _Status(msgspec.Struct):
    kind: str = ""
    reason: str = ""
    message: str = ""
    details: _Details | None = None


_lease_decoder = msgspec.json.Decoder(_Lease)
_status_decoder = msgspec.json.Decoder(_Status)


class ApiServer:
    """Reads Leases over one connection.

    ``answered`` turns true with the first answer that proves the API server knows us, and stays so.
    """

    def __init__(self, connection: ApiConnection) -> None:
        self._connection = connection
        self.answered = False

    async def get(self, key: LeaseKey) -> Lease | LeaseAbsent:
        """GET one Lease without ``resourceVersion``: a quorum read (Kubernetes API concepts, "Resource versions")."""
        answer = await self._get(f"/apis/coordination.k8s.io/v1/namespaces/{key.namespace}/leases/{key.name}")
        if answer.code == 200:
            self.answered = True
            return _lease(answer.body)
        status = _status(answer.body)
        if answer.code == 404 and status.reason == "NotFound" and status.details and status.details.kind == "leases":
            self.answered = True
            return LeaseAbsent()
        raise _failure(answer.code, status, key)

    async def greet(self) -> None:
        """Ask for the API server's version: a cheap question that any authenticated client may ask.

        Raises:
            ReadFailed: it did not answer, or not with success.
        """
        answer = await self._get("/version")
        if answer.code != 200:
            why = f"the API server answered {answer.code}: {_status(answer.body).message}"
            raise ReadFailed(why, passing=True)
        self.answered = True

    async def _get(self, path: str) -> ApiAnswer:
        try:
            return await self._connection.request("GET", path)
        except Unreachable as error:
            raise ReadFailed(str(error), passing=True) from error


def _lease(body: bytes) -> Lease:
    try:
        found = _lease_decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise ReadFailed(f"the API server's answer is not a Lease: {error}", passing=False) from error
    if found.kind != "Lease" or not found.metadata.resource_version:
        raise ReadFailed(f"the API server's answer is not a Lease but {found.kind!r}", passing=False)
    spec = found.spec or _Spec()
    return Lease(
        holder=spec.holder_identity or "",
        resource_version=found.metadata.resource_version,
        transitions=spec.lease_transitions,
        duration=spec.lease_duration_seconds,
        acquire_time=spec.acquire_time,
        renew_time=spec.renew_time,
    )


def _status(body: bytes) -> _Status:
    try:
        return _status_decoder.decode(body)
    except msgspec.MsgspecError:
        return _Status(message=repr(body[:200]))


def _failure(status: int, answer: _Status, key: LeaseKey) -> ReadFailed:
    said = f"the API server answered {status}: {answer.message}"
    if status == 403:
        return ReadFailed(
            f"{said}; grant the webhook's service account 'get' on lease {key.name} in namespace {key.namespace}",
            passing=False,
        )
    if status == 401:
        return ReadFailed(f"{said}; the webhook's own credentials are not accepted", passing=True)
    return ReadFailed(said, passing=status == 429 or status >= 500)
