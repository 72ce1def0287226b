"""The command itself: its exit codes, its outputs, and what it can see with few rights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from leadergate.doctor.cli import app as doctor
from leadergate_certs.cluster import LABEL
from leadergate_lab.processes import free_port

from .clinic import MERGE, Clinic
from .objects import RBAC, REGISTRATION


def test_a_healthy_installation(clinic: Clinic) -> None:
    """Nothing is wrong, nothing is unknown, and the process ends with 0."""
    ended = clinic.program()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("INSTALLATION\n  right    gates ")
    assert f"\nGATE {clinic.gate}\n" in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith("0 wrong, ")
    assert "unknown" not in ended.stdout
    assert "\x1b" not in ended.stdout


def test_no_line_but_a_remedy_is_longer_than_the_screen(clinic: Clinic) -> None:
    """Remedies are on a line of their own, and whole; names alone may be longer than a line."""
    lines = clinic.doctor().stdout.splitlines()
    long = [line for line in lines if len(line) > 120]
    assert all(line.lstrip().startswith(("kubectl ", "leadergate ")) or len(line.split()[0]) > 60 for line in long)
    assert any(line.startswith("             kubectl get validatingwebhookconfiguration") for line in lines)


def test_json(clinic: Clinic) -> None:
    """As docs/doctor.md has it."""
    ended = clinic.program("--output", "json")
    assert ended.returncode == 0
    report = json.loads(ended.stdout)
    findings = report.pop("findings")
    assert report.pop("time")
    assert sum(report.pop("count").values()) == len(findings)
    assert report == {
        "schema": "leadergate.dev/doctor/v1",
        "version": "0.1.0",
        "apiServer": "v1.37.2",
        "service": f"{clinic.home}/leadergate",
        "account": "leadergate-system/leadergate",
        "secret": f"{clinic.home}/tls",
        "failed": False,
    }
    assert {tuple(one) for one in findings} == {("level", "check", "gate", "says", "remedy")}
    assert {one["gate"] for one in findings} == {None, clinic.gate, clinic.quiet}


def test_something_wrong_ends_with_1(clinic: Clinic) -> None:
    """In red on a terminal, and in capitals everywhere."""
    clinic.lease("0f9a7d0c-6b1e-4a52-9a66-6a1f0f2f9d11")
    try:
        ended = clinic.program()
        coloured = CliRunner().invoke(doctor, clinic.arguments, color=True)
    finally:
        clinic.lease()
    assert ended.returncode == 1
    assert "\n  WRONG    holder " in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith("2 wrong, ")
    assert "\x1b[31m\x1b[1m  WRONG    " in coloured.stdout


def test_one_gate_alone(clinic: Clinic) -> None:
    """And the installation; another gate is not told of."""
    _, findings = clinic.findings("--gate", clinic.quiet)
    assert {one["gate"] for one in findings} == {None, clinic.quiet}
    ended = clinic.doctor("--gate", "nobodys.example.org")
    assert ended.exit_code == 2
    assert "gate 'nobodys.example.org': no such gate" in ended.stderr


def test_no_gate_yet(clinic: Clinic) -> None:
    """Before the first gate that is a note, and nothing is wrong."""
    found = {one["check"]: one for one in clinic.before}
    assert found["gates"]["level"] == "note"
    assert not [one for one in clinic.before if one["level"] == "wrong"]


def test_with_the_webhooks_own_rights(clinic: Clinic) -> None:
    """Most is unknown, with the right that is missing, and it ends with 0; with --strict it ends with 1."""
    kubeconfig = ["--kubeconfig", str(clinic.stage.replicas[0].kubeconfig)]
    code, findings = clinic.findings(*kubeconfig)
    assert code == 0
    assert not [one for one in findings if one["level"] == "wrong"]
    unknown = {one["check"]: one["says"] for one in findings if one["level"] == "unknown"}
    assert {"holder", "tokens", "priority", "traffic"} <= set(unknown)
    assert f"kubectl auth can-i list pods -n {clinic.writers}" in unknown["holder"]
    assert "kubectl auth can-i list flowschemas" in unknown["priority"]
    assert {one["level"] for one in findings if one["check"] in ("lease", "ca-bundle", "tls", "rights")} == {"right"}
    assert clinic.findings(*kubeconfig, "--strict")[0] == 1


def test_what_cannot_look_ends_with_2(clinic: Clinic) -> None:
    """For want of rights, of an API server, of a kubeconfig, or by flags that are none; nothing goes to the output."""
    forged = clinic.cluster.kubeconfig(f"{clinic.home}-forged", token="forged")
    token = clinic.cluster.service_account_token(clinic.writers, "operator")
    poor = clinic.cluster.kubeconfig(f"{clinic.home}-poor", token=token)
    gone = clinic.cluster.kubeconfig(f"{clinic.home}-gone", token="x", server=f"https://127.0.0.1:{free_port()}")
    said = {
        str(forged): "401",
        str(poor): "kubectl auth can-i list validatingwebhookconfigurations",
        str(gone): "127.0.0.1",
        str(clinic.stage.folder / "none"): "--kubeconfig",
    }
    for kubeconfig, why in said.items():
        ended = clinic.doctor("--kubeconfig", kubeconfig)
        assert (ended.exit_code, ended.stdout) == (2, "")
        assert why in ended.stderr


def test_bad_flags_end_with_2() -> None:
    """All faults at once, each with what was expected."""
    ended = CliRunner().invoke(doctor, ["--service", "x", "--account", "y", "--secret", "Z/z"])
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "3 thing(s) to mend" in ended.stderr
    for text in ("service 'x': expected", "account 'y': expected", "secret 'Z/z': expected"):
        assert text in ended.stderr


def test_help_teaches() -> None:
    """Through the real program: what it looks at, exit codes and examples, each on one line."""
    argv = [sys.executable, "-m", "leadergate", "doctor", "--help"]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "\n    1  something is wrong, or with --strict could not be looked at\n" in shown
    assert "leadergate doctor --strict --output json | jq -r" in shown
    for flag in ("--gate", "--strict", "--output", "--service", "--account", "--secret", "--kubeconfig", "--context"):
        assert flag in shown


def test_remedies_mend(clinic: Clinic) -> None:
    """What is printed is run by a shell as it stands, and all is well."""
    configuration = f"/apis/{REGISTRATION}/v1/validatingwebhookconfigurations/{clinic.gate}"
    clinic.delete("/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/leadergate")
    for name in (clinic.gate, clinic.quiet):
        clinic.delete(f"/apis/{RBAC}/v1/namespaces/{clinic.writers}/rolebindings/{name}")
    clinic.wait_right(granted=False)
    clinic.delete(f"/apis/policy/v1/namespaces/{clinic.home}/poddisruptionbudgets/leadergate")
    unlabelled: dict[str, Any] = {"metadata": {"labels": {LABEL: None}}}
    clinic.cluster.call("PATCH", configuration, unlabelled, content_type=MERGE)
    code, findings = clinic.findings()
    broken = [one for one in findings if one["check"] in _MENDED and one["level"] != "right"]
    assert code == 1
    assert {one["check"] for one in broken} == _MENDED
    folders = [str(clinic.plane.kubectl.parent), str(Path(sys.executable).parent), os.environ["PATH"]]
    kubeconfig = clinic.plane.admin_kubeconfig
    environment = {"PATH": os.pathsep.join(folders), "KUBECONFIG": str(kubeconfig), "HOME": str(kubeconfig.parent)}
    for one in broken:
        argv = ["/bin/sh", "-ec", one["remedy"]]
        ran = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert ran.returncode == 0, (one, ran.stderr)
    clinic.wait_right(granted=True)
    code, findings = clinic.findings()
    assert {one["level"] for one in findings if one["check"] in _MENDED} == {"right"}
    assert code == 0


_MENDED = {"priority", "rights", "disruption-budget", "injection-label"}
