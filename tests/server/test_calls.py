"""Calls over the wire: what is no admission review is told so, and disturbs nobody."""

from __future__ import annotations

import pytest
from tests.server.conftest import LEASE, Run, Serve, Served, Source, head, review

from leadergate.gate import FORM
from leadergate.model import Lease, LeaseAbsent

DEEP = 100_000


def test_the_holder_writes_and_others_do_not(run_uvloop: Run, served: Served) -> None:
    """Both are answered by a review that carries their uid."""

    async def scenario() -> None:
        caller = await served.call()
        allowed = await caller.post(review("operator-1", uid="one"))
        assert (allowed.code, allowed.headers["content-type"]) == (200, "application/json")
        assert allowed.json["response"] == {"uid": "one", "allowed": True}
        denied = (await caller.post(review("operator-2", uid="two"))).json["response"]
        assert (denied["uid"], denied["allowed"], denied["status"]["code"]) == ("two", False, 403)

    run_uvloop(scenario())


GATE = "/enforce/shop/operator"


@pytest.mark.parametrize(
    ("request_head", "code", "message", "header"),
    [
        pytest.param(head("/", 0), 404, FORM, None, id="no path"),
        pytest.param(head("/enforce/shop", 0), 404, FORM, None, id="half a path"),
        pytest.param(head("/deny/shop/operator", 0), 404, "mode 'deny' is not one of", None, id="mode"),
        pytest.param(head("/enforce/shop/a%0Ab", 0), 404, r"lease name 'a\nb' is not", None, id="newline in the path"),
        pytest.param(head("/enforce/shop/%ff", 0), 404, "is not a DNS-1123 subdomain", None, id="invalid UTF-8"),
        pytest.param(head("/enforce/shop/..%2F..%2Fetc", 0), 404, FORM, None, id="dots"),
        pytest.param(head(GATE + "/to/x", 0), 404, "option 'to' is not one of", None, id="option"),
        pytest.param(head("/openapi.json", 0), 404, FORM, None, id="no description is served"),
        pytest.param(head("http://other" + GATE + "x", 0, method="GET"), 405, "GET", None, id="absolute form"),
        pytest.param(head(GATE, 0, method="GET"), 405, "method GET is not allowed", ("allow", "POST"), id="GET"),
        pytest.param(head(GATE, 0, method="PUT"), 405, "method PUT is not allowed", ("allow", "POST"), id="PUT"),
        pytest.param(head(GATE, 0, method="OPTIONS"), 405, "OPTIONS", ("allow", "POST"), id="OPTIONS"),
        pytest.param(head(GATE, 0).replace(b"application/json", b"text/plain"), 415, "'text/plain'", None, id="text"),
        pytest.param(
            head(GATE, 0).replace(b"application/json", b"application/jsonp"), 415, "jsonp", None, id="nearly JSON"
        ),
        pytest.param(
            head(GATE, 0).replace(b"content-type", b"content-tipe"), 415, "is missing", None, id="no content type"
        ),
        pytest.param(head(GATE + "?timeout=never", 0), 400, "timeout 'never' is not", None, id="timeout"),
        pytest.param(head(GATE, 0), 400, "Input data was truncated", None, id="no body"),
    ],
)
def test_bad_calls(
    run_uvloop: Run, served: Served, request_head: bytes, code: int, message: str, header: tuple[str, str] | None
) -> None:
    """A Status that names the fault, counted by its code; the connection serves on."""

    async def scenario() -> None:
        counted = served.metric("bad_calls_total", code=str(code))
        caller = await served.call()
        await caller.send(request_head)
        answer = await caller.answer()
        assert answer.code == code
        assert message in answer.message
        assert answer.headers["content-type"] == "application/json"
        if header is not None:
            assert answer.headers[header[0]] == header[1]
        assert served.metric("bad_calls_total", code=str(code)) == counted + 1
        assert (await caller.post(review())).json["response"]["allowed"] is True

    run_uvloop(scenario())


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"])
def test_json_by_its_other_spellings(run_uvloop: Run, served: Served, kind: str) -> None:
    """Parameters and case mean nothing (RFC 9110)."""

    async def scenario() -> None:
        caller = await served.call()
        body = review()
        await caller.send(head(GATE, len(body)).replace(b"application/json", kind.encode()), body)
        assert (await caller.answer()).code == 200

    run_uvloop(scenario())


BASE = review()


