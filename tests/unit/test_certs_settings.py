"""Settings of the certificates that the webhook makes by itself: each fault with its name and remedy."""

from __future__ import annotations

from datetime import timedelta

import pytest

from leadergate.certs_settings import parse_endpoint
from leadergate.settings import SettingsFault, load

SECRET = ["--certs-secret", "system/tls", "--certs-service", "gate"]


def fault(*arguments: str) -> str:
    """What is said against these flags."""
    with pytest.raises(SettingsFault) as refused:
        load(list(arguments), {})
    return str(refused.value)


def test_names_are_the_services_and_those_given() -> None:
    """The Service's names come first; addresses are told from names by their form."""
    settings = load([*SECRET, "--certs-names", "gate.example.org, 192.0.2.7"], {})
    assert settings.serving_names().all == (
        "gate.system.svc",
        "gate.system.svc.cluster.local",
        "gate.example.org",
        "192.0.2.7",
    )


def test_durations_are_read_as_people_write_them() -> None:
    """Days, and Go's units."""
    settings = load([*SECRET, "--certs-leaf-lifetime", "720h", "--certs-propagation", "90s"], {})
    assert (settings.certs_leaf_lifetime, settings.certs_propagation) == (timedelta(days=30), timedelta(seconds=90))


def test_the_environment_sets_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """As any setting."""
    monkeypatch.setenv("LEADERGATE_CERTS_SECRET", "system/tls")
    monkeypatch.setenv("LEADERGATE_CERTS_NAMES", "gate.example.org")
    assert load([]).certs_secret == "system/tls"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--certs-service", "gate"], "--certs-service: needs --certs-secret"),
        (["--certs-secret", "tls"], "expected NAMESPACE/NAME"),
        (["--certs-secret", "a/b/c"], "expected NAMESPACE/NAME"),
        (["--certs-secret", "a/b"], "give --certs-service or --certs-names"),
        ([*SECRET, "--certificate", "/tls.crt"], "--certificate: cannot be given together with --certs-secret"),
        ([*SECRET, "--key", "/tls.key"], "--key: cannot be given together with --certs-secret"),
        ([*SECRET, "--certs-names", "no_name"], "'no_name' is not a DNS name"),
        ([*SECRET, "--certs-endpoints", "nowhere"], "'nowhere' is no endpoint; expected HOST:PORT"),
        ([*SECRET, "--certs-propagation", "soon"], "'soon' is no duration"),
        ([*SECRET, "--certs-propagation", "100ms"], "greater than or equal to 1 second"),
        ([*SECRET, "--certs-leaf-lifetime", "4000d"], "less than or equal to"),
        ([*SECRET, "--certs-authority-lifetime", "100d"], "is more than a third of --certs-authority-lifetime"),
        ([*SECRET, "--certs-leaf-lifetime", "5m"], "is less than six times --certs-propagation"),
        ([*SECRET, "--certs-algorithm", "dsa"], "'ecdsa-p256', 'rsa-2048'"),
        (["--certs-secret", "a/B_", "--certs-service", "S"], "is not a DNS label"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: list[str], said: str) -> None:
    """Name, value, what was expected."""
    assert said in fault(*arguments)


@pytest.mark.parametrize(("text", "expected"), [("10.0.0.1:8443", ("10.0.0.1", 8443)), ("[::1]:1", ("::1", 1))])
def test_endpoints_are_host_and_port(text: str, expected: tuple[str, int]) -> None:
    """IPv6 in brackets."""
    assert parse_endpoint(text) == expected
