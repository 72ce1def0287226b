"""The command line teaches, and tells every fault with its name, value and expectation."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from leadergate_election.address import Address, parse_address
from leadergate_operator.cli import app

NEEDED = ["run", "--pod-name", "pod-0", "--namespace", "demo"]


def invoke(*arguments: str, env: dict[str, str | None] | None = None) -> tuple[int, str]:
    """Exit code and everything that was said, as a terminal of 200 columns would show it."""
    clean = {"POD_NAME": None, "POD_NAMESPACE": None, "KUBECONFIG": None, "KUBERNETES_SERVICE_HOST": None}
    result = CliRunner().invoke(app, arguments, env={**clean, "COLUMNS": "200", **(env or {})})
    return result.exit_code, result.output


def test_help_teaches() -> None:
    """It names every option, the environment variables and where to look."""
    code, output = invoke("run", "--help")
    assert code == 0
    for word in (
        "--pod-name",
        "POD_NAMESPACE",
        "KUBECONFIG",
        "--resync-seconds",
        "--status-gate",
        "/table",
        "/metrics",
        "status_write",
    ):
        assert word in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--listen", "8080"], "--listen='8080': expected host:port"),
        (["--listen", "127.0.0.1:70000"], "--listen='127.0.0.1:70000': expected host:port"),
        (["--pod-name", "Pod_0"], "--pod-name='Pod_0': expected a Pod's name"),
        (["--namespace", "a.b"], "--namespace is 'a.b', and must be a DNS-1123 label"),
        (["--lease-name", ""], "--lease-name is '', and must be a DNS-1123 subdomain"),
        (["--status-gate", "ajar"], "'ajar' is not one of 'server', 'client', 'both'"),
        (["--resync-seconds", "0"], "--resync-seconds=0.0: expected more than 0 seconds"),
        (["--resync-seconds", "nan"], "--resync-seconds=nan: expected more than 0 seconds"),
        (["--workers", "0"], "--workers=0: expected at least 1"),
        (["--write-timeout", "0"], "--write-timeout=0.0: expected more than 0 seconds"),
        (["--log-level", "loud"], "--log-level='loud': expected one of debug, info, warning"),
        (["--retry-period", "0"], "--retry-period is 0 s, and must be at least 0.1 s"),
        (["--renew-deadline", "2"], "--renew-deadline (2 s) must be greater than 1.2 times --retry-period (2 s)"),
        (["--lease-duration", "10"], "--lease-duration (10 s) must be greater than --renew-deadline (10 s)"),
        (["--lease-duration", "15.5"], "--lease-duration is 15.5 s, and must be"),
        (["--kubeconfig", "/no/such"], "--kubeconfig='/no/such'"),
        ([], "name a kubeconfig by --kubeconfig or KUBECONFIG"),
    ],
)
def test_a_fault_is_told(arguments: list[str], words: str) -> None:
    """Exit code 2 and one line: the setting, its value, what was expected."""
    code, output = invoke(*NEEDED, *arguments)
    assert code == 2
    assert words in output
    assert "Traceback" not in output


def test_all_faults_are_told_at_once() -> None:
    """One run shows everything that is to be repaired."""
    code, output = invoke(*NEEDED, "--listen", "x", "--workers", "0", "--retry-period", "0")
    assert code == 2
    told = [line.removeprefix("leadergate-operator: ").replace("=", " ").split()[0] for line in output.splitlines()]
    assert told == ["--workers", "--listen", "--retry-period"]


@pytest.mark.parametrize(
    "content", ["", "[]", "current-context: none", "{", "clusters: 3"], ids=["empty", "list", "context", "yaml", "type"]
)
def test_a_broken_kubeconfig_is_told(tmp_path: Path, content: str) -> None:
    """Whatever is wrong with the file, its name is told and no stack trace shown."""
    path = tmp_path / "config"
    path.write_text(content)
    code, output = invoke(*NEEDED, env={"KUBECONFIG": str(path)})
    assert code == 2
    assert f"--kubeconfig='{path}': " in output
    assert "expected a readable kubeconfig" in output


def test_a_taken_address_is_told(tmp_path: Path) -> None:
    """The address is named; nothing has been sent to the API server by then."""
    path = tmp_path / "config"
    cluster = {"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    user = {"name": "u", "user": {"token": "none"}}
    content = {"clusters": [cluster], "contexts": [context], "users": [user], "current-context": "c"}
    path.write_text(yaml.safe_dump(content))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        code, output = invoke(*NEEDED, "--kubeconfig", str(path), "--listen", listen)
    assert code == 2
    assert f"--listen='{listen}': Address already in use" in output


def test_a_missing_pod_name_is_told() -> None:
    """Without a pod there is no identity."""
    code, output = invoke("run", "--namespace", "demo")
    assert code == 2
    assert "--pod-name" in output
    assert "POD_NAME" in output


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("localhost:8080", Address("localhost", 8080)),
        ("[::1]:65535", Address("::1", 65535)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    """IPv4, names, and IPv6 in brackets."""
    assert parse_address(text) == address
