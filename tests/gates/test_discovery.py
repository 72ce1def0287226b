"""What is made of the answers of discovery, odd ones among them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leadergate.gates.discovery import NotAsked, discover
from leadergate.gates.refusals import Found, Missing
from leadergate.gates.spec import StatusResource
from leadergate_election.connection import ApiAnswer, Unreachable

REDIRECTS = StatusResource("redirects", "v1", "demo.example")
LIST = {
    "resources": [
        {"name": "redirects", "singularName": "redirect", "kind": "Redirect", "shortNames": ["rd"], "namespaced": True},
        {"name": "redirects/status", "singularName": "", "kind": "Redirect", "namespaced": True},
        {"name": "regions", "singularName": "region", "kind": "Region", "namespaced": False},
    ]
}


class Server:
    """Answers paths with what it was given, everything else with 404, and counts."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def request(self, method: str, path: str) -> ApiAnswer:
        """Answer; an int is a code without a body, bytes are a body that is no object."""
        assert method == "GET"
        self.asked.append(path)
        match self.answers.get(path, 404):
            case int(code):
                return ApiAnswer(code, b"")
            case bytes(body):
                return ApiAnswer(200, body)
            case Exception() as fault:
                raise fault
            case answer:
                return ApiAnswer(200, json.dumps(answer).encode())


async def test_what_is_found() -> None:
    """Scope and status subresource, with one question for each group and version."""
    server = Server({"/apis/demo.example/v1": LIST})
    regions = StatusResource("regions", "v1", "demo.example")
    assert await discover(server, [REDIRECTS, regions]) == {
        REDIRECTS: Found(namespaced=True, status=True),
        regions: Found(namespaced=False, status=False),
    }
    assert server.asked == ["/apis/demo.example/v1"]


@pytest.mark.parametrize("name", ["redirect", "rd"])
async def test_another_name_of_a_resource(name: str) -> None:
    """The plural is what rules match: singular and short names are told it."""
    one = StatusResource(name, "v1", "demo.example")
    found = await discover(Server({"/apis/demo.example/v1": LIST}), [one])
    remedy = "name it by its plural, redirects.v1.demo.example"
    assert found == {one: Missing(f"demo.example/v1 has no resource {name!r}", remedy)}


async def test_what_is_not_served() -> None:
    """No such resource, version or group: each says how far the name is right."""
    group = {"versions": [{"version": "v2"}, {"version": "v1beta1"}]}
    server = Server({"/apis/demo.example/v1": LIST, "/apis/other.example": group})
    asked = [StatusResource("notes", "v1", "demo.example"), StatusResource("a", "v1", "other.example"),
             StatusResource("a", "v1", "third.example")]  # fmt: skip
    found = await discover(server, asked)
    whys = [one.why for one in found.values() if isinstance(one, Missing)]
    assert whys == [
        "demo.example/v1 has no resource 'notes'",
        "the API server serves group 'other.example' only as v2, v1beta1",
        "the API server serves no group 'third.example'",
    ]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (401, "the API server answered 401 to /apis/demo.example/v1"),
        (403, "answered 403"),
        (503, "answered 503"),
        (b"<html>", "is no API server"),
        (b"\xff", "is no API server"),
        (b"[]", "is no API server"),
        (Unreachable("nobody there"), "nobody there"),
    ],
)
async def test_what_is_no_answer(answer: Any, said: str) -> None:
    """It is told apart from what is not served: nothing is refused for it."""
    with pytest.raises(NotAsked, match=said.replace(".", r"\.")):
        await discover(Server({"/apis/demo.example/v1": answer}), [REDIRECTS])


@pytest.mark.parametrize("answer", [{}, {"resources": None}, {"resources": "x"}, {"resources": [1, {}, {"name": 3}]}])
async def test_an_empty_or_odd_list(answer: Any) -> None:
    """Nothing in it is the resource."""
    found = await discover(Server({"/apis/demo.example/v1": answer}), [REDIRECTS])
    assert isinstance(found[REDIRECTS], Missing)
