"""The redirects over HTTP, and what the replica tells about itself."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Generator
from typing import Any, Protocol

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from prometheus_client import CONTENT_TYPE_LATEST

from leadergate_operator.table import Table

DRAIN_SECONDS = 5


class View(Protocol):
    """What the server asks of the replica."""

    @property
    def table(self) -> Table:
        """The table as programmed now."""

    def unready(self) -> str:
        """Why it should get no requests; empty when it should."""

    def unhealthy(self) -> str:
        """Why it should be restarted; empty when it should not."""

    def describe(self) -> dict[str, Any]:
        """Who this replica is and whom it takes for the leader."""

    def exposition(self) -> bytes:
        """The metrics as Prometheus scrapes them."""


def build_app(view: View) -> FastAPI:
    """The application. The CRD refuses a Redirect whose path is one of the operator's own."""
    app = FastAPI(title="redirect operator", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    def healthz() -> JSONResponse:
        fault = view.unhealthy()
        return JSONResponse({"status": fault or "ok", **view.describe()}, status_code=500 if fault else 200)

    @app.get("/readyz")
    def readyz() -> JSONResponse:
        fault = view.unready()
        return JSONResponse({"status": fault or "ok"}, status_code=503 if fault else 200)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(view.exposition(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/table")
    def table() -> dict[str, Any]:
        return {
            path: {
                "redirect": route.name,
                "target": route.target,
                "code": route.code,
                "generation": route.generation,
            }
            for path, route in sorted(view.table.routes.items())
        }

    @app.api_route("/{_path:path}", methods=["GET", "HEAD"])
    def redirect(request: Request) -> Response:
        route = view.table.routes.get(request.url.path)
        if route is None:
            return JSONResponse({"error": f"no Redirect has the path {request.url.path}"}, status_code=404)
        return RedirectResponse(route.target, status_code=route.code)

    return app


def bind(host: str, port: int) -> socket.socket:
    """Take the address; port 0 takes any free one.

    Raises:
        OSError: it is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


class Listener(uvicorn.Server):
    """A uvicorn server that leaves signals to its owner and tells when it serves."""

    def __init__(self, app: FastAPI, on_serving: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        )
        self._on_serving = on_serving

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """None: uvicorn would raise SIGTERM again at the end, and the process would not exit 0."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, then say so."""
        await super().startup(sockets)
        self._on_serving()
