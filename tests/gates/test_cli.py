"""`leadergate gate render` as a user runs it, without a cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from leadergate.gates.cli import app
from leadergate.gates.fields import Fields, name_of
from leadergate.gates.manifest import manifests
from leadergate.gates.reading import read
from leadergate.gates.refusals import Found

GATE = Path(__file__).parents[2] / "deploy" / "operator" / "gate.yaml"
RESOURCE = "redirects.v1.demo.leadergate.dev"
LEAST = ("--lease", "demo/operator-lock", "--resource", RESOURCE)


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever runs these tests may have a kubeconfig, and may even be in a Pod."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(variable, raising=False)


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    """Run the command in this process; whatever it raises but an exit fails the test."""
    result = CliRunner().invoke(app, ["render", *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def documents(*arguments: str) -> list[dict[str, Any]]:
    """The manifests that are printed."""
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    return list(yaml.safe_load_all(result.stdout))


def refused(*arguments: str, stdin: str | bytes | None = None) -> str:
    """What is said of a refusal, which prints nothing to apply."""
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def test_the_sample_gate_can_be_rendered() -> None:
    """What is printed for the sample operator is what deploy/operator has, comments apart."""
    fields = Fields(
        lease="demo/operator-lock", resource=(RESOURCE,), mode="enforce", name="redirect-status.leadergate.dev"
    )
    spec = read(fields).spec
    assert spec is not None
    made = manifests(spec, {spec.resources[0]: Found(namespaced=True, status=True)})
    assert made == list(yaml.safe_load_all(GATE.read_text()))


def test_there_is_never_a_bundle() -> None:
    """The word stands in the comment alone; what is printed is ASCII, and whole YAML documents."""
    result = run(*LEAST, "--offline", "--allow", "user:Zoë 😀")
    content = "".join(line for line in result.stdout.splitlines(keepends=True) if not line.startswith("#"))
    assert "caBundle" in result.stdout
    assert "caBundle" not in content
    assert result.stdout.isascii()
    kinds = [one["kind"] for one in yaml.safe_load_all(content)]
    assert kinds == ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ValidatingWebhookConfiguration"]


WHOLE = {
    "lease": "demo/operator-lock",
    "resource": [RESOURCE, "notes.v1.demo.leadergate.dev"],
    "mode": "enforce",
    "name": "my.gate.example.org",
    "from": "shop",
    "identity": "node",
    "random": 7,
    "code": 429,
    "retry-after": 9,
    "only-service-account": ["shop/a", "shop/b"],
    "allow": ["user:ann", "group:ops", "serviceaccount:ops/fixer"],
    "failure-policy": "Ignore",
    "timeout-seconds": 5,
    "namespace": ["a", "b"],
    "service": "sys/gate:8443",
    "account": "sys/runner",
    "inject": "secrets",
}
ELSE = {
    "lease": "demo/l",
    "resource": RESOURCE,
    "suffix": "x",
    "all-namespaces": True,
    "url": "https://h:1",
    "no-inject": True,
}


def as_flags(fields: dict[str, Any]) -> list[str]:
    """The fields as flags."""
    flags = []
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            flags += [f"--{name}"] if one is True else [f"--{name}", str(one)]
    return flags


@pytest.mark.parametrize("fields", [WHOLE, ELSE])
def test_flags_and_file_say_the_same(fields: dict[str, Any], tmp_path: Path) -> None:
    """Each field by its flag, in a file, and on standard input."""
    file = tmp_path / "gate.yaml"
    file.write_text(yaml.safe_dump(fields))
    by_flags = run(*as_flags(fields), "--offline")
    assert by_flags.exit_code == 0, by_flags.stderr
    assert run("-f", str(file), "--offline").output == by_flags.output
    assert run("--file", "-", "--offline", stdin=file.read_text()).output == by_flags.output
    assert {name_of(field.name) for field in fields_of(Fields)} == {*WHOLE, *ELSE}


CHANGES = [
    ("--lease", "demo/other"),
    ("--resource", "notes.v1.demo.leadergate.dev"),
    ("--mode", "warn"),
    ("--name", "my.gate.example.org"),
    ("--from", "shop"),
    ("--identity", "node"),
    ("--suffix", "x"),
    ("--random", "7"),
    ("--code", "409"),
    ("--retry-after", "9", "--code", "429"),
    ("--only-service-account", "demo/a"),
    ("--allow", "user:ann"),
    ("--failure-policy", "Fail"),
    ("--timeout-seconds", "5"),
    ("--namespace", "shop"),
    ("--all-namespaces",),
    ("--service", "sys/gate"),
    ("--url", "https://h"),
    ("--account", "sys/runner"),
    ("--inject", "secrets"),
    ("--no-inject",),
]


def test_every_flag_reaches_the_manifests() -> None:
    """Each changes what is printed, and no two in the same way."""
    assert [change[0] for change in CHANGES] == [f"--{name_of(field.name)}" for field in fields_of(Fields)]
    printed = {run(*LEAST, "--offline", *change).stdout for change in [(), *CHANGES]}
    assert len(printed) == len(CHANGES) + 1
    assert "" not in printed


def test_flags_win_over_the_file() -> None:
    """A file for audit is rendered to enforce."""
    file = yaml.safe_dump({"lease": "demo/operator-lock", "resource": RESOURCE, "mode": "audit"})
    result = run("-f", "-", "--mode", "enforce", "--offline", stdin=file)
    assert "path: /enforce/demo/operator-lock" in result.stdout


def test_without_a_cluster_a_note_says_what_was_not_looked_at() -> None:
    """And so it does with --offline, where no cluster is looked for; the gate is printed all the same."""
    result = run(*LEAST)
    assert result.exit_code == 0
    assert "note: there is no cluster to ask" in result.stderr
    assert "note: discovery was not asked whether each resource exists" in result.stderr
    offline = run(*LEAST, "--offline")
    assert offline.stdout == result.stdout
    assert "no cluster" not in offline.stderr
    assert "note: discovery was not asked whether each resource exists" in offline.stderr


def test_a_cluster_that_is_named_must_be_there(tmp_path: Path) -> None:
    """A kubeconfig that cannot be read is a mistake, and so is a context without one."""
    assert "cannot be asked" in refused(*LEAST, "--kubeconfig", str(tmp_path / "none"))
    broken = tmp_path / "broken"
    broken.write_text("a: [")
    assert "cannot be asked" in refused(*LEAST, "--kubeconfig", str(broken))


def test_a_cluster_that_does_not_answer_is_noted(tmp_path: Path) -> None:
    """Nobody listens there: the gate is printed, and a note says that nobody was asked."""
    kubeconfig = tmp_path / "config"
    cluster = {"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    content = {"clusters": [cluster], "users": [{"name": "u", "user": {"token": "t"}}], "contexts": [context]}
    kubeconfig.write_text(yaml.safe_dump({"current-context": "c", **content}))
    result = run(*LEAST, "--kubeconfig", str(kubeconfig))
    assert result.exit_code == 0
    assert "note: no cluster could be asked: the API server at https://127.0.0.1:1 cannot be reached" in result.stderr
    assert "path: /audit/demo/operator-lock" in result.stdout


def test_all_that_is_wrong_is_said_at_once() -> None:
    """One line each, after a line that counts them."""
    said = refused("--lease", "x", "--resource", "pods.v1", "--mode", "y", "--offline").splitlines()
    assert said[0] == "error: this gate is refused; 3 thing(s) to mend:"
    assert [line.split()[:2] for line in said[1:]] == [["-", "lease"], ["-", "resource"], ["-", "mode"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"lease: [", "--file '-' is refused; 1 thing(s) to mend:\n  - is not YAML: line 1, column 9"),
        (b"", "--file '-' is refused; 1 thing(s) to mend:\n  - is empty"),
        (b"lease: 7\nx: y", "--file '-' is refused; 2 thing(s) to mend:"),
        (b"lease: \xff", "--file '-' cannot be read; 1 thing(s) to mend:\n  - it is not in UTF-8"),
        (b"{}", "this gate is refused; 2 thing(s) to mend:\n  - lease is missing"),
    ],
)
def test_a_bad_file_is_refused_in_words(content: bytes, said: str) -> None:
    """Without a trace, and without anything to apply."""
    assert said in refused("-f", "-", stdin=content)


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    """It is named with what the system says of it."""
    assert "No such file or directory; name a YAML file" in refused("-f", str(tmp_path / "none"))
    assert "Is a directory; name a YAML file" in refused("-f", str(tmp_path))


def test_help_teaches() -> None:
    """Every field has a flag that is explained, and examples can be copied: their lines are not broken."""
    text = run("--help").stdout
    for field in fields_of(Fields):
        assert f"--{name_of(field.name)}" in text
    assert "  leadergate gate render -f gate.yaml --allow group:system:masters" in text
    for line in text.splitlines():
        if line.strip().startswith("leadergate gate render") and "-f" not in line:
            assert "--lease" in line


def leadergate(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The whole command in a process of its own."""
    argv = [sys.executable, "-m", "leadergate", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, env=dict(os.environ))


