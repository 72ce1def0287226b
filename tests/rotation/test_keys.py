"""Private keys: in the Secret, in memory, and nowhere else."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from leadergate_certs.secret import encode
from leadergate_certs.state import Phase, Request, State
from leadergate_lab.certs.stage import CertStage
from leadergate_lab.processes import wait_until

from .test_commands import run

MADE_BY_THE_LABORATORY = {".key", ".kubeconfig"}


def needles(state: State) -> Iterator[bytes]:
    """What of a state's keys would betray them: lines of their PEM, plain and as a Secret's manifest has them."""
    data = encode(state)
    for name in ("tls.key", "ca.key"):
        for line in data[name].splitlines():
            if not line.startswith(b"-----"):
                yield line
        yield base64.b64encode(data[name])[60:120]


def files(folder: Path) -> Iterator[Path]:
    """Every file but etcd's, which keeps Secrets, and the laboratory's own keys."""
    for path in folder.rglob("*"):
        if path.is_file() and "etcd" not in path.parts and path.suffix not in MADE_BY_THE_LABORATORY:
            yield path


def sizes(folder: Path) -> dict[Path, int]:
    """How long each of them is: what was written before a key was made cannot hold it."""
    return {path: path.stat().st_size for path in files(folder)}


def since(path: Path, before: Mapping[Path, int]) -> bytes:
    """What a log has had written to it since then; the whole of a new file, and of one that is shorter now."""
    content = path.read_bytes()
    old = before.get(path, 0)
    return content[old:] if old <= len(content) else content


def test_no_key_is_in_any_file_after_a_whole_run(set_up: Callable[..., CertStage]) -> None:
    """Logs at their most talkative, records, audit log, error messages and what commands print."""
    stage = set_up(flags=["--log-level", "debug", "--record-allowed"])
    before = sizes(stage.plane.directory)
    stage.start()
    stage.gate()
    states = [stage.state()]
    printed: list[str] = []
    with stage.load() as load:
        load.wait_admitted(20)
        stage.ask(Request.CA)
        states.append(stage.wait_state(lambda state: state.phase is not Phase.STEADY, what="it began"))
        states.append(stage.wait_state(lambda state: state.phase is Phase.STEADY, what="it is over"))
        for key in ("tls.key", "ca.crt", "state.json"):
            junk = base64.b64encode(b"junk").decode()
            path = stage.secret_path
            stage.cluster.call("PATCH", path, {"data": {key: junk}}, content_type="application/merge-patch+json")
            states.append(stage.wait_state(lambda _: True, what="it is mended"))
        for arguments in (("show", "--endpoints", stage.endpoints), ("show", "-o", "json"), ("rotate",), ("inject",)):
            ended = run(stage, *arguments)
            printed += [ended.stdout, ended.stderr]
    states.append(stage.state())
    for replica in stage.replicas:
        printed.append(replica.plain("/metrics")[1])
        replica.process.stop()
    wait_until(lambda: not any(one.process.running for one in stage.replicas), what="all logs are whole", timeout=30)
    for path in stage.plane.directory.rglob("*"):
        if path.is_file() and b"PRIVATE KEY" in path.read_bytes():
            assert path.stat().st_mode & 0o077 == 0, path
    secrets = {needle for state in states if state is not None for needle in needles(state)}
    assert len(secrets) >= 12
    searched = 0
    for path in files(stage.plane.directory):
        content = since(path, before)
        searched += len(content)
        assert not any(needle in content for needle in secrets), path
        if path.parent.name.startswith(stage.namespace):
            assert b"PRIVATE KEY" not in content, path
    assert searched > 100_000
    text = "".join(printed).encode()
    assert text
    assert not any(needle in text for needle in secrets)
    assert b"PRIVATE KEY" not in text


def test_the_search_finds_a_key_that_is_there(lasting: CertStage) -> None:
    """In plain PEM and in a manifest of the Secret: a search that finds nothing would pass for ever."""
    state = lasting.state()
    assert state is not None
    data = encode(state)
    found = list(needles(state))
    assert any(needle in data["tls.key"] for needle in found)
    assert any(needle in base64.b64encode(data["ca.key"]) for needle in found)
    names = {path.name for path in files(lasting.plane.directory)}
    assert {
        f"{lasting.replicas[0].process.name}.stderr",
        "kube-apiserver.audit.jsonl",
        "kube-apiserver.stderr",
    } <= names
