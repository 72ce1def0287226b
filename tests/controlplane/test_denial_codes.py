"""The code that a gate gives its denials, as clients of a real API server see it."""

from __future__ import annotations

import pytest

from leadergate_lab.writer import Form, Writer

from .team import Team


@pytest.mark.parametrize("form", [Form.MERGE_PATCH, Form.PUT, Form.APPLY])
@pytest.mark.parametrize(
    ("options", "code", "reason", "seconds"),
    [
        ("", 403, "Forbidden", None),
        ("/code/409", 409, "Conflict", None),
        ("/code/422", 422, "Invalid", None),
        ("/code/429/retry-after/1", 429, "TooManyRequests", 1),
    ],
)
def test_what_the_client_sees(
    team: Team, options: str, code: int, reason: str, seconds: int | None, form: Form
) -> None:
    """Code, reason, message, causes and seconds come through; the API server itself repeats nothing."""
    team.gate(options)
    answer = team.follower.status(team.note, {"text": "mine"}, form)
    assert (answer.code, answer.reason, answer.cause) == (code, reason, "NotHolder")
    assert answer.body["code"] == code
    assert answer.body["details"].get("retryAfterSeconds") == seconds
    assert "the holder of Lease" in answer.message
    # urllib3, under the Python client, heeds Retry-After at a PUT, three times; it never repeats a PATCH.
    repeated = 3 if code == 429 and form is Form.PUT else 0
    assert len(team.records(pod="operator-1")) == 1 + repeated
    assert team.leader.status(team.note, {"text": "leader's"}, form).ok
    assert team.text() == "leader's"


def test_people_are_forbidden_whatever_the_code(team: Team) -> None:
    """No waiting makes a person the holder, so that nobody is told to wait."""
    team.gate("/code/429/retry-after/60")
    answer = Writer(team.cluster.api).status(team.note, {"text": "mine"})
    assert (answer.code, answer.cause) == (403, "NotServiceAccount")
    assert "retryAfterSeconds" not in answer.body["details"]
