"""The node's way to the API server: calls, and a list that is kept up by a watch."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import aiohttp

MERGE = "application/merge-patch+json"
_AGAIN_SECONDS = 0.2
# An object may be as large as an etcd request, 1.5 MiB by default; aiohttp takes lines of up to twice this.
_LINE_BYTES = 2 * 1024 * 1024


class ApiFault(Exception):
    """The API server said no; ``status`` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Api:
    """A client with a bearer token. An asynchronous context manager."""

    def __init__(self, server: str, ca_file: Path, token: str) -> None:
        self._server, self._ca_file, self._token = server, ca_file, token
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        tls = ssl.create_default_context(cafile=str(self._ca_file))
        self._session = aiohttp.ClientSession(
            self._server,
            connector=aiohttp.TCPConnector(limit=0, ssl=tls),
            headers={"Authorization": f"Bearer {self._token}", "User-Agent": "village-node"},
            timeout=aiohttp.ClientTimeout(total=30),
            read_bufsize=_LINE_BYTES,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def call(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **query: str
    ) -> Any:
        """Call a path with a JSON body. Raises ApiFault, and OSError or aiohttp.ClientError when there is no answer."""
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type}
        async with self._session.request(method, path, data=data, headers=headers, params=query) as answer:
            content = await answer.json(content_type=None)
            if answer.status >= 400:
                raise ApiFault(answer.status, content.get("message", "") if isinstance(content, dict) else "")
            return content

    async def follow(self, path: str, told: Callable[[list[dict[str, Any]]], None]) -> None:
        """Keep a list up by a watch, and tell all of it after each change; for ever, through every fault."""
        while True:
            try:
                await self._follow(path, told)
            except (ApiFault, OSError, aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _follow(self, path: str, told: Callable[[list[dict[str, Any]]], None]) -> None:
        listed = await self.call("GET", path)
        version = listed["metadata"]["resourceVersion"]
        objects = {one["metadata"]["uid"]: one for one in listed["items"]}
        told(list(objects.values()))
        query = {"watch": "true", "resourceVersion": version}
        forever = aiohttp.ClientTimeout(total=None, sock_read=600)
        async with self._session.get(path, params=query, timeout=forever) as answer:
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                one = event["object"]
                if event["type"] == "DELETED":
                    objects.pop(one["metadata"]["uid"], None)
                else:
                    objects[one["metadata"]["uid"]] = one
                told(list(objects.values()))
