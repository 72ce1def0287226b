"""The `issue` command: what it writes, what it refuses, what it says."""

from __future__ import annotations

import ipaddress
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import DNSName, IPAddress
from cryptography.x509.verification import PolicyBuilder, Store
from typer.testing import CliRunner, Result

from leadergate_certs import pairfiles
from leadergate_certs.cli import app
from leadergate_certs.issue import issue_authority, issue_serving_pair
from leadergate_certs.names import ServingNames


def run(*arguments: str | Path) -> Result:
    """Run the command as a user does."""
    return CliRunner().invoke(app, ["issue", *map(str, arguments)])


def load(directory: Path) -> tuple[x509.Certificate, x509.Certificate]:
    """The authority's certificate and the leaf."""
    files = (directory / "ca.crt", directory / "tls.crt")
    authority, leaf = (x509.load_pem_x509_certificate(file.read_bytes()) for file in files)
    return authority, leaf


def test_writes_three_files(tmp_path: Path) -> None:
    """The files verify under every name given, the key belongs to the leaf, and only its owner may read it."""
    directory = tmp_path / "new" / "pki"
    result = run("--dir", directory, "--service", "system/gate", "--dns", "a.example", "--ip", "127.0.0.1")
    assert result.exit_code == 0, result.output
    assert {file.name: oct(file.stat().st_mode)[-3:] for file in directory.iterdir()} == {
        "ca.crt": "644",
        "tls.crt": "644",
        "tls.key": "600",
    }
    authority, leaf = load(directory)
    key = load_pem_private_key((directory / "tls.key").read_bytes(), password=None)
    assert key.public_key() == leaf.public_key()
    policy = PolicyBuilder().store(Store([authority]))
    names: list[DNSName | IPAddress] = [
        DNSName(name) for name in ("gate.system.svc", "gate.system.svc.cluster.local", "a.example")
    ]
    names.append(IPAddress(ipaddress.ip_address("127.0.0.1")))
    for name in names:
        policy.build_server_verifier(name).verify(leaf, [])


def test_says_what_it_wrote_but_no_key(tmp_path: Path) -> None:
    """The output names files, names and expiry; no line of the key is in it."""
    result = run("--dir", tmp_path, "--dns", "a.example", "--days", "7")
    for expected in ("ca.crt, tls.crt, tls.key", "a.example", f"{load(tmp_path)[1].not_valid_after_utc:%F}"):
        assert expected in result.output
    for line in (tmp_path / "tls.key").read_text().splitlines():
        assert line not in result.output


def test_days(tmp_path: Path) -> None:
    """The leaf is valid for the days asked."""
    assert run("--dir", tmp_path, "--dns", "a.example", "--days", "7").exit_code == 0
    leaf = load(tmp_path)[1]
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=7, minutes=5)


def test_refuses_to_overwrite_unless_forced(tmp_path: Path) -> None:
    """Files that are there are named and left alone; --force replaces all three."""
    (tmp_path / "tls.key").write_text("mine")
    result = run("--dir", tmp_path, "--dns", "a.example")
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: --dir: {tmp_path}/tls.key already there; choose another folder, or pass --force\n"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["tls.key"]
    assert (tmp_path / "tls.key").read_text() == "mine"
    (tmp_path / "tls.key").chmod(0o644)
    assert run("--dir", tmp_path, "--dns", "a.example", "--force").exit_code == 0
    assert oct((tmp_path / "tls.key").stat().st_mode)[-3:] == "600"
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "names: none given"),
        (["--dns", "a_b"], "dns: 'a_b' is not a DNS name"),
        (["--ip", "a.example"], "ip: 'a.example' is not an IP address"),
        (["--service", "gate"], "service: 'gate' has no namespace; expected NAMESPACE/NAME"),
        (["--service", "system/Gate"], "service: 'Gate' is not a DNS label"),
    ],
)
def test_bad_names_write_nothing(tmp_path: Path, arguments: list[str], message: str) -> None:
    """A bad name ends the command with one clear line, before anything is written."""
    result = run("--dir", tmp_path / "pki", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {message}")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "pki").exists()


@pytest.mark.parametrize("days", ["0", "3651", "many"])
def test_bad_days(tmp_path: Path, days: str) -> None:
    """A number of days out of range is a usage error that names the option."""
    result = run("--dir", tmp_path, "--dns", "a.example", "--days", days)
    assert result.exit_code == 2
    assert "--days" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A path that is no folder gives a clear error, not a trace."""
    (tmp_path / "file").write_text("")
    result = run("--dir", tmp_path / "file", "--dns", "a.example")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: --dir: cannot write to {tmp_path}/file: ")


def test_failed_write_leaves_no_part_behind(tmp_path: Path) -> None:
    """When a file cannot be replaced, its half is removed, the key's above all."""
    (tmp_path / "tls.key").mkdir()
    now = datetime.now(UTC)
    authority = issue_authority(now)
    with pytest.raises(OSError, match=r"tls\.key"):
        pairfiles.write(tmp_path, authority, issue_serving_pair(authority, ServingNames(("a",)), now))
    assert {file.name for file in tmp_path.iterdir()} == {"ca.crt", "tls.key"}


def test_runs_as_a_module() -> None:
    """`python -m leadergate_certs issue --help` teaches files, options and examples."""
    command = [sys.executable, "-m", "leadergate_certs", "issue", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for word in ("--dir", "--dns", "--ip", "--service", "--days", "--force", "caBundle", "Examples"):
        assert word in shown
