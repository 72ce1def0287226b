"""``make bench``: the gate against a bare uvicorn TLS handler, in turns.

In one more row that handler waits for the gate's own kind of Lease reads and does nothing else.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from rich.console import Console
from rich.table import Table

from leadergate_lab.assets import ensure
from leadergate_lab.bench.load import Round, generator, run
from leadergate_lab.bench.machine import cpu_seconds, one_core_each, peak_memory
from leadergate_lab.bench.reviews import review
from leadergate_lab.cluster import PodIdentity
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.errors import AssetError
from leadergate_lab.keys import write_private
from leadergate_lab.processes import ManagedProcess, free_port, python_environment
from leadergate_lab.webhook import ACCOUNT, WebhookProcess
from leadergate_lab.webhook import NAMESPACE as SYSTEM

NAMESPACE, LEASE = "bench", "operator-lock"
SIZES = {"2 KiB": 2 << 10, "64 KiB": 64 << 10, "1 MiB": 1 << 20}
CONNECTIONS = (8, 32)
_WARM_UP = 1.0

console = Console()


@dataclass(frozen=True, slots=True)
class Measured:
    """One round against one server, and the processor time in seconds that this server took for a request."""

    round: Round
    cpu: float


@dataclass(frozen=True, slots=True)
class Server:
    """What is measured, and where it is asked."""

    process: ManagedProcess
    url: str


@dataclass(frozen=True, slots=True)
class Row:
    """The rounds of one case, in pairs."""

    case: str
    connections: int
    gate: list[Measured]
    bare: list[Measured]
    reads_per_request: float

    @property
    def speed(self) -> float:
        """Requests a second, gate to bare."""
        return self._ratio(lambda measured: measured.round.per_second)

    @property
    def tail(self) -> float:
        """The 99th percentile of latency, gate to bare."""
        return self._ratio(lambda measured: measured.round.p99)

    @property
    def work(self) -> float:
        """Requests for each second of the server's own processor time, gate to bare."""
        return self._ratio(lambda measured: 1 / measured.cpu)

    def _ratio(self, figure: Callable[[Measured], float]) -> float:
        """The median of the pairs."""
        return statistics.median(figure(gate) / figure(bare) for gate, bare in zip(self.gate, self.bare, strict=True))


class Bench:
    """Both servers, and the load against them."""

    def __init__(self, plane: ControlPlane, binary: Path, seconds: float, rounds: int) -> None:
        self._plane, self._binary, self._seconds, self._rounds = plane, binary, seconds, rounds
        cluster = plane.cluster
        cluster.namespace(NAMESPACE)
        cluster.service_account(NAMESPACE, "operator")
        self._holder = cluster.pod(NAMESPACE, "operator-0", "operator")
        self._follower = cluster.pod(NAMESPACE, "operator-1", "operator")
        cluster.set_lease(NAMESPACE, LEASE, self._holder.name, duration=3600)
        server = urlsplit(plane.url)
        mount = str(_mount(plane))
        environment = {"KUBERNETES_SERVICE_HOST": str(server.hostname), "KUBERNETES_SERVICE_PORT": str(server.port)}
        self.webhook = WebhookProcess(
            plane,
            flags=["--drain-seconds", "0"],
            credentials=["--service-account-directory", mount],
            environment=environment,
        )
        self.webhook.grant(NAMESPACE, LEASE)
        self.webhook.start()
        self.gate = Server(self.webhook.process, f"{self.webhook.url}/enforce/{NAMESPACE}/{LEASE}?timeout=10s")
        self.bare = self._start("bare", {})
        self.reading = self._start(
            "reading", environment, "--lease", f"{NAMESPACE}/{LEASE}", "--service-account", mount
        )

    def _start(self, name: str, environment: dict[str, str], *flags: str) -> Server:
        """Start a handler to measure with."""
        port = free_port()
        argv = [sys.executable, "-m", "leadergate_lab.bench.bare", "--port", str(port), *flags]
        argv += ["--certificate", str(self.webhook.certificate), "--key", str(self.webhook.key)]
        env = {**python_environment(), **environment}
        process = ManagedProcess(name, argv, log_dir=self._plane.directory, env=env)
        process.start()
        process.wait_until(lambda: _listens(port), what=f"it listens on {port}", timeout=30)
        return Server(process, f"https://127.0.0.1:{port}/")

    def part_cores(self) -> str:
        """See to it that only what is measured runs on its core; says how."""
        here = psutil.Process()
        servers = [server.process.pid for server in (self.gate, self.bare, self.reading)]
        others = [here.pid, *(child.pid for child in here.children(recursive=True) if child.pid not in servers)]
        return one_core_each(servers, others)

    def stop(self) -> None:
        """Stop the servers."""
        for server in (self.gate, self.bare, self.reading):
            server.process.stop()

    def case(
        self, name: str, size: int, connections: int, *, denied: bool = False, against: Server | None = None
    ) -> Row:
        """Measure one case: the gate and a measure, the bare handler unless another is given, in turns."""
        measure = against or self.bare
        body = self._body(self._follower if denied else self._holder, size)
        for server in (measure, self.gate):
            self._round(server.url, body, connections, _WARM_UP)
        gate: list[Measured] = []
        bare: list[Measured] = []
        reads, requests = 0.0, 0.0
        for number in range(1, self._rounds + 1):
            console.print(f"  {name}, {connections} connections: round {number} of {self._rounds}", style="dim")
            bare.append(self._measured(measure, body, connections))
            before = self._counts()
            gate.append(self._measured(self.gate, body, connections))
            after = self._counts()
            reads, requests = reads + after[0] - before[0], requests + after[1] - before[1]
        return Row(name, connections, gate, bare, reads / requests)

    def _measured(self, server: Server, body: Path, connections: int) -> Measured:
        pid = server.process.pid
        before = cpu_seconds(pid)
        measured = self._round(server.url, body, connections, self._seconds)
        return Measured(measured, (cpu_seconds(pid) - before) / (measured.per_second * self._seconds))

    def _round(self, url: str, body: Path, connections: int, seconds: float) -> Round:
        measured = run(self._binary, url, body, connections=connections, seconds=seconds)
        if measured.failed:
            raise RuntimeError(f"{measured.failed} answers of {url} were not 200\n{self.webhook.process.tail()}")
        return measured

    def _counts(self) -> tuple[float, float]:
        return self.webhook.metric("leadergate_lease_reads_total"), self.webhook.metric("leadergate_reviews_total")

    def _body(self, pod: PodIdentity, size: int) -> Path:
        path = self._plane.directory / f"{pod.name}-{size}.json"
        path.write_bytes(review(pod, size))
        return path