def test_it_is_part_of_the_command() -> None:
    """Its options reach it in their order, and usage names it in full."""
    ended = leadergate("gate", "render", *LEAST, "--offline", "--mode", "enforce", "--allow", "user:ann")
    assert ended.returncode == 0
    assert "path: /enforce/demo/operator-lock" in ended.stdout
    assert "ann" in ended.stdout
    assert "Usage: leadergate gate render [OPTIONS]" in leadergate("gate", "render", "--help").stdout
    unknown = leadergate("gate", "render", "--leese", "x")
    assert unknown.returncode == 2
    assert "--lease" in unknown.stderr
    assert "Traceback" not in unknown.stderr


def test_a_closed_standard_input() -> None:
    """It is said, rather than stumbled over."""
    argv = ["sh", "-c", '"$0" -m leadergate gate render -f - <&-', sys.executable]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert "standard input is closed" in ended.stderr


def test_what_serves_does_not_load_it() -> None:
    """The command's own module knows it by name only, so that a webhook does not pay for it."""
    program = (
        "import sys, leadergate.cli, leadergate.app, leadergate.run\n"
        "print([name for name in sys.modules if name.startswith('leadergate.gates')])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize(("flags", "says"), [((), "by the webhook as the label"), (("--no-inject",), "yourself")])
def test_the_comment_says_who_puts_the_bundle_in(flags: tuple[str, ...], says: str) -> None:
    """The webhook, or nobody: then it tells how."""
    comment = [line for line in run(*LEAST, "--offline", *flags).stdout.splitlines() if line.startswith("#")]
    assert says in " ".join(comment)
