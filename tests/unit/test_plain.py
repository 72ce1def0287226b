"""The plain port: liveness, readiness check by check, and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from leadergate.metrics import CONTENT_TYPE
from leadergate.plain import Check, plain_app


@dataclass
class Answer:
    """What the application answered."""

    code: int
    text: str
    content_type: str


Get = Callable[[str], Answer]


class Health:
    """A fault that comes and goes."""

    def __init__(self) -> None:
        self.fault = ""


@pytest.fixture(name="health")
def a_health() -> Health:
    """Without a fault."""
    return Health()


@pytest.fixture(name="get")
def a_get(health: Health) -> Get:
    """GET from an application with one check that always holds and one that hangs on ``health``."""
    app = plain_app(
        [Check("certificate", lambda: ""), Check("api-server", lambda: health.fault)], lambda: b"metric 1\n"
    )

    def get(path: str) -> Answer:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [], "root_path": ""}
        asyncio.run(app(scope, receive, send))
        headers = dict(sent[0]["headers"])
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], body.decode(), headers[b"content-type"].decode())

    return get


def test_ready_while_every_check_holds(get: Get, health: Health) -> None:
    """Each check is listed, and readiness follows them at once."""
    ready = Answer(200, "[+] certificate\n[+] api-server\n", "text/plain; charset=utf-8")
    assert get("/readyz") == ready
    health.fault = "it has not answered"
    answer = get("/readyz")
    assert (answer.code, answer.text) == (503, "[+] certificate\n[-] api-server: it has not answered\n")
    health.fault = ""
    assert get("/readyz") == ready


def test_alive_whatever_the_checks_say(get: Get, health: Health) -> None:
    """A restart would mend none of them."""
    health.fault = "it has not answered"
    assert get("/livez") == Answer(200, "ok\n", "text/plain; charset=utf-8")


def test_metrics(get: Get) -> None:
    """In the form that Prometheus asks for."""
    assert get("/metrics") == Answer(200, "metric 1\n", CONTENT_TYPE)


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/redoc", "/enforce/shop/operator"])
def test_nothing_else_is_served(get: Get, path: str) -> None:
    """Neither reviews nor a description of the interface."""
    assert get(path).code == 404
