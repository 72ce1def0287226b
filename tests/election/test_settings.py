"""Settings that cannot work are refused at construction, and the message names each broken rule."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from leadergate_election.settings import ElectionFault, ElectionSettings


def settings(**changed: Any) -> ElectionSettings:
    """Sound settings, but for what is changed."""
    return ElectionSettings(**{"namespace": "team", "identity": "operator-0", **changed})


def test_defaults_are_those_of_client_go() -> None:
    """15 s, 10 s and 2 s, on a Lease called operator-lock."""
    made = settings()
    assert (made.lease_duration, made.renew_deadline, made.retry_period) == (15.0, 10.0, 2.0)
    assert made.name == "operator-lock"
    assert str(made) == "team/operator-lock"
    assert made.lease_seconds == 15


def test_a_request_ends_well_before_the_renew_deadline() -> None:
    """One request that hangs leaves time for another."""
    assert settings(renew_deadline=6, retry_period=1).request_timeout * 2 <= 6


BROKEN = {
    "namespace of capitals": ({"namespace": "Team"}, "namespace is 'Team', and must be a DNS-1123 label"),
    "namespace too long": ({"namespace": "n" * 64}, "must be a DNS-1123 label"),
    "namespace with a newline": ({"namespace": "team\n"}, "must be a DNS-1123 label"),
    "namespace with dots": ({"namespace": "a.b"}, "must be a DNS-1123 label"),
    "no name": ({"name": ""}, "name is '', and must be a DNS-1123 subdomain"),
    "name with a path": ({"name": "../pods"}, "name is '../pods', and must be a DNS-1123 subdomain"),
    "no identity": ({"identity": ""}, "identity is empty: give the pod's name"),
    "identity with blanks": ({"identity": " a"}, "identity is ' a', and must be printable"),
    "identity with a newline": ({"identity": "a\nb"}, "identity is 'a\\nb', and must be printable"),
    "lease of half seconds": ({"lease_duration": 15.5}, "lease_duration is 15.5 s, and must be from 1"),
    "lease too short": (
        {"lease_duration": 0, "renew_deadline": -1, "retry_period": -2},
        "lease_duration is 0 s, and must be from 1",
    ),
    "lease too long for the API": ({"lease_duration": 2.0**31}, "must be from 1 to 2147483647"),
    "lease that never ends": ({"lease_duration": float("inf")}, "lease_duration is inf, and must be a number"),
    "deadline that is no number": ({"renew_deadline": float("nan")}, "renew_deadline is nan, and must be a number"),
    "deadline as long as the lease": (
        {"renew_deadline": 15},
        "lease_duration (15 s) must be greater than renew_deadline (15 s)",
    ),
    "no time for a second try": (
        {"renew_deadline": 10, "retry_period": 8.5},
        "renew_deadline (10 s) must be greater than 1.2 times retry_period (8.5 s)",
    ),
    "a flood of requests": ({"retry_period": 0.05}, "retry_period is 0.05 s, and must be at least 0.1 s"),
    "negative drain": ({"drain_seconds": -1}, "drain_seconds is -1 s, and must not be negative"),
}


@pytest.mark.parametrize(("changed", "told"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_work_is_refused(changed: dict[str, Any], told: str) -> None:
    """Each rule has a message that names the field, its value and what is expected."""
    with pytest.raises(ElectionFault) as refused:
        settings(**changed)
    assert told in str(refused.value)


def test_all_broken_rules_are_told_at_once() -> None:
    """Nobody has to repair one setting to hear of the next."""
    with pytest.raises(ElectionFault) as refused:
        settings(namespace="", identity="", lease_duration=1.5, renew_deadline=2, retry_period=2, drain_seconds=-1)
    message = str(refused.value)
    for field in ("namespace", "identity", "lease_duration is", "renew_deadline (2 s)", "drain_seconds"):
        assert field in message
    assert message.count(";") == 5


@pytest.mark.parametrize(
    "changed",
    [
        {"lease_duration": 1, "renew_deadline": 0.9, "retry_period": 0.5},
        {"renew_deadline": 14.999},
        {"retry_period": 0.1},
        {"drain_seconds": 0},
        {"name": "a.b-c.d", "namespace": "n" * 63},
        {"identity": "host_0f3c"},
    ],
)
def test_what_can_work_is_taken(changed: dict[str, Any]) -> None:
    """Settings at the edge of the rules are taken."""
    assert settings(**changed)


def test_settings_are_frozen() -> None:
    """What was checked cannot be changed afterwards."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings().retry_period = 9.0  # type: ignore[misc]