@pytest.mark.parametrize(
    ("body", "uid"),
    [
        pytest.param(b"null", None, id="null"),
        pytest.param(b"\xff\xfe\x00", None, id="bytes"),
        pytest.param(b"[" * DEEP, None, id="deep and unfinished"),
        pytest.param(BASE.replace(b'""', b"[" * DEEP + b"]" * DEEP), None, id="deep lists"),
        pytest.param(BASE.replace(b'""', b'{"a":' * DEEP + b"1" + b"}" * DEEP), None, id="deep objects"),
        pytest.param(BASE.replace(b'"thing"', b"1" * DEEP), "review-1", id="huge number for a name"),
        pytest.param(BASE.replace(b'"thing"', b'"\xff"'), "review-1", id="invalid UTF-8"),
        pytest.param(BASE.replace(b'"thing"', b'"\\ud800"'), None, id="lone surrogate"),
        pytest.param(BASE.replace(b'"status"', b'"status", "subResource": 7'), "review-1", id="duplicate key"),
        pytest.param(BASE.replace(b"k8s.io/v1", b"k8s.io/v1beta1"), "review-1", id="version"),
        pytest.param(BASE.replace(b'"AdmissionReview"', b'"List"'), "review-1", id="kind"),
        pytest.param(BASE.replace(b'"review-1"', b'""'), None, id="no uid"),
        pytest.param(BASE[:-1], None, id="cut short"),
    ],
)
def test_bodies_that_are_no_review(run_uvloop: Run, served: Served, body: bytes, uid: str | None) -> None:
    """400 with the uid wherever it was readable; never a 500, and the connection serves on."""

    async def scenario() -> None:
        counted = served.metric("bad_calls_total", code="400")
        caller = await served.call()
        answer = await caller.post(body)
        assert answer.code == 400
        assert answer.message
        assert answer.json.get("details", {}).get("uid") == uid
        assert served.metric("bad_calls_total", code="400") == counted + 1
        assert (await caller.post(review())).json["response"]["allowed"] is True

    run_uvloop(scenario())


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(BASE.replace(b'""', b"[" * 500 + b"]" * 500), id="nested as deep as objects are"),
        pytest.param(BASE.replace(b'""', b"9" * DEEP), id="huge number in the object"),
        pytest.param(BASE.replace(b'"review-1"', b'"x", "uid": "review-1"'), id="the last of two uids counts"),
    ],
)
def test_odd_bodies_with_a_right_answer(run_uvloop: Run, served: Served, body: bytes) -> None:
    """What the gate need not understand it passes over."""

    async def scenario() -> None:
        caller = await served.call()
        assert (await caller.post(body)).json["response"] == {"uid": "review-1", "allowed": True}

    run_uvloop(scenario())


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"\x00\x01\x02\x03\r\n\r\n", id="bytes"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
        pytest.param(b"POST /enforce/shop/\xff HTTP/1.1\r\nhost: g\r\n\r\n", id="path that is not ASCII"),
        pytest.param(b"POST /enforce/shop/operator HTTP/9.9\r\n\r\n", id="version"),
        pytest.param(head(GATE, None, "content-length: 5"), id="two lengths"),
        pytest.param(head(GATE, -1), id="negative length"),
        pytest.param(head(GATE, 10**30), id="length beyond all bounds"),
        pytest.param(head(GATE, None) + b"zz\r\n", id="chunk size"),
    ],
)
def test_what_is_not_http(run_uvloop: Run, served: Served, said: bytes) -> None:
    """400 and the end of that connection; the next one is served."""

    async def scenario() -> None:
        caller = await served.call()
        await caller.send(said)
        answer = await caller.answer()
        assert answer.code == 400
        assert await caller.ended()
        await served.idle()
        assert (await (await served.call()).post(review())).code == 200

    run_uvloop(scenario())


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (LeaseAbsent(), "LeaseNotFound"),
        (Lease("", "8"), "LeaseUnheld"),
        (Lease("operator-10_x", "8"), "NotHolder"),
        (LEASE, None),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_lease_decides(run_uvloop: Run, serve: Serve, found: Lease | LeaseAbsent, reason: str | None) -> None:
    """What the source shows is what the answer rests on, read anew for each review."""

    async def scenario() -> None:
        source = Source(found)
        async with serve(source) as served:
            caller = await served.call()
            for reads in (1, 2):
                response = (await caller.post(review())).json["response"]
                causes = response.get("status", {}).get("details", {}).get("causes", [{}])
                assert (response["allowed"], causes[0].get("reason")) == (reason is None, reason)
                assert source.reads == reads

    run_uvloop(scenario())
