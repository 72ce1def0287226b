"""The adapter to the API server: one linearizable GET of a Lease, every failure translated to :class:`ReadFailed`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

import aiohttp
import msgspec

from leadergate.credentials import Access, CredentialsFault, CredentialsSource
from leadergate.lease_source import ReadFailed
from leadergate.model import Lease, LeaseAbsent, LeaseKey

RELOAD_SECONDS = 60.0
IDLE_SECONDS = 60.0


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
    """Reads from the API server over kept-alive connections. Belongs to one event loop; close it at the end.

    ``answered`` turns true with the first answer that proves the API server knows us, and stays so.
    """

    def __init__(self, source: CredentialsSource, access: Access, on_reload_fault: Callable[[str], None]) -> None:
        self._source = source
        self._on_reload_fault = on_reload_fault
        self._loaded_at = time.monotonic()
        self._access = access
        # No limit of connections: the reader bounds the reads of each Lease, so that none waits for another's.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
            timeout=aiohttp.ClientTimeout(total=None),
        )
        self._reloading: asyncio.Task[None] | None = None
        self.answered = False

    async def get(self, key: LeaseKey) -> Lease | LeaseAbsent:
        """GET one Lease without ``resourceVersion``: a quorum read (Kubernetes API concepts, "Resource versions")."""
        status, body = await self._get(f"/apis/coordination.k8s.io/v1/namespaces/{key.namespace}/leases/{key.name}")
        if status == 200:
            self.answered = True
            return _lease(body)
        answer = _status(body)
        if status == 404 and answer.reason == "NotFound" and answer.details and answer.details.kind == "leases":
            self.answered = True
            return LeaseAbsent()
        raise _failure(status, answer, key)

    async def greet(self) -> None:
        """Ask for the API server's version: a cheap question that any authenticated client may ask.

        Raises:
            ReadFailed: it did not answer, or not with success.
        """
        status, body = await self._get("/version")
        if status != 200:
            raise ReadFailed(f"the API server answered {status}: {_status(body).message}", passing=True)
        self.answered = True

    async def close(self) -> None:
        """Close all connections."""
        if self._reloading is not None:
            self._reloading.cancel()
        await self._session.close()

    async def _get(self, path: str) -> tuple[int, bytes]:
        if time.monotonic() - self._loaded_at > RELOAD_SECONDS:
            self._reload()
        status, body = await self._attempt(path)
        if status == 401:
            await self._reload()
            status, body = await self._attempt(path)
        return status, body

    async def _attempt(self, path: str) -> tuple[int, bytes]:
        access = self._access
        headers = {"Accept": "application/json", "User-Agent": "leadergate"}
        if access.authorization:
            headers["Authorization"] = access.authorization
        try:
            async with self._session.get(
                access.host + path,
                headers=headers,
                ssl=access.tls,
                allow_redirects=False,
                server_hostname=access.server_name,
                proxy=access.proxy,
            ) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, OSError) as error:
            why = f"the API server at {access.host} cannot be reached: {_said(error)}"
            raise ReadFailed(why, passing=True) from error

    def _reload(self) -> Awaitable[None]:
        """Load the credentials again, once for all who ask at the same time."""
        if self._reloading is None or self._reloading.done():
            self._loaded_at = time.monotonic()
            self._reloading = asyncio.create_task(self._load())
        return asyncio.shield(self._reloading)

    async def _load(self) -> None:
        try:
            access = await asyncio.to_thread(self._source.load)
        except CredentialsFault as fault:
            self._on_reload_fault(str(fault))
            return
        self._access = access


def _said(error: Exception) -> str:
    """What went wrong, without the objects that aiohttp prints along."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return str(error.certificate_error)
        case aiohttp.ClientConnectorError():
            return str(error.os_error)
    return str(error) or type(error).__name__


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
