"""``leadergate certs``: shows what is where, renews on demand, and injects by hand."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from leadergate_certs.bundle import certificates
from leadergate_certs.cli import app
from leadergate_certs.issue import issue_authority, issue_serving_pair
from leadergate_certs.names import ServingNames
from leadergate_certs.state import fingerprint, first_state
from leadergate_lab.certs.rights import SECRET
from leadergate_lab.certs.stage import CONFIGURATIONS, CertStage

PATIENCE = 90


def named(stage: CertStage) -> list[str]:
    """What names a stage's Secret to a command of the cluster's administrator."""
    return ["--kubeconfig", str(stage.plane.admin_kubeconfig), "--secret", f"{stage.namespace}/{SECRET}"]


def run(stage: CertStage, *arguments: str) -> Result:
    """Run a command in this process, to be quick; whatever it raises but an exit fails the test."""
    result = CliRunner().invoke(app, [*arguments, *named(stage)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does."""
    argv = [sys.executable, "-m", "leadergate", "certs", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=PATIENCE)


def show(stage: CertStage) -> tuple[int, dict[str, Any]]:
    """The report as values, and the exit code."""
    ended = run(stage, "show", "--endpoints", stage.endpoints, "--output", "json")
    report: dict[str, Any] = json.loads(ended.stdout)
    return ended.exit_code, report


def test_show_finds_nothing_wrong(lasting: CertStage) -> None:
    """Secret, bundle and both endpoints tell of the same leaf and authority."""
    state = lasting.state()
    assert state is not None
    ended = program("show", "--endpoints", lasting.endpoints, *named(lasting))
    assert (ended.returncode, ended.stderr) == (0, "")
    leaf, authority = fingerprint(state.pair.certificate)[:16], state.newest.fingerprint[:16]
    assert ended.stdout.count(leaf) == 3
    assert ended.stdout.count(authority) == 3
    assert "steady" in ended.stdout
    assert "89d 23h left" in ended.stdout
    assert "nothing is wrong" in ended.stdout


def test_show_tells_who_does_not_answer(lasting: CertStage) -> None:
    """One that is ready and silent while others answer holds up the next rotation: exit code 1."""
    silent = lasting.replicas[1]
    silent.process.freeze()
    try:
        code, report = show(lasting)
    finally:
        silent.process.thaw()
    assert code == 1
    assert report["faults"] == [
        f"127.0.0.1:{silent.port}: is ready and does not answer: a rotation of the authority waits for it"
    ]


def test_show_tells_a_broken_bundle(set_up: Callable[..., CertStage]) -> None:
    """Exit code 1, and the configuration and entry by name."""
    stage = set_up(flags=["--no-certs-rotate"])
    now = datetime.now(UTC)
    authority = issue_authority(now)
    names = ServingNames.parse(ips=["127.0.0.1"])
    stage.put_state(first_state(authority, issue_serving_pair(authority, names, now)))
    stage.start()
    stage.apply_gate()
    code, report = show(stage)
    assert code == 1
    (fault,) = report["faults"]
    assert stage.configuration in fault
    assert "does not trust the authority in use" in fault
    injected = run(stage, "inject")
    assert injected.stdout == f"ValidatingWebhookConfiguration/{stage.configuration}: written, 1 entries\n"
    assert show(stage)[0] == 0


def test_show_tells_what_expires_and_what_is_foreign(set_up: Callable[..., CertStage]) -> None:
    """A leaf whose renewal is overdue, and a replica that serves something else."""
    stage, other = set_up(flags=["--no-certs-rotate"]), set_up(replicas=1)
    other.start()
    long_ago = datetime.now(UTC) - timedelta(days=80)
    authority = issue_authority(long_ago)
    names = ServingNames.parse(ips=["127.0.0.1"])
    stage.put_state(first_state(authority, issue_serving_pair(authority, names, long_ago)))
    code, report = show(other)
    assert code == 0
    ended = run(stage, "show", "--endpoints", f"{other.endpoints},127.0.0.1:1", "--output", "json")
    report = json.loads(ended.stdout)
    assert ended.exit_code == 1
    assert ["leaf: should have been renewed" in fault for fault in report["faults"]].count(True) == 1
    assert ["serves a certificate of none of the authorities" in fault for fault in report["faults"]].count(True) == 1
    assert any(fault.startswith("127.0.0.1:1: is ready and does not answer") for fault in report["faults"])
    assert any("nobody is told to trust anything" in note for note in report["notes"])


