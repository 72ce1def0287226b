"""``leadergate audit`` without FILE, as a process beside the cluster: it reads the webhook's replicas."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadergate.records import SCHEMA
from leadergate_lab.helm import CHART, Helm, binary
from leadergate_lab.processes import wait_until
from leadergate_lab.writer import Writer

from .conftest import NAMESPACE, PATIENCE, Installed, by_pod

CRD = Path(__file__).parents[2] / "deploy" / "operator" / "crd.yaml"
REDIRECTS = "/apis/demo.leadergate.dev/v1/namespaces/shop/redirects"


def argv(*arguments: str, kubeconfig: Path | None = None) -> list[str]:
    """The command with its flags."""
    way = [] if kubeconfig is None else ["--kubeconfig", str(kubeconfig)]
    return [sys.executable, "-m", "leadergate", "audit", *arguments, *way]


def run(*arguments: str, kubeconfig: Path | None = None, code: int = 0) -> tuple[str, str]:
    """What it prints to standard output, and to standard error."""
    line = argv(*arguments, kubeconfig=kubeconfig)
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout, done.stderr


@dataclass
class Following:
    """A command that goes on, and its output so far."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def told(self) -> str:
        """On standard error."""
        return self.err.read_text()

    def uids(self) -> list[str]:
        """Of the records that it printed as JSON lines."""
        lines = self.out.read_text().splitlines(keepends=True)
        return [json.loads(line)["uid"] for line in lines if line.endswith("\n")]

    def end(self) -> int:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@contextmanager
def following(folder: Path, *arguments: str, kubeconfig: Path) -> Iterator[Following]:
    """Run it in the background."""
    out, err = folder / "out", folder / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(argv(*arguments, kubeconfig=kubeconfig), stdout=stdout, stderr=stderr, env=env)
    try:
        yield Following(process, out, err)
    finally:
        process.kill()
        process.wait()


def test_what_the_cluster_has_is_reviewed(installed: Installed) -> None:
    """Of both replicas, and since a moment: counted, drawn, and one of them explained by its uid."""
    admin = installed.village.admin_kubeconfig
    since = datetime.now(UTC).isoformat()
    made = [uid for pod in installed.pods() for uid in installed.reject(pod, 3)]
    told = json.loads(run("summary", "--since", since, "--routine", "-o", "json", kubeconfig=admin)[0])
    assert (told["rejections"], told["badLines"], told["foreignLines"]) == (6, 0, 0)
    assert [gate["gate"] for gate in told["gates"]] == ["shop/operator-lock"]
    out, err = run("timeline", "--since", since, kubeconfig=admin)
    assert "shop/operator-lock" in out
    assert "of other programs" not in err
    out, _ = run("explain", made[-1], kubeconfig=admin)
    assert out.startswith(f"Review {made[-1]}: Deny, NotHolder")


def test_a_list_is_followed_through_a_rollout(installed: Installed, tmp_path: Path) -> None:
    """Each rejection once, each replica's in order; what happens to replicas is told; Ctrl-C ends it quietly."""
    admin = installed.village.admin_kubeconfig
    before = installed.pods()
    since = datetime.now(UTC).isoformat()
    with following(
        tmp_path, "list", "--follow", "--routine", "--since", since, "-o", "jsonl", kubeconfig=admin
    ) as listing:
        made = [uid for pod in before for uid in installed.reject(pod, 3)]
        wait_until(lambda: set(made) <= set(listing.uids()), what=f"{made} are listed", timeout=PATIENCE)
        installed.renew()
        made += [uid for pod in installed.pods() for uid in installed.reject(pod, 3)]
        wait_until(lambda: set(made) <= set(listing.uids()), what=f"{made} are listed", timeout=PATIENCE)
        assert by_pod(uid for uid in listing.uids() if uid in made) == by_pod(made)
        gone = [f"note: {pod}: its pod is gone; its log was read to the end" for pod in before]
        wait_until(lambda: set(gone) <= set(listing.told().splitlines()), what=f"{gone} are told", timeout=PATIENCE)
        assert listing.end() == 130
        assert all(line.startswith("note: ") for line in listing.told().splitlines()), listing.told()


def test_the_page_has_what_there_is_and_what_comes(installed: Installed, tmp_path: Path) -> None:
    """History first, all of it, and then each new record once."""
    pod = installed.pods()[0]
    old = installed.reject(pod, 3)
    admin = installed.village.admin_kubeconfig
    with following(tmp_path, "serve", "--follow", "--port", "0", kubeconfig=admin) as serving:
        wait_until(lambda: serving.out.read_text().endswith("/\n"), what="the page is served", timeout=PATIENCE)
        url = serving.out.read_text().strip()

        def get(path: str) -> bytes:
            caller = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=PATIENCE)
            try:
                caller.request("GET", path)
                return caller.getresponse().read()
            finally:
                caller.close()

        def uids() -> list[str]:
            return [json.loads(line)["uid"] for line in get("/download/records.jsonl?routine=true").splitlines()]

        assert [uid for uid in uids() if uid in old] == old
        new = installed.reject(pod, 3)
        wait_until(lambda: set(new) <= set(uids()), what=f"{new} come in", timeout=PATIENCE)
        assert [uid for uid in uids() if uid in old + new] == old + new
        source: dict[str, Any] = json.loads(get("/api/source"))
        assert source["files"] == [f"pod/{name}" for name in installed.pods()]
        assert (source["follows"], source["fault"]) == (True, None)
        assert serving.end() == 130


