"""What reconcile prints in a narrow terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from leadergate.audit.reconcile import show

from .logs import run, written
from .made import record, review
from .test_comparison import EVENTS, RECORDS


def test_the_findings_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences go on below, the uid stays whole, and it is said which columns have no room."""
    monkeypatch.setattr(show, "columns", lambda otherwise=0: 80)
    uid = "5f0c1c1e-8f53-4b42-a6a3-8f2f5f0c6f5b"
    log = written(tmp_path / "a.log", [*EVENTS, review(51, "only-in-the-log")])
    told = written(tmp_path / "r.jsonl", [*RECORDS, record(50, uid, name="redirect-of-a-very-long-name")])
    lines = run(log, told, form="table").stdout.splitlines()
    found = lines[lines.index("only in the records (1)") :]
    assert max(map(cell_len, lines[lines.index("") :])) <= 80
    assert uid in found[2]
    assert any(line.startswith("  no room for WHERE, ") for line in found)
