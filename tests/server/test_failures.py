"""A fault of the webhook itself is told in a form that the API server passes on, and lets nothing through."""

from __future__ import annotations

from tests.server.conftest import Run, Serve, Source, review


class BrokenSink:
    """A place for records with a fault that nobody foresaw."""

    async def write(self, line: bytes, deadline: float) -> None:
        """Fail."""
        raise ZeroDivisionError


def test_an_unforeseen_fault_is_no_verdict(run_uvloop: Run, serve: Serve) -> None:
    """The answer is a 503 Status, so that failurePolicy decides; it is counted, and the server goes on."""

    async def scenario() -> None:
        async with serve(Source(), records=BrokenSink()) as served:
            caller = await served.call()
            answer = await caller.post(review("operator-2"))
            assert (answer.code, answer.json["kind"]) == (503, "Status")
            assert "log" in answer.message
            assert served.metric("internal_failures_total") == 1
            assert (await caller.post(review())).json["response"]["allowed"] is True
            await served.idle()

    run_uvloop(scenario())