def test_its_records_are_held_against_the_audit_log(installed: Installed) -> None:
    """A rejection through the API server stands in both; a note tells from when on the records are whole."""
    village, cluster = installed.village, installed.cluster
    cluster.apply(CRD)
    cluster.wait_established("redirects.demo.leadergate.dev")
    about, spec = {"namespace": "shop", "name": "docs"}, {"path": "/docs", "target": "https://example.org/docs"}
    cluster.apply({"apiVersion": "demo.leadergate.dev/v1", "kind": "Redirect", "metadata": about, "spec": spec})
    helm = Helm(binary(), village.folder / "helm", village.admin_kubeconfig)
    gate = {"lease": "shop/operator-lock", "resources": ["redirects.v1.demo.leadergate.dev"], "mode": "enforce"}
    values = yaml.safe_dump({"server": {"enabled": False}, "gates": [gate]})
    done = helm.run("install", "gates", CHART, "-n", NAMESPACE, "-f", "-", stdin=values)
    assert done.returncode == 0, done.stderr
    try:
        # Other reviews came from the test itself, of which no API server knows.
        since = datetime.now(UTC).isoformat()
        writer, told = Writer(cluster.api), dict[str, str]()

        def rejected() -> bool:
            told.update(writer.status(f"{REDIRECTS}/docs", {"observedGeneration": 1}).causes)
            return "NotServiceAccount" in told

        wait_until(rejected, what="the gate is in force", timeout=PATIENCE)
        installed.wait_kept(told["ReviewUID"], *installed.pods())
        log = ("--audit-log", str(village.audit_log))
        out, err = run("reconcile", *log, "--since", since, "-o", "json", kubeconfig=village.admin_kubeconfig)
    finally:
        helm.run("uninstall", "gates", "-n", NAMESPACE)
    assert json.loads(out)["summary"]["counts"]["in-both"] >= 1, out
    assert "note: the cluster's records are taken to be whole from " in err


def test_what_cannot_be_read_is_said(installed: Installed, tmp_path: Path) -> None:
    """Rights that are missing with what grants them, a Service that is not there: 2, and nothing is printed."""
    installed.cluster.service_account("shop", "guest")
    guest = installed.cluster.kubeconfig("guest", token=installed.cluster.service_account_token("shop", "guest"))
    refused = f"error: user system:serviceaccount:shop:guest may not list pods in namespace {NAMESPACE};"
    for command in ("summary", "serve"):
        out, err = run(command, kubeconfig=guest, code=2)
        assert out == ""
        assert err.startswith(refused)
        assert err.splitlines()[1].startswith("grant: kubectl create role leadergate-review ")
    with following(tmp_path, "list", "--follow", kubeconfig=guest) as listing:
        assert listing.process.wait(PATIENCE) == 2
        assert listing.told().startswith(refused)
    admin = installed.village.admin_kubeconfig
    _, err = run("list", "--service", f"{NAMESPACE}/gate", kubeconfig=admin, code=2)
    assert err.startswith(f"error: there is no Service gate in namespace {NAMESPACE}; name the one in front")


def test_no_record_is_no_fault(installed: Installed) -> None:
    """It is told whose logs were read, and since when."""
    later = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    out, err = run("list", "--since", later.isoformat(), kubeconfig=installed.village.admin_kubeconfig)
    assert out == ""
    assert f"note: there is no record in the logs of 2 replicas since {later:%FT%TZ}: nothing was rejected" in err


def test_a_line_that_cannot_be_read_is_told_with_its_pod(installed: Installed) -> None:
    """And which line of its log it is."""
    pod = installed.pods()[0]
    log = installed.logs(pod).log("webhook")
    number = len(log.read_bytes().splitlines()) + 1
    with log.open("ab", buffering=0) as file:
        file.write(f'{datetime.now(UTC):%FT%T.%fZ} stdout F + {{"schema":"{SCHEMA}","time":1#torn\n'.encode())
    _, err = run("list", "--strict", kubeconfig=installed.village.admin_kubeconfig, code=1)
    assert f"note: pod/{pod}:{number}: only a part of it could be written (#torn)" in err


@pytest.mark.parametrize("command", [["list", "a.log"], ["reconcile", "--audit-log", "b.log", "a.log"]])
def test_of_files_no_cluster_is_asked(command: list[str]) -> None:
    """Flags that name one are faults then, all at once."""
    given = ("--service", "a/b", "--selector", "app=c", "--container", "d", "--context", "e")
    _, err = run(*command, *given, kubeconfig=Path("f"), code=2)
    for flag in ("--service 'a/b'", "--selector 'app=c'", "--container 'd'", "--context 'e'", "--kubeconfig 'f'"):
        assert f"  - {flag} says nothing of files; leave it out, or FILE" in err
