"""``python -m leadergate serve`` as a process: starting, leaving, and what it says when it cannot start."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from tests.server.conftest import AUTHORITY, PAIR, review

from leadergate_lab.processes import ManagedProcess, free_port, python_environment, wait_until

PATIENCE = 60.0
SERVE = [sys.executable, "-m", "leadergate", "serve", "--address", "127.0.0.1", "--port", "0", "--plain-port", "0"]


class Webhook:
    """A running ``leadergate serve``."""

    def __init__(self, process: ManagedProcess) -> None:
        self.process = process
        process.start()
        process.wait_until(lambda: len(self.log("serving")) == 2, what="both ports serve", timeout=PATIENCE)

    def log(self, event: str) -> list[dict[str, Any]]:
        """The lines of its own log that tell of this event; every line must be one JSON object."""
        text = self.process.stderr_path.read_text()
        lines = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        return [line for line in lines if line["event"] == event]

    def port(self, purpose: str) -> int:
        """The port that it chose."""
        (line,) = [line for line in self.log("serving") if line["purpose"] == purpose]
        return int(line["address"].rpartition(":")[2])

    def plain(self, path: str) -> tuple[int, str]:
        """GET from the plain port; 0 when nobody listens there any more."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port("plain"), timeout=10)) as connection:
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                return answer.status, answer.read().decode()
            except OSError:
                return 0, ""

    def post(self, path: str) -> tuple[int, dict[str, Any]]:
        """POST a review of a status write over TLS."""
        context = ssl.create_default_context(cadata=AUTHORITY.certificate_pem.decode())
        address = ("127.0.0.1", self.port("reviews"))
        with contextlib.closing(http.client.HTTPSConnection(*address, context=context, timeout=30)) as connection:
            connection.request("POST", path, review(), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def ends(self) -> int | None:
        """Wait for its end; the exit code."""
        wait_until(lambda: not self.process.running, what="the process ends", timeout=PATIENCE)
        return self.process.returncode


@pytest.fixture(name="files")
def some_files(tmp_path: Path) -> list[str]:
    """Flags that name a certificate, its key, and a kubeconfig for a port of loopback on which nobody listens."""
    (tmp_path / "tls.crt").write_bytes(PAIR.certificate_pem)
    (tmp_path / "tls.key").write_bytes(PAIR.key_pem)
    kubeconfig(tmp_path, free_port())
    flags = {"certificate": "tls.crt", "key": "tls.key", "kubeconfig": "kubeconfig"}
    return [part for flag, name in flags.items() for part in (f"--{flag}", str(tmp_path / name))]


def kubeconfig(folder: Path, port: int) -> None:
    """Write a kubeconfig for this port of loopback."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(content))


Start = Callable[..., Webhook]


@pytest.fixture(name="start")
def a_start(tmp_path: Path, files: list[str]) -> Iterator[Start]:
    """Starts the program with more flags; it is gone at the end."""
    started: list[ManagedProcess] = []

    def start(*flags: str) -> Webhook:
        process = ManagedProcess("webhook", [*SERVE, *files, *flags], log_dir=tmp_path, env=python_environment())
        started.append(process)
        return Webhook(process)

    yield start
    for process in started:
        process.kill()


def test_alive_but_not_ready_without_an_api_server(start: Start) -> None:
    """It serves reviews all the same: it can say that it cannot decide, and records it on standard output alone."""
    webhook = start()
    assert webhook.plain("/livez") == (200, "ok\n")
    assert webhook.plain("/readyz") == (
        503,
        "[+] shutdown\n[+] certificate\n[-] api-server: the API server has not answered yet\n",
    )
    code, status = webhook.post("/enforce/shop/operator?timeout=1s")
    assert (code, status["details"]["causes"][0]["reason"]) == (503, "LeaseUnreadable")
    assert "Connect call failed" in status["message"]
    assert "object at 0x" not in status["message"]
    assert webhook.post("/audit/shop/operator?timeout=1s")[1]["response"]["allowed"] is True
    records = [json.loads(line) for line in webhook.process.stdout_path.read_text().splitlines()]
    assert [(record["mode"], record["reason"]) for record in records] == [
        ("enforce", "LeaseUnreadable"),
        ("audit", "LeaseUnreadable"),
    ]
    metrics = webhook.plain("/metrics")[1]
    assert 'leadergate_reviews_total{gate="shop/operator",mode="enforce",reason="LeaseUnreadable"' in metrics
    assert len(webhook.log("api_server_not_ready")) == 1, "said once, and not at each attempt"


def test_leaving(start: Start) -> None:
    """Unready at once, but served on while endpoints catch up, until a second signal; Ctrl-C is as good as SIGTERM."""
    webhook = start("--drain-seconds", "300")
    webhook.process.signal(signal.SIGINT)
    webhook.process.wait_until(lambda: bool(webhook.log("leaving")), what="it leaves", timeout=PATIENCE)
    code, readiness = webhook.plain("/readyz")
    assert code == 503
    assert "[-] shutdown" in readiness
    assert webhook.plain("/livez")[0] == 200
    assert webhook.post("/audit/shop/operator?timeout=1s")[0] == 200
    webhook.process.signal(signal.SIGTERM)
    assert webhook.ends() == 0


def test_the_drain_ends_by_itself(start: Start) -> None:
    """After its seconds the process ends, without a fault."""
    webhook = start("--drain-seconds", "0.5")
    webhook.process.signal(signal.SIGTERM)
    assert webhook.ends() == 0
    assert webhook.log("ended")


def test_what_is_under_way_is_finished(start: Start, tmp_path: Path) -> None:
    """A review that waits for its Lease when the drain is over gets its answer before the process ends."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kubeconfig(tmp_path, silent.getsockname()[1])
        webhook = start("--drain-seconds", "0")
        answers: list[tuple[int, dict[str, Any]]] = []
        caller = Thread(target=lambda: answers.append(webhook.post("/enforce/shop/operator?timeout=3s")))
        caller.start()
        webhook.process.wait_until(
            lambda: "leadergate_in_flight 1.0" in webhook.plain("/metrics")[1], what="it is under way", timeout=PATIENCE
        )
        webhook.process.signal(signal.SIGTERM)
        caller.join(PATIENCE)
        assert [code for code, _ in answers] == [503]
        assert "did not answer the read in time" in answers[0][1]["message"]
        assert webhook.ends() == 0


def refused(*flags: str, stdout: int | None = subprocess.PIPE) -> list[str]:
    """Start it with flags that it must refuse; the faults that it names."""
    ended = subprocess.run(
        [*SERVE, *flags], env=python_environment(), stdout=stdout, stderr=subprocess.PIPE, timeout=PATIENCE, check=False
    )
    said = ended.stderr.decode()
    assert ended.returncode == 2, said
    assert "Traceback" not in said
    title, _, faults = said.partition("leadergate cannot start; ")[2].partition("\n")
    found = [line.removeprefix("  - ") for line in faults.splitlines()]
    assert title == f"{len(found)} setting(s) to mend:"
    return found


def test_every_fault_of_the_settings_at_once(files: list[str]) -> None:
    """Exit code 2, and no stack trace."""
    found = refused(*files, "--max-in-flight", "0", "--log-level", "loud")
    assert [fault.split(" ")[0] for fault in found] == ["--max-in-flight", "--log-level"]


def test_every_fault_of_the_files_at_once(files: list[str], tmp_path: Path) -> None:
    """A broken certificate and a missing kubeconfig, each with what to do."""
    (tmp_path / "tls.crt").write_text("broken")
    (tmp_path / "kubeconfig").unlink()
    certificate, api_server = refused(*files)
    assert certificate.startswith(f"--certificate, --key: {tmp_path}/tls.crt: holds no certificate that can be read; ")
    assert api_server.startswith("--kubeconfig: kubeconfig ")
    assert "there is no such file" in api_server


def test_ports_that_are_taken(files: list[str]) -> None:
    """Both are named, with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [str(taken.getsockname()[1]) for taken in (one, other)]
        reviews, plain = refused(*files, "--port", ports[0], "--plain-port", ports[1])
    assert reviews.startswith(f"cannot serve reviews on port {ports[0]}: ")
    assert plain.startswith(f"cannot serve plain on port {ports[1]}: ")
    for fault in (reviews, plain):
        assert "address already in use" in fault
        assert fault.endswith("choose another --port, --plain-port or --address")


def test_a_closed_standard_output(files: list[str]) -> None:
    """Records could go nowhere."""
    closing = ["sh", "-c", 'exec "$@" >&-', "sh", *SERVE, *files]
    ended = subprocess.run(closing, env=python_environment(), stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
    assert ended.returncode == 2
    assert b"standard output is closed" in ended.stderr


def test_help_teaches() -> None:
    """Without any setting; variables and flags are both explained."""
    ended = subprocess.run([*SERVE, "--help"], env=python_environment(), capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"LEADERGATE_MAX_IN_FLIGHT" in ended.stdout
    assert b"--drain-seconds" in ended.stdout
