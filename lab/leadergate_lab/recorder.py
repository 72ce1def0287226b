"""All that etcd committed to some collections, in order, as the API server's watch tells it.

A watch that starts where a list ended tells every later change of the collection once, under the ``resourceVersion`` of
its commit, and one that breaks can go on from the last version seen (Kubernetes API concepts, "Efficient detection of
changes"). Once the API server has forgotten that version (410 Gone) there would be a gap: then the recorder says so
and never returns a history with a hole in it.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp

WATCH_SECONDS = 60
RETRY_SECONDS = 0.2
ANSWER_SECONDS = 10.0
START_SECONDS = 30.0
GONE = 410
# An object may be as large as an etcd request, 1.5 MiB by default; aiohttp takes lines of up to twice this.
LINE_BYTES = 2 * 1024 * 1024

Object = dict[str, Any]


class HistoryLost(RuntimeError):
    """Changes were missed, or cannot be watched at all; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Change:
    """One commit to an object of the collection at ``path``.

    ``kind`` is ADDED, MODIFIED or DELETED as in a watch, or LISTED for what was there at the start. ``now`` is the
    object as committed at ``revision`` (for a deletion, as it was last), ``before`` as it stood until then, if it did.
    """

    path: str
    kind: str
    revision: int
    now: Object
    before: Object | None

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.now["metadata"]["name"])


