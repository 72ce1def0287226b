"""The page and what it asks: GET alone, every query in a thread of its own."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Executor
from datetime import UTC, datetime
from typing import Any, TypeVar

import duckdb
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from leadergate.audit.explain.explanation import explanation
from leadergate.audit.page import choices, downloads, figures, lanes, rows
from leadergate.audit.page.asked import Asked, asked
from leadergate.audit.page.assets import assets
from leadergate.audit.page.said import said
from leadergate.audit.page.view import View
from leadergate.audit.telling.plain_text import printable
from leadergate.gates.refusals import Fault

T = TypeVar("T")

_KEPT = {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
_LEVEL = 4  # of gzip: the highest takes twice as long for 4 % less


class Site:
    """Answers for one view. ``pool`` is where queries run, so that the event loop never waits for one."""

    def __init__(self, view: View, pool: Executor) -> None:
        self._view = view
        self._pool = pool
        self._files = assets()
        self._packed: bytes | None = None

    def app(self) -> Starlette:
        """The routes."""
        answers: dict[str, Callable[[Asked], Any]] = {
            "summary": self._summary,
            "timeline": self._timeline,
            "records": self._records,
            "choices": lambda one: choices.choices(self._view.store, one.filter),
        }
        routes = [Route(f"/api/{name}", self._asking(answer)) for name, answer in answers.items()]
        return Starlette(
            routes=[
                *routes,
                Route("/api/source", self._source),
                Route("/api/fresh/{after:int}", self._fresh),
                Route("/api/record/{key}", self._record),
                Route("/download/records.{suffix}", self._download),
                Route("/", self._file),
                Route("/{name}", self._file),
            ],
            exception_handlers={duckdb.Error: _failed},
        )

    async def _file(self, request: Request) -> Response:
        found = self._files.get(request.path_params.get("name", "index.html"))
        if found is None:
            return PlainTextResponse("there is no such page\n", 404)
        if not found.lasting:
            return Response(found.content, media_type=found.media_type)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(found.content, media_type=found.media_type, headers=_KEPT)
        if self._packed is None:
            self._packed = await self._away(gzip.compress, found.content, _LEVEL)
        return Response(self._packed, media_type=found.media_type, headers={**_KEPT, "Content-Encoding": "gzip"})

    def _asking(self, answer: Callable[[Asked], Any]) -> Callable[[Request], Awaitable[Response]]:
        async def route(request: Request) -> Response:
            one, faults = asked(request.query_params.multi_items(), datetime.now(UTC))
            return _json(await self._away(answer, one)) if not faults else _refused(faults)

        return route

    def _summary(self, one: Asked) -> dict[str, Any]:
        store = self._view.store
        counted = figures.figures(store, one.filter)
        changes = lanes.within(self._view.leases().takeovers, one.filter, lanes.gates(store, one.filter))
        return {
            **counted.plain(),
            "takeovers": len(changes),
            "said": said(counted, [change.gate for change in changes], one.filter),
        }

    def _timeline(self, one: Asked) -> dict[str, Any]:
        return lanes.plot(self._view.store, one.filter, self._view.leases())

    def _records(self, one: Asked) -> dict[str, Any]:
        return {"page": one.page, "size": rows.SIZE, "rows": rows.rows(self._view.store, one)}

    async def _source(self, _: Request) -> Response:
        return _json(self._view.told())

    async def _fresh(self, request: Request) -> Response:
        one, faults = asked(request.query_params.multi_items(), datetime.now(UTC))
        if faults:
            return _refused(faults)
        after = request.path_params["after"]
        found = await self._away(rows.fresh, self._view.store, one.filter, after)
        return _json(found)

    async def _record(self, request: Request) -> Response:
        key = rows.key_number(request.path_params["key"])
        found = None if key is None else await self._away(rows.record, self._view.store, key)
        if found is None:
            return _json({"fault": "there is no such record among those that were read"}, 404)
        return _json({**found, "explanation": explanation(found["record"])._asdict()})

    async def _download(self, request: Request) -> Response:
        form = downloads.FORMS.get(request.path_params["suffix"])
        if form is None:
            return PlainTextResponse(f"there is no such form: expected one of {', '.join(downloads.FORMS)}\n", 404)
        one, faults = asked(request.query_params.multi_items(), datetime.now(UTC))
        if faults:
            return _refused(faults)
        counted = await self._away(figures.figures, self._view.store, one.filter)
        name = downloads.file_name(request.path_params["suffix"], counted.first, counted.last)
        return StreamingResponse(
            self._parts(downloads.written(self._view.store, one.filter, form)),
            media_type=form.media_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def _parts(self, written: Iterator[bytes]) -> AsyncIterator[bytes]:
        while (part := await self._away(next, written, None)) is not None:
            yield part

    async def _away(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)


def _json(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


async def _failed(_: Request, fault: Exception) -> Response:
    """Such as a disk that is full."""
    return _json({"fault": f"the records cannot be queried: {printable(str(fault).partition(chr(10))[0])}"}, 500)


def _refused(faults: list[Fault]) -> Response:
    told = [{"field": one.field, "value": one.value, "text": str(one)} for one in faults]
    return _json({"faults": told}, 400)
