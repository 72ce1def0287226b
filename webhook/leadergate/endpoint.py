"""The webhook's address: an ASGI endpoint that takes admission reviews, and nothing else.

A plain ASGI application of its own: under FastAPI's routing and middleware a review cost half as much again
(``docs/decisions/0003-hot-route.md``). Whatever a caller sends, the answer is a review or a ``metav1.Status`` that
names the fault.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import Protocol

import structlog
from starlette.types import Receive, Scope, Send

from leadergate.body import Body, BodyBudget, CallerGone, Overloaded
from leadergate.gate import UnknownGate, parse
from leadergate.guard import Answer, Guard
from leadergate.model import Gate
from leadergate.patience import Patience, asked_for
from leadergate.review import BadCall, failure

log: structlog.stdlib.BoundLogger = structlog.get_logger("leadergate")

MAX_CACHED_PATHS = 1024


class CallObserver(Protocol):
    """Who counts calls that come to no verdict."""

    def overload(self) -> None:
        """A call was turned away because of load."""
        ...

    def bad_call(self, code: int) -> None:
        """A call was answered 4xx."""
        ...

    def internal_failure(self) -> None:
        """A call met a fault of ours, and was answered 503."""
        ...


class ReviewEndpoint:
    """The ASGI application on the webhook's port.

    ``max_body`` bounds one body in bytes, ``budget`` all of them together, ``max_in_flight`` the reviews at once. Set
    ``leaving`` when the process is to end: answers then ask the API server to close its connection, so that it
    opens the next one to another replica. ``in_flight`` counts the reviews under way.
    """

    def __init__(
        self, guard: Guard, observer: CallObserver, *, budget: BodyBudget, max_body: int, max_in_flight: int
    ) -> None:
        self.leaving = False
        self._guard = guard
        self._observer = observer
        self._budget = budget
        self._max_body = max_body
        self._max_in_flight = max_in_flight
        self.in_flight = 0
        self._gates: OrderedDict[str, Gate] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request (ASGI 3)."""
        if scope["type"] != "http":
            return
        headers: list[tuple[bytes, bytes]] = []
        try:
            answer = await self._answer(scope, receive)
        except CallerGone:
            return
        except BadCall as fault:
            self._observer.bad_call(fault.code)
            answer = Answer(fault.code, failure(fault.code, fault.message, uid=fault.uid))
            headers.extend(_HEADERS.get(fault.code, ()))
        except Overloaded as fault:
            self._observer.overload()
            answer = Answer(503, failure(503, str(fault)))
            headers.append((b"retry-after", b"1"))
        except Exception:
            # Nothing is known to come here. If something does, failurePolicy decides, and the client sees a Status.
            log.exception("review_failed", path=scope["path"])
            self._observer.internal_failure()
            answer = Answer(503, failure(503, "leadergate failed to judge this; its log has the fault"))
        if self.leaving:
            headers.append((b"connection", b"close"))
        headers.append((b"content-type", b"application/json"))
        headers.append((b"content-length", b"%d" % len(answer.body)))
        await send({"type": "http.response.start", "status": answer.code, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        started = time.perf_counter()
        arrived = asyncio.get_running_loop().time()
        gate = self._gate(scope["path"])
        _check_form(scope)
        try:
            patience = Patience.of(arrived, asked_for(scope["query_string"]), started)
        except ValueError as fault:
            raise BadCall(400, str(fault)) from fault
        if self.in_flight >= self._max_in_flight:
            raise Overloaded(f"{self.in_flight} reviews are under way (--max-in-flight {self._max_in_flight})")
        self.in_flight += 1
        try:
            with Body(self._budget, self._max_body) as body:
                content = await body.read(scope, receive, patience.read_by)
                return await self._guard.review(gate, content, patience)
        finally:
            self.in_flight -= 1

    def _gate(self, path: str) -> Gate:
        gate = self._gates.get(path)
        if gate is None:
            try:
                gate = parse(path)
            except UnknownGate as fault:
                raise BadCall(404, str(fault)) from fault
            self._gates[path] = gate
            if len(self._gates) > MAX_CACHED_PATHS:
                self._gates.popitem(last=False)
        return gate


_CLOSE = (b"connection", b"close")
# After these the rest of the body is not worth reading.
_HEADERS: dict[int, list[tuple[bytes, bytes]]] = {405: [(b"allow", b"POST")], 408: [_CLOSE], 413: [_CLOSE]}


def _check_form(scope: Scope) -> None:
    if scope["method"] != "POST":
        raise BadCall(405, f"method {scope['method']} is not allowed: the API server sends POST")
    for name, value in scope["headers"]:
        if name == b"content-type":
            if value.partition(b";")[0].strip().lower() == b"application/json":
                return
            raise BadCall(415, f"content-type {value.decode('latin-1')!r} is not application/json")
    raise BadCall(415, "content-type is missing; expected application/json")
