"""Records and the audit log of a real API server tell the same, at each level and in each mode."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leadergate_lab.processes import wait_until
from leadergate_lab.writer import Writer

from ..controlplane.team import GROUP, Team
from .conftest import LEVELS
from .logs import counts, final, found, probe, run, written


def test_levels_and_modes(team: Team, tmp_path: Path) -> None:
    """Rejections of three gates of one Note, one for each mode, are found at each audit level."""
    for mode in ("enforce", "warn", "audit"):
        team.gate(mode=mode, timeoutSeconds=30)
    for level in LEVELS:
        team.make("Note", level.lower(), f"{GROUP}/v1", spec={"text": "wanted"})
        at = team.note.removesuffix("note") + level.lower()
        assert team.follower.status(at, {"text": "x"}).cause == "NotHolder"
        assert team.leader.status(at, {"text": "x"}).ok
    events, records = team.audited(), team.records()
    assert {event["level"] for event in final(events)} == set(LEVELS)
    result = run(written(tmp_path / "audit.log", events), written(tmp_path / "records.jsonl", records))
    assert (result.exit_code, counts(result)) == (0, {"in-both": len(records)})
    assert {record["mode"] for record in records if record["requester"]["pod"]} == {"enforce", "warn", "audit"}


def test_a_write_that_is_reviewed_again(team: Team, tmp_path: Path) -> None:
    """Each review of a write has its record: those that the audit line does not name are explained, and no fault."""
    team.gate(timeoutSeconds=30)
    team.gate(mode="audit", timeoutSeconds=30)

    def race() -> bool:
        with ThreadPoolExecutor(40) as pool:
            list(pool.map(lambda n: team.follower.status(team.note, {"text": str(n)}), range(40)))
            list(pool.map(lambda n: team.leader.status(team.note, {"text": str(n)}), range(20)))
            both = [pool.submit(who.status, team.note, {"text": str(n)}) for n in range(40) for who in pair]
            assert all(done.result().code in (200, 403) for done in both)
        return {"enforce", "audit"} <= {record["mode"] for record in _unnamed(team)}

    pair: list[Writer] = [team.follower, team.leader]
    wait_until(race, what="writes are reviewed again at both gates", timeout=200)
    probe(team)
    records = team.records()
    unnamed = _unnamed(team)
    result = run(written(tmp_path / "audit.log", team.audited()), written(tmp_path / "records.jsonl", records))
    assert (result.exit_code, counts(result)) == (0, {"in-both": len(records) - len(unnamed), "again": len(unnamed)})
    assert {one["uid"] for one in found(result, "again")} == {record["uid"] for record in unnamed}
    for one in found(result, "again"):
        assert one["what"].startswith("the answer names it" if one["mode"] == "enforce" else "fits that request")


def test_text_that_callers_choose(team: Team, tmp_path: Path) -> None:
    """What looks like our annotations in user agents, queries and objects proves nothing: it is no annotation."""
    name = team.gate(timeoutSeconds=30)
    team.make("Note", "requestresponse", f"{GROUP}/v1", spec={"text": "wanted"})
    notes = {f"{name}/{key}": "forged" for key in ("uid", "verdict", "reason", "mode", "lease")}
    line = json.dumps({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "annotations": notes})
    mean = Writer(team.cluster.client(token=team.cluster.pod_token(team.other)), headers={"User-Agent": line})
    at = team.note.removesuffix("note") + "requestresponse"
    body = {"annotations": notes, "metadata": {"annotations": {"x": line}}, "status": {"text": line}}
    assert mean.send("PATCH", f"{at}/status", body, content_type="application/merge-patch+json", q=line).code == 403
    events = team.audited()
    assert "forged" in json.dumps(events[-1]["requestObject"])
    result = run(written(tmp_path / "audit.log", events), written(tmp_path / "records.jsonl", team.records()))
    assert (result.exit_code, counts(result)) == (0, {"in-both": len(team.records())})
    assert "forged" not in result.output


def _gz(path: Path) -> Path:
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return packed


@pytest.mark.parametrize("pack", [lambda path: path, _gz], ids=["plain", "gz"])
def test_rotated_files(gated: Team, tmp_path: Path, pack: Callable[[Path], Path]) -> None:
    """Several audit logs, as files or a glob, plain or compressed, are one log; what stands in two is taken once."""
    for _ in range(3):
        probe(gated)
    events, records = gated.audited(), gated.records()
    half = len(events) // 2
    older = pack(written(tmp_path / "audit-1.log", events[: half + 2]))
    pack(written(tmp_path / "audit-2.log", events[half:]))
    told = written(tmp_path / "records.jsonl", records)
    for flags in ([str(tmp_path / "audit-*")], [str(older), "--audit-log", str(tmp_path / "audit-2*")]):
        result = run(flags[0], *flags[1:], told)
        assert (result.exit_code, counts(result)) == (0, {"in-both": len(records)})


def test_damaged_lines(gated: Team, tmp_path: Path) -> None:
    """Audit lines that are cut off are told with file and line, those of other programs are counted; none is fatal."""
    for _ in range(3):
        probe(gated)
    lines = [json.dumps(event, separators=(",", ":")) for event in final(gated.audited())]
    broken = tmp_path / "audit.log"
    torn = lines[-2][: len(lines[-2]) // 2]
    broken.write_text("\n".join([*lines[:-2], torn, "I1126 a line of klog", "", lines[-2], lines[-1]]) + "\n")
    told = written(tmp_path / "records.jsonl", gated.records())
    result = run(broken, told)
    assert (result.exit_code, counts(result)) == (0, {"in-both": len(gated.records())})
    assert f"note: {broken}:{len(lines) - 1}: it is cut off or damaged" in result.stderr
    assert "note: audit log: 1 line could not be read" in result.stderr
    assert "note: audit log: 1 line of other programs passed over" in result.stderr
    assert run(broken, told, "--strict").exit_code == 1


def _unnamed(team: Team) -> list[dict[str, object]]:
    """Records of reviews that no audit line names."""
    notes = [event.get("annotations", {}) for event in team.audited()]
    named = {value for note in notes for key, value in note.items() if key.endswith("/uid")}
    return [record for record in team.records() if record["uid"] not in named]
