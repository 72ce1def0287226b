"""The benchmark of the review: it runs from end to end, and compares nothing but equal answers."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from leadergate_lab.audit_bench.cases import LEADERGATE
from leadergate_lab.audit_bench.counts import PROGRAM, differences, groups
from leadergate_lab.audit_bench.files import lacking
from leadergate_lab.audit_bench.process import Failed, run
from leadergate_lab.nights import night

RECORDS = 2_000
WEIGHT = 200
"""MiB that a process holds, far more than what it takes to run."""
MAIN = [sys.executable, "-m", "leadergate_lab.audit_bench"]


class Answers(NamedTuple):
    """What jq and the summary say of the same records."""

    jq: dict[str, Any]
    summary: dict[str, Any]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Of one night."""
    folder = tmp_path_factory.mktemp("night")
    records = folder / "records.jsonl"
    records.write_bytes(b"".join(night(RECORDS)))
    run(["jq", "-n", PROGRAM, records], folder / "jq.out")
    run([LEADERGATE, "audit", "summary", records, "--output", "json"], folder / "summary.out")
    return Answers(*(json.loads((folder / f"{name}.out").read_bytes()) for name in Answers._fields))


def test_the_benchmark_runs_from_end_to_end(tmp_path: Path) -> None:
    """Every case has its figures, jq counted what the summary did, and no file is left behind."""
    few = ["--records", str(RECORDS), "--jq-records", "1500", "--queries", "2"]
    argv = [*MAIN, *few, "--folder", str(tmp_path), "--output", "json"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    rows = {row["case"]: row for row in result["rows"]}
    assert set(rows) == {
        "summary",
        "summary, beginning of the file",
        "jq, beginning of the file",
        "timeline",
        "list --standing former-holder",
        "explain UID",
        "export to Parquet",
        "summary of .gz",
        "summary of kubectl logs --prefix",
        "summary of Parquet",
    }
    assert {row["records"] for case, row in rows.items() if "beginning" not in case} == {RECORDS}
    assert result["comparedRecords"] == rows["jq, beginning of the file"]["records"] == 1500
    assert all(row["seconds"] > 0 and row["peakMiB"] > 0 for row in rows.values())
    assert result["jqSecondsExtrapolated"] == pytest.approx(rows["jq, beginning of the file"]["seconds"] * 4 / 3)
    assert len(result["page"]["queries"]) == 9
    assert list(tmp_path.iterdir()) == []


def test_the_summary_counts_what_jq_counts(answers: Answers) -> None:
    """Both say the same of a night with all that goes wrong in one."""
    assert {group.standing for group in groups(answers.jq)} == {None, "follower", "former-holder", "stranger"}
    assert differences(groups(answers.jq), answers.summary) == []


def more(summary: dict[str, Any]) -> None:
    """One routine rejection is lost, and so one record."""
    summary["records"] -= 1
    summary["gates"][0]["routine"] -= 1


def later(summary: dict[str, Any]) -> None:
    """The first rejection of a writer is another one."""
    summary["gates"][0]["writers"][0]["first"] = "2026-03-02T00:00:00.000000Z"


def renamed(summary: dict[str, Any]) -> None:
    """A writer stands under another reason."""
    summary["gates"][0]["writers"][0]["reason"] = "NotStatus"


def standing(summary: dict[str, Any]) -> None:
    """A rejection has another standing."""
    summary["gates"][0]["standings"]["stranger"] += 1


def gone(summary: dict[str, Any]) -> None:
    """A gate is missing."""
    del summary["gates"][1]


@pytest.mark.parametrize(
    ("change", "said"),
    [(more, 2), (later, 1), (renamed, 1), (standing, 1), (gone, 1)],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_an_answer_that_differs_is_told(answers: Answers, change: Callable[[dict[str, Any]], None], said: int) -> None:
    """A benchmark that compares different answers is worthless, so each difference ends it."""
    summary = copy.deepcopy(answers.summary)
    change(summary)
    assert len(differences(groups(answers.jq), summary)) == said


def test_without_jq_nothing_is_measured(tmp_path: Path) -> None:
    """It says which package to install, and ends with 2."""
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(MAIN, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2
    assert done.stderr == (
        "bench-audit: jq is not on PATH, and the summary is measured against it: install it"
        " (Debian: apt-get install jq)\n"
    )


def test_without_room_nothing_is_written(tmp_path: Path) -> None:
    """It says how much there is, how much is needed, and what to do."""
    argv = [*MAIN, "--records", str(1 << 50), "--folder", str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"bench-audit: {tmp_path} has " in done.stderr
    assert "another folder with --folder, or fewer records with --records" in done.stderr
    assert lacking(tmp_path, shutil.disk_usage(tmp_path).free // 2) is None


def test_a_process_is_charged_with_its_own_memory_alone(tmp_path: Path) -> None:
    """However much memory the benchmark itself holds, a small process is a small one, and a large one is large."""
    weight = bytearray(b"x") * (WEIGHT << 20)
    small = run(["sh", "-c", "read line < /proc/self/stat; exec sleep 0.2"], tmp_path / "small")
    large = run([sys.executable, "-c", f"bytearray(b'x') * ({2 * WEIGHT} << 20)"], tmp_path / "large")
    assert small.peak < WEIGHT / 4
    assert 2 * WEIGHT < large.peak < 3 * WEIGHT
    assert len(weight) == WEIGHT << 20


def test_a_command_that_fails_ends_the_benchmark(tmp_path: Path) -> None:
    """What the command said is told."""
    with pytest.raises(Failed, match=r"(?s)audit summary /nowhere\nended with 2\n.*/nowhere"):
        run([LEADERGATE, "audit", "summary", "/nowhere"], tmp_path / "out")


def test_other_lines_end_the_benchmark(tmp_path: Path) -> None:
    """A file given with ``--file`` has to hold records alone, for jq reads nothing else."""
    log = tmp_path / "webhook.log"
    log.write_bytes(b"".join(night(10)) + b'{"event":"started"}\n')
    argv = [*MAIN, "--file", str(log), "--small", "5"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "webhook.log has 10 records and 1 other lines" in done.stderr
    assert list(tmp_path.iterdir()) == [log]