class Recorder:
    """Watches collections, given as paths of the API, on a thread of its own from :meth:`start` to :meth:`stop`."""

    def __init__(self, *, server: str, ca_file: str, token: str, paths: Sequence[str]) -> None:
        self._server = server
        self._paths = list(paths)
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._changes: list[Change] = []
        self._standing: dict[tuple[str, str, str], Object] = {}
        self._seen: dict[str, int] = {}
        self._fault: BaseException | None = None
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None

    def start(self) -> None:
        """List what is there and begin to watch; returns when all that comes from now on will be seen.

        Raises HistoryLost when the API server does not let it.
        """
        listed: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(listed,), name="recorder", daemon=True)
        self._thread.start()
        listed.result()

    def changes(self, path: str | None = None) -> list[Change]:
        """What was seen so far, of one collection or of all: ordered by revision."""
        with self._news:
            found = [change for change in self._changes if path in (None, change.path)]
        return sorted(found, key=lambda change: change.revision)

    def standing(self, path: str) -> dict[str, Object]:
        """The objects of a collection by name, as last seen; of several namespaces, one of each name."""
        with self._news:
            return {name: found for (where, _, name), found in self._standing.items() if where == path}

    def wait_for(self, path: str, revision: int, *, timeout: float = 30.0) -> None:
        """Wait until every change of a collection up to ``revision`` has been seen.

        ``revision`` must be one that the collection was changed at. Raises HistoryLost, TimeoutError.
        """
        end = time.monotonic() + timeout
        with self._news:
            while self._seen.get(path, 0) < revision:
                self._raise_fault()
                if not self._news.wait(end - time.monotonic()):
                    seen = self._seen.get(path, 0)
                    raise TimeoutError(f"the watch of {path} did not reach {revision} in {timeout:g} s, but {seen}")

    def stop(self, upto: Mapping[str, int] | None = None) -> None:
        """End, after each path in ``upto`` has been seen up to its revision. Raises as :meth:`wait_for` does."""
        try:
            for path, revision in (upto or {}).items():
                self.wait_for(path, revision)
            with self._news:
                self._raise_fault()
        finally:
            self.end()

    def end(self) -> None:
        """End at once, if it was started; may be called again."""
        if self._thread is None:
            return
        if self._loop is not None and self._over is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    @contextmanager
    def running(self) -> Iterator[Recorder]:
        """Start it, and end it whatever happens."""
        try:
            self.start()
            yield self
        finally:
            self.end()

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise HistoryLost(str(self._fault)) from self._fault

    def _run(self, listed: Future[None]) -> None:
        try:
            asyncio.run(self._record(listed))
        except BaseException as error:
            with self._news:
                self._fault = error
                self._news.notify_all()
            if not listed.done():
                listed.set_exception(HistoryLost(str(error)))

    async def _record(self, listed: Future[None]) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        connector = aiohttp.TCPConnector(limit=0, ssl=self._tls)
        async with aiohttp.ClientSession(
            self._server, connector=connector, headers=self._headers, read_bufsize=LINE_BYTES
        ) as session:
            for path in self._paths:
                await self._list(session, path)
            listed.set_result(None)
            over = asyncio.create_task(self._over.wait())
            tasks = [over, *(asyncio.create_task(self._follow(session, path)) for path in self._paths)]
            done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            # Before the watches are cancelled: connections that are in use are broken off here, idle ones too.
            await session.close()
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            for task in done:
                task.result()

    async def _list(self, session: aiohttp.ClientSession, path: str) -> None:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                async with session.get(path, timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)) as answer:
                    body, status = await answer.text(), answer.status
            except (aiohttp.ClientError, TimeoutError) as error:
                raise HistoryLost(f"{path} cannot be listed: {type(error).__name__} {error}".rstrip()) from error
            if status == 200:
                break
            # A resource that is new is answered with 429 until its storage stands.
            if status not in (429, 503) or time.monotonic() > end:
                raise HistoryLost(f"{path} cannot be listed: the API server answered {status} {body}")
            await asyncio.sleep(RETRY_SECONDS)
        collection = json.loads(body)
        for item in collection["items"]:
            self._take(path, "LISTED", item)
        self._reach(path, int(collection["metadata"]["resourceVersion"]))

    async def _follow(self, session: aiohttp.ClientSession, path: str) -> None:
        while True:
            with suppress(aiohttp.ClientError, TimeoutError, OSError):
                await self._watch(session, path)
            await asyncio.sleep(RETRY_SECONDS)

    async def _watch(self, session: aiohttp.ClientSession, path: str) -> None:
        query = {
            "watch": "true",
            "resourceVersion": str(self._seen[path]),
            # A collection at rest keeps up with the revision, so that a new watch does not ask for one long forgotten.
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        patience = aiohttp.ClientTimeout(total=None, connect=ANSWER_SECONDS, sock_read=WATCH_SECONDS + ANSWER_SECONDS)
        async with session.get(path, params=query, timeout=patience) as answer:
            try:
                if 400 <= answer.status < 500 and answer.status != 429:
                    raise HistoryLost(f"{path} cannot be watched: {answer.status} {await answer.text()}")
                answer.raise_for_status()
                async for line in answer.content:
                    if line.endswith(b"\n"):
                        self._event(path, json.loads(line))
            finally:
                # An orderly end of TLS would wait for the other side, which may be gone.
                if answer.connection is not None and answer.connection.transport is not None:
                    answer.connection.transport.abort()

    def _event(self, path: str, event: Object) -> None:
        kind, item = event["type"], event["object"]
        if kind == "ERROR":
            if item.get("code") == GONE:
                seen = self._seen[path]
                raise HistoryLost(f"changes of {path} after {seen} are lost: {item.get('message', 'too old')}")
            raise aiohttp.ClientError(str(item.get("message")))
        if kind == "BOOKMARK":
            self._reach(path, int(item["metadata"]["resourceVersion"]))
        else:
            self._take(path, kind, item)

    def _take(self, path: str, kind: str, item: Object) -> None:
        metadata = item["metadata"]
        key = (path, metadata.get("namespace", ""), metadata["name"])
        revision = int(metadata["resourceVersion"])
        with self._news:
            self._changes.append(Change(path, kind, revision, item, self._standing.get(key)))
            if kind == "DELETED":
                self._standing.pop(key, None)
            else:
                self._standing[key] = item
        if kind != "LISTED":
            self._reach(path, revision)

    def _reach(self, path: str, revision: int) -> None:
        with self._news:
            self._seen[path] = max(revision, self._seen.get(path, 0))
            self._news.notify_all()
