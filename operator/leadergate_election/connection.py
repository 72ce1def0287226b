"""Requests to the API server over kept-alive connections, with credentials that are read again as they rotate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from yarl import URL

from leadergate_election.credentials import Access, CredentialsFault, CredentialsSource

RELOAD_SECONDS = 60.0
IDLE_SECONDS = 60.0
LINE_BYTES = 4 << 20
"""The longest line of a watch: an object in etcd is at most 1.5 MiB, and JSON writes it longer than it is kept."""


class Unreachable(Exception):
    """No answer came; the message names the API server's address and the cause."""


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """An HTTP answer. ``retry_after`` is that header's seconds, when the API server sent it as such."""

    code: int
    body: bytes
    retry_after: float | None = None


class ApiConnection:
    """The API server, as seen from one event loop. Close it at the end.

    ``user_agent`` names the program in the API server's own log. ``on_reload_fault`` is told why credentials could not
    be read again; the last good ones stay in use.
    """

    def __init__(
        self,
        source: CredentialsSource,
        access: Access,
        *,
        user_agent: str,
        on_reload_fault: Callable[[str], None],
    ) -> None:
        self._source = source
        self._access = access
        self._on_reload_fault = on_reload_fault
        self._loaded_at = time.monotonic()
        self._headers = {"Accept": "application/json", "User-Agent": user_agent}
        # No limit of connections: the callers bound their requests, so that none waits for another's.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
            timeout=aiohttp.ClientTimeout(total=None),
        )
        self._reloading: asyncio.Task[None] | None = None

    @property
    def host(self) -> str:
        """The API server's URL."""
        return self._access.host

    async def request(
        self, method: str, path: str, body: bytes | None = None, *, content_type: str = "application/json"
    ) -> ApiAnswer:
        """Send one request and read its answer whole. There is no timeout: the caller sets one around it.

        ``path`` begins with ``/`` and may carry a query; both are already percent-encoded. At 401 the credentials are
        read again and the request is sent once more.

        Raises:
            Unreachable: no answer came.
        """
        if time.monotonic() - self._loaded_at > RELOAD_SECONDS:
            self._reload()
        answer = await self._attempt(method, path, body, content_type)
        if answer.code == 401:
            await self._reload()
            answer = await self._attempt(method, path, body, content_type)
        return answer

    async def lines(self, path: str, *, seconds: float) -> AsyncIterator[bytes]:
        """The lines of an answer that goes on, such as a watch's, for at most that many ``seconds``.

        Raises:
            Unreachable: no answer came, it was not 200, or it broke off; or nothing ended it in time.
        """
        access = self._access
        headers = dict(self._headers)
        if access.authorization:
            headers["Authorization"] = access.authorization
        try:
            async with self._session.get(
                URL(access.host + path, encoded=True),
                headers=headers,
                ssl=access.tls,
                allow_redirects=False,
                server_hostname=access.server_name,
                proxy=access.proxy,
                timeout=aiohttp.ClientTimeout(total=seconds),
                read_bufsize=LINE_BYTES,
            ) as answer:
                if answer.status != 200:
                    if answer.status == 401:
                        await self._reload()
                    raise Unreachable(f"the API server at {access.host} answered {answer.status} to a watch")
                async for line in answer.content:
                    yield line
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: a line beyond the limit
            raise Unreachable(f"the watch of the API server at {access.host} broke: {_said(error)}") from error

    async def close(self) -> None:
        """Close all connections."""
        if self._reloading is not None:
            self._reloading.cancel()
        await self._session.close()

    async def _attempt(self, method: str, path: str, body: bytes | None, content_type: str) -> ApiAnswer:
        access = self._access
        headers = dict(self._headers)
        if access.authorization:
            headers["Authorization"] = access.authorization
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            async with self._session.request(
                method,
                URL(access.host + path, encoded=True),
                data=body,
                headers=headers,
                ssl=access.tls,
                allow_redirects=False,
                server_hostname=access.server_name,
                proxy=access.proxy,
            ) as answer:
                return ApiAnswer(answer.status, await answer.read(), _seconds(answer.headers.get("Retry-After")))
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"the API server at {access.host} cannot be reached: {_said(error)}") from error

    def _reload(self) -> Awaitable[None]:
        """Load the credentials again, once for all who ask at the same time."""
        if self._reloading is None or self._reloading.done():
            self._loaded_at = time.monotonic()
            self._reloading = asyncio.create_task(self._load())
        return asyncio.shield(self._reloading)

    async def _load(self) -> None:
        try:
            self._access = await asyncio.to_thread(self._source.load)
        except CredentialsFault as fault:
            self._on_reload_fault(str(fault))


def _seconds(value: str | None) -> float | None:
    """RFC 9110 also allows a date here; the API server sends whole seconds."""
    return float(value) if value and value.isascii() and value.isdigit() else None


def _said(error: Exception) -> str:
    """What went wrong, without the objects that aiohttp prints along."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return str(error.certificate_error)
        case aiohttp.ClientConnectorError():
            return str(error.os_error) or type(error.os_error).__name__
    return str(error) or type(error).__name__
