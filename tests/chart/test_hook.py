"""What `helm test` runs, run here as the image would."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from leadergate_lab.helm import Helm

from .conftest import Site
from .rendering import rendered, the

OTHERS = ({"source": "certManager"}, {"source": "secret", "secretName": "mine"})


def container(helm: Helm, values: dict[str, Any]) -> dict[str, Any]:
    """That of the test's Pod."""
    (only,) = the("Pod", rendered(helm, values))["spec"]["containers"]
    return dict(only)


class Readiness:
    """A plain port that is ready or not."""

    def __init__(self) -> None:
        self.code = 200
        self.asked: list[str] = []
        whole = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                whole.asked.append(self.path)
                self.send_response(whole.code)
                self.end_headers()
                self.wfile.write(b"[+] certificate\n")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.address = f"127.0.0.1:{self.server.server_port}"


@pytest.fixture
def readiness() -> Iterator[Readiness]:
    """Serves on loopback."""
    made = Readiness()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.mark.parametrize("certificates", OTHERS)
def test_others_certificates_leave_readiness_to_look_at(
    helm: Helm, readiness: Readiness, certificates: dict[str, str]
) -> None:
    """Through the Service, on its plain port; a replica that is not ready fails the test."""
    interpreter, option, code = container(helm, {"certificates": certificates, "plainPort": 8081})["command"]
    assert (interpreter, option) == ("python3", "-c")
    address = "leadergate.leadergate-system.svc:8081"
    assert address in code

    def run() -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, option, code.replace(address, readiness.address)]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)

    done = run()
    assert (done.returncode, done.stdout.strip()) == (0, "[+] certificate"), done.stderr
    assert readiness.asked == ["/readyz"]
    readiness.code = 503
    assert run().returncode != 0


def test_own_certificates_are_looked_at_whole(site: Site) -> None:
    """The command knows these flags, and fails where nothing is installed."""
    args = container(site.helm, {"certificates": {"secretName": "nowhere"}})["args"]
    argv = [sys.executable, "-m", "leadergate", *args, "--kubeconfig", str(site.plane.admin_kubeconfig)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1, done.stderr
    assert "leadergate-system/nowhere" in done.stdout + done.stderr
