"""Settings: every fault at once, each with its name, its value and its remedy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leadergate.settings import PREFIX, Settings, SettingsFault, load


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of whoever runs the tests says nothing."""
    for name in list(os.environ):
        if name.upper().startswith(PREFIX):
            monkeypatch.delenv(name)


def faults(*arguments: str) -> list[str]:
    """What is wrong with these flags and the environment."""
    with pytest.raises(SettingsFault) as caught:
        load(list(arguments))
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults


def test_the_defaults_are_sound() -> None:
    """A Pod needs no flag."""
    settings = load([])
    assert (settings.port, settings.plain_port, settings.kubeconfig) == (8443, 8080, None)
    assert settings.max_body_bytes == 7 * 1024 * 1024
    assert settings.drain_seconds == 10


def test_a_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting can be given in both ways."""
    monkeypatch.setenv("LEADERGATE_MAX_IN_FLIGHT", "7")
    monkeypatch.setenv("LEADERGATE_RECORD_ALLOWED", "true")
    settings = load(["--max-in-flight", "9", "--kubeconfig", "/k"])
    assert (settings.max_in_flight, settings.record_allowed, settings.kubeconfig) == (9, True, Path("/k"))


def test_every_fault_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """From flags and environment alike."""
    monkeypatch.setenv("LEADERGATE_DRAIN_SECONDS", "-1")
    monkeypatch.setenv("LEADERGATE_PROT", "8443")
    found = faults("--port", "99999", "--max-in-flight", "many", "--log-level", "loud")
    assert [fault.split(":")[0] for fault in found] == [
        "LEADERGATE_PROT",
        "--port or LEADERGATE_PORT",
        "--max-in-flight or LEADERGATE_MAX_IN_FLIGHT",
        "--drain-seconds or LEADERGATE_DRAIN_SECONDS",
        "--log-level or LEADERGATE_LOG_LEVEL",
    ]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--port", "99999"], "--port or LEADERGATE_PORT: '99999': Input should be less than or equal to 65535"),
        (["--max-in-flight", "0"], "--max-in-flight or LEADERGATE_MAX_IN_FLIGHT: '0': Input should be greater than"),
        (["--reads-at-once", "x"], "--reads-at-once or LEADERGATE_READS_AT_ONCE: 'x': Input should be a valid integer"),
        (["--drain-seconds", "nan"], "--drain-seconds or LEADERGATE_DRAIN_SECONDS: 'nan': Input should be"),
        (["--log-level", "loud"], "'loud': expected one of debug, info, warning, error"),
        (["--port", "8080"], "--plain-port or LEADERGATE_PLAIN_PORT: 8080: is the TLS port too (8080): choose another"),
        (["--port", "1", "--plain-port", "1"], "is the TLS port too (1): choose another"),
        (["--max-body-bytes", "9000", "--max-body-bytes-in-flight", "8000"], "must be at least max_body_bytes (9000)"),
        (["--context", "c"], "--context or LEADERGATE_CONTEXT: 'c': needs a kubeconfig: set kubeconfig as well"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_each_fault_names_setting_value_and_remedy(arguments: list[str], fault: str) -> None:
    """Flag and variable, what was given, and what would be right."""
    (found,) = faults(*arguments)
    assert fault in found


def test_nothing_is_nudged_unless_asked_for() -> None:
    """Nor can it be without a memory of what to nudge."""
    settings = load([])
    assert (settings.nudge, settings.nudge_per_second, settings.stuck_objects) == (False, 50, 10_000)
    assert load(["--nudge"]).nudge
    assert load(["--stuck-objects", "0"]).stuck_objects == 0
    (fault,) = faults("--nudge", "--stuck-objects", "0")
    assert fault.startswith("--nudge or LEADERGATE_NUDGE: ")
    assert "needs remembered objects: set stuck_objects above 0, or leave nudge out" in fault


def test_any_free_port_may_be_asked_for_twice() -> None:
    """0 is no port that both would share."""
    assert load(["--port", "0", "--plain-port", "0"]).plain_port == 0


def test_a_context_goes_with_a_kubeconfig() -> None:
    """Both together are sound."""
    assert load(["--kubeconfig", "/k", "--context", "c"]).context == "c"


def test_a_misspelt_variable_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be ignored in silence otherwise."""
    monkeypatch.setenv("LEADERGATE_MAX_INFLIGHT", "7")
    assert faults() == ["LEADERGATE_MAX_INFLIGHT: there is no such setting; see leadergate serve --help"]


@pytest.mark.parametrize("service", ["LEADERGATE", "LEADERGATE_PLAIN", "LEADERGATE_WEBHOOK"])
def test_a_service_by_our_name_disturbs_nothing(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    """The kubelet sets variables for each Service in the Pod's namespace; some are called like our settings."""
    for name, value in {
        "SERVICE_HOST": "10.0.0.1",
        "SERVICE_PORT": "443",
        "SERVICE_PORT_HTTPS": "443",
        "PORT": "tcp://10.0.0.1:443",
        "PORT_443_TCP": "tcp://10.0.0.1:443",
        "PORT_443_TCP_PROTO": "tcp",
        "PORT_443_TCP_PORT": "443",
        "PORT_443_TCP_ADDR": "10.0.0.1",
    }.items():
        monkeypatch.setenv(f"{service}_{name}", value)
    assert (load([]).port, load([]).plain_port) == (8443, 8080)
    assert load(["--port", "9443"]).port == 9443


def test_a_flag_that_does_not_exist_shows_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """And names it."""
    with pytest.raises(SystemExit) as caught:
        load(["--prot", "8443"])
    assert caught.value.code == 2
    assert "--prot" in capsys.readouterr().err


def test_help_teaches_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """Each has its flag and a sentence."""
    with pytest.raises(SystemExit) as caught:
        load(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    for name, field in Settings.model_fields.items():
        assert f"--{name.replace('_', '-')}" in shown
        assert field.description, name
    assert PREFIX in shown


def test_settings_do_not_change() -> None:
    """They were checked as a whole."""
    with pytest.raises(ValueError, match="frozen"):
        load([]).port = 1  # type: ignore[misc]
