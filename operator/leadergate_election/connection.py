"""Requests to the API server over kept-alive connections, with credentials that are read again as they rotate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from leadergate_election.credentials import Access, CredentialsFault, CredentialsSource

RELOAD_SECONDS = 60.0
IDLE_SECONDS = 60.0
LINE_BYTES = 4 << 20
"""The longest line of a watch: an object in etcd is at most 1.5 MiB, and JSON writes it longer than it is kept."""


class Unreachable(Exception):
    """No answer came; the message names the API server's address and the cause."""


class Silent(Unreachable):
    """An answer that goes on brought nothing for as long as was allowed."""


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """An HTTP answer. ``retry_after`` is that header's seconds, when the API server sent it as such."""

    code: int
    body: bytes
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class ApiStream:
    """An HTTP answer that is read as it comes: ``chunks`` end with it, and raise Unreachable when it breaks off."""

    code: int
    chunks: AsyncIterator[bytes]


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
        try:
            async with self._session.get(
                URL(access.host + path, encoded=True),
                **self._manner(access),
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

    @asynccontextmanager
    async def stream(self, path: str, *, idle: float) -> AsyncIterator[ApiStream]:
        """GET an answer of any length, such as a log's. After ``idle`` seconds without a byte it is given up.

        At 401 the credentials are read again and the request is sent once more.

        Raises:
            Silent: not a byte came for ``idle`` seconds; where ``chunks`` are read, too.
            Unreachable: no answer came; where ``chunks`` are read, it broke off.
        """
        if time.monotonic() - self._loaded_at > RELOAD_SECONDS:
            self._reload()
        answer = await self._open(path, idle)
        try:
            if answer.status == 401:
                answer.close()
                await self._reload()
                answer = await self._open(path, idle)
            yield ApiStream(answer.status, self._chunks(answer))
        finally:
            # What is left of it would have to be read before the connection could serve again.
            answer.close()

    async def close(self) -> None:
        """Close all connections."""
        if self._reloading is not None:
            self._reloading.cancel()
        await self._session.close()

    def _manner(self, access: Access) -> dict[str, Any]:
        """How every request is made."""
        headers = dict(self._headers)
        if access.authorization:
            headers["Authorization"] = access.authorization
        return {
            "headers": headers,
            "ssl": access.tls,
            "allow_redirects": False,
            "server_hostname": access.server_name,
            "proxy": access.proxy,
        }

    async def _open(self, path: str, idle: float) -> aiohttp.ClientResponse:
        access = self._access
        patience = aiohttp.ClientTimeout(total=None, sock_connect=idle, sock_read=idle)
        try:
            return await self._session.get(
                URL(access.host + path, encoded=True), **self._manner(access), timeout=patience
            )
        except aiohttp.SocketTimeoutError as error:
            # A log that is followed has no head either before its first line.
            raise Silent(f"the API server at {access.host} sent nothing") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"the API server at {access.host} cannot be reached: {_said(error)}") from error

    async def _chunks(self, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        try:
            async for chunk in answer.content.iter_any():
                yield chunk
        except aiohttp.SocketTimeoutError as error:
            raise Silent(f"the API server at {self._access.host} sent nothing more") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"the API server at {self._access.host} broke off: {_said(error)}") from error

    async def _attempt(self, method: str, path: str, body: bytes | None, content_type: str) -> ApiAnswer:
        access = self._access
        manner = self._manner(access)
        if body is not None:
            manner["headers"]["Content-Type"] = content_type
        try:
            async with self._session.request(
                method, URL(access.host + path, encoded=True), data=body, **manner
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
