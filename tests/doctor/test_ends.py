"""How the commands end when they cannot look, are interrupted, or nobody reads what they print."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from leadergate.doctor.cli import app as doctor
from leadergate.gates.cli import app as gates
from leadergate.survey import questions

from .clinic import Clinic

COMMANDS = (("doctor",), ("gate", "list"))


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[tuple[socket.socket, Path]]:
    """A server that takes connections and says nothing, and a kubeconfig that leads there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        file = tmp_path / "kubeconfig"
        named = {"contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}], "current-context": "it"}
        named |= {"clusters": [{"name": "it", "cluster": {"server": url}}]}
        named |= {"users": [{"name": "it", "user": {"token": "x"}}]}
        file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **named}))
        yield server, file


@pytest.mark.parametrize("command", COMMANDS)
def test_an_interrupt_leaves_no_trace(command: tuple[str, ...], silent: tuple[socket.socket, Path]) -> None:
    """It ends as shells expect of SIGINT, and has said nothing."""
    server, kubeconfig = silent
    argv = [sys.executable, "-m", "leadergate", *command, "--kubeconfig", str(kubeconfig)]
    # Tests that a shell runs in the background ignore SIGINT, and what they start would, too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        server.settimeout(60)
        caller, _ = server.accept()
        with caller:
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, ("", ""))


@pytest.mark.parametrize(("app", "command"), [(doctor, ()), (gates, ("list",))])
def test_an_api_server_that_says_nothing(
    app: object, command: tuple[str, ...], silent: tuple[socket.socket, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line names it, and the command ends with 2."""
    server, kubeconfig = silent
    monkeypatch.setattr(questions, "SECONDS", 0.2)
    ended = CliRunner().invoke(app, [*command, "--kubeconfig", str(kubeconfig)])  # type: ignore[arg-type]
    assert (ended.exit_code, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert f"the API server at http://127.0.0.1:{server.getsockname()[1]} gave no answer within 0.2 s" in line


@pytest.mark.parametrize(("shell", "code"), [("| head -1", 0), ("> /dev/full", 2)])
def test_output_that_nobody_takes(clinic: Clinic, shell: str, code: int) -> None:
    """There is no trace; a disk that is full takes one line."""
    command = " ".join([sys.executable, "-m", "leadergate", "doctor", *clinic.arguments, shell])
    ended = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == code
    assert ended.stderr == ("" if code == 0 else "error: standard output cannot be written: No space left on device\n")


def on_a_terminal(argv: list[str], columns: int, **environ: str) -> str:
    """What a program prints on a terminal of that width."""
    ours, theirs = pty.openpty()
    try:
        termios.tcsetwinsize(theirs, (24, columns))
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | environ
        with subprocess.Popen(argv, stdout=theirs, env=environment) as process:
            os.close(theirs)
            printed = b""
            while chunk := _read(ours):
                printed += chunk
        assert process.returncode == 0
    finally:
        os.close(ours)
    return printed.decode().replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # nobody has the other side open any more
        return b""


def test_a_narrow_terminal(clinic: Clinic) -> None:
    """What is said is broken to fit; names and remedies are not, and there is colour."""
    printed = on_a_terminal([sys.executable, "-m", "leadergate", "doctor", *clinic.arguments], 60)
    assert "\x1b[32m  right" in printed
    lines = re.sub(r"\x1b\[\d+m", "", printed).splitlines()
    long = [line for line in lines if len(line) > 60 and "kubectl" not in line]
    assert all(max(map(len, line.split())) > 24 for line in long)


def test_a_wide_terminal_without_colour(clinic: Clinic) -> None:
    """Gates are listed in all its columns, and NO_COLOR is heeded."""
    argv = [sys.executable, "-m", "leadergate", "gate", "list", *clinic.arguments[1:5], *clinic.arguments[-2:]]
    printed = on_a_terminal(argv, 200, NO_COLOR="1")
    assert clinic.gate in printed
    assert "\x1b" not in printed
    assert "\x1b[1mNAME" in on_a_terminal(argv, 80)