def test_show_tells_a_secret_that_is_not_there(set_up: Callable[..., CertStage]) -> None:
    """And what to look at."""
    code, report = show(set_up())
    assert code == 1
    assert "there is no such Secret; is leadergate serve running with --certs-secret?" in report["faults"][0]


def test_rotate_renews_the_leaf(lasting: CertStage) -> None:
    """And says when it is done."""
    before = lasting.state()
    assert before is not None
    ended = run(lasting, "rotate")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "done: leaf" in ended.stdout
    after = lasting.state()
    assert after is not None
    assert after.pair.certificate != before.pair.certificate
    assert after.newest.fingerprint == before.newest.fingerprint


def test_rotate_follows_an_authority_to_its_end(set_up: Callable[..., CertStage]) -> None:
    """Each phase is told with what it means."""
    stage = set_up(propagation=3.0)
    stage.start()
    stage.gate()
    before = stage.state()
    assert before is not None
    ended = run(stage, "rotate", "--ca")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "settling: every configuration trusts it" in ended.stdout
    assert "overlapping: its leaf is served" in ended.stdout
    after = stage.state()
    assert after is not None
    assert [one.fingerprint for one in after.authorities] != [before.newest.fingerprint]


def test_rotate_says_when_nobody_rotates(set_up: Callable[..., CertStage]) -> None:
    """No replica runs: exit code 1 in time, and the request stays for when one does."""
    stage = set_up()
    stage.start()
    for replica in stage.replicas:
        replica.process.stop()
    ended = run(stage, "rotate", "--timeout", "2s")
    assert ended.exit_code == 1
    assert "not at its end within 2s" in ended.stderr
    before = stage.state()
    assert before is not None
    stage.replicas[0].start()
    stage.wait_state(lambda state: state.pair.certificate != before.pair.certificate, what="it is done later")


def test_inject_takes_a_file_and_prunes(lasting: CertStage, tmp_path: Path) -> None:
    """By name, without the Secret; others stay unless they are to go; a dry run writes nothing."""
    theirs = issue_authority(datetime.now(UTC), common_name="theirs")
    file = tmp_path / "ca.crt"
    file.write_bytes(theirs.certificate_pem)
    manifest = lasting.gate_manifest()
    manifest["metadata"] = {"name": f"plain-{lasting.configuration}"}
    lasting.cluster.apply(manifest)
    path = f"{CONFIGURATIONS}/{manifest['metadata']['name']}"

    def bundle() -> bytes:
        found = lasting.cluster.get(path)["webhooks"][0]["clientConfig"].get("caBundle") or ""
        return base64.b64decode(found)

    name = ["--name", manifest["metadata"]["name"]]
    assert "would be written" in run(lasting, "inject", *name, "--ca-file", str(file), "--dry-run").stdout
    assert bundle() == b""
    assert "written" in run(lasting, "inject", *name, "--ca-file", str(file)).stdout
    assert bundle() == theirs.certificate_pem
    assert "unchanged" in run(lasting, "inject", *name, "--ca-file", str(file)).stdout
    run(lasting, "inject", *name)
    assert len(certificates(bundle())) == 2
    run(lasting, "inject", *name, "--prune")
    state = lasting.state()
    assert state is not None
    assert bundle() == state.bundle
    lasting.cluster.call("DELETE", path)


def test_what_cannot_be_done_is_said(lasting: CertStage, tmp_path: Path) -> None:
    """One line, exit code 2, no trace."""
    empty = tmp_path / "empty"
    empty.write_text("nothing")
    cases = {
        ("inject", "--name", "nobody"): "there is no webhook configuration 'nobody'",
        ("inject", "--ca-file", str(empty)): "holds no certificate",
        ("inject", "--ca-file", str(tmp_path / "none")): "No such file",
        ("rotate", "--timeout", "soon"): "--timeout: 'soon' is no duration",
        ("show", "--endpoints", "nowhere"): "--endpoints: 'nowhere': expected HOST:PORT",
    }
    for arguments, said in cases.items():
        ended = run(lasting, *arguments)
        assert ended.exit_code == 2, ended
        assert said in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
    ended = program("show", "--secret", "tls")
    assert (ended.returncode, ended.stderr) == (2, "error: --secret: 'tls': expected NAMESPACE/NAME\n")
