"""The plain port: liveness, readiness and metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import FastAPI, Response

from leadergate.metrics import CONTENT_TYPE


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of readiness: ``fault`` returns what is wrong, or an empty string."""

    name: str
    fault: Callable[[], str]


def plain_app(checks: Sequence[Check], metrics: Callable[[], bytes]) -> FastAPI:
    """The application on the plain port.

    ``/readyz`` lists every check, one a line, as the API server's own does, and is 503 while one of them fails.
    """
    app = FastAPI(title="leadergate", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/livez")
    async def livez() -> Response:
        return Response("ok\n", media_type="text/plain")

    @app.get("/readyz")
    async def readyz() -> Response:
        faults = [(check.name, check.fault()) for check in checks]
        lines = [f"[-] {name}: {fault}" if fault else f"[+] {name}" for name, fault in faults]
        failed = any(fault for _, fault in faults)
        return Response("\n".join(lines) + "\n", status_code=503 if failed else 200, media_type="text/plain")

    @app.get("/metrics")
    async def scrape() -> Response:
        return Response(metrics(), media_type=CONTENT_TYPE)

    return app