def _mount(plane: ControlPlane) -> Path:
    """Credentials as a Pod finds them: with a kubeconfig the gate would also hold the client library in memory."""
    plane.cluster.namespace(SYSTEM)
    plane.cluster.service_account(SYSTEM, ACCOUNT)
    folder = plane.directory / "serviceaccount"
    folder.mkdir()
    (folder / "ca.crt").write_bytes(plane.ca_pem)
    write_private(folder / "token", plane.cluster.service_account_token(SYSTEM, ACCOUNT).encode())
    return folder


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of rounds for each case (default: %(default)s)")
    given = parser.parse_args()
    try:
        assets, binary = ensure(), generator(lambda line: console.print(line, style="dim"))
    except AssetError as fault:
        sys.exit(str(fault))
    with ControlPlane.start(assets) as plane:
        bench = Bench(plane, binary, given.seconds, given.rounds)
        try:
            console.print(bench.part_cores())
            idle = peak_memory(bench.webhook.process.pid)
            cases = [(name, size, count) for name, size in SIZES.items() for count in CONNECTIONS]
            rows = [bench.case(f"{name}, allowed", size, count) for name, size, count in cases]
            allowed = peak_memory(bench.webhook.process.pid)
            rows.append(bench.case("2 KiB, denied", SIZES["2 KiB"], 32, denied=True))
            rows.append(bench.case("2 KiB, against a bare reader", SIZES["2 KiB"], 32, against=bench.reading))
        finally:
            bench.stop()
    _print(rows)
    console.print(
        f"peak memory of the gate: {allowed:.0f} MiB after all sizes ({idle:.0f} MiB before the first review)"
    )


def _print(rows: list[Row]) -> None:
    table = Table(title="the gate (linearizable) against a bare uvicorn TLS handler; medians of pairs")
    headings = ("review", "connections", "gate/s", "bare/s", "speed ratio", "p99 ratio", "CPU ratio", "reads/request")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "review" else "right")
    for row in rows:
        table.add_row(
            row.case,
            str(row.connections),
            f"{statistics.median(item.round.per_second for item in row.gate):.0f}",
            f"{statistics.median(item.round.per_second for item in row.bare):.0f}",
            f"{row.speed:.2f}",
            f"{row.tail:.2f}",
            f"{row.work:.2f}",
            f"{row.reads_per_request:.3f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
