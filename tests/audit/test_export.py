"""``leadergate audit export``: what is written, and read again."""

from __future__ import annotations

from pathlib import Path

import duckdb

from leadergate.audit.reading.columns import FLAT

from .conftest import Run
from .written import late, made, written

NIGHT = written(made(0), late(1), made(2, lease=None, standing=None, verdict="Indeterminate", reason="LeaseUnreadable"))


def test_all_records_by_default(run: Run) -> None:
    """Routine ones too, with flat columns and the record itself; and nothing but the file is left."""
    Path("a.jsonl").write_bytes(NIGHT)
    ended = run("export", "a.jsonl", "--to", "it's.parquet")
    assert (ended.exit_code, ended.stdout) == (0, "3 records written to it's.parquet\n")
    assert sorted(path.name for path in Path().iterdir()) == ["a.jsonl", "it's.parquet"]
    with duckdb.connect() as engine:
        rows = engine.execute("SELECT raw FROM 'it''s.parquet' ORDER BY time").fetchall()
        names = [name for name, *_ in engine.execute("DESCRIBE SELECT * FROM 'it''s.parquet'").fetchall()]
    assert [raw.encode() for (raw,) in rows] == NIGHT.splitlines()
    assert names == [*(column.name for column in FLAT), "raw"]


def test_filters_apply(run: Run) -> None:
    """And --no-routine leaves routine out."""
    Path("a.jsonl").write_bytes(NIGHT)
    assert run("export", "a.jsonl", "--to", "x.parquet", "--no-routine").stdout.startswith("2 records")
    assert run("export", "a.jsonl", "--to", "y.parquet", "--standing", "former-holder").stdout.startswith("1 record ")


def test_read_again(run: Run) -> None:
    """By the other commands, alone and beside logs, with the same answer."""
    Path("a.jsonl").write_bytes(NIGHT)
    Path("b.jsonl").write_bytes(written(late(7)))
    run("export", "a.jsonl", "--to", "a.parquet")
    for command in (("list", "--routine"), ("list", "-o", "jsonl"), ("list", "-o", "csv"), ("summary",)):
        assert run(*command, "a.parquet").stdout == run(*command, "a.jsonl").stdout
        assert run(*command, "a.parquet", "b.jsonl").stdout == run(*command, "a.jsonl", "b.jsonl").stdout
    ended = run("export", "a.parquet", "b.jsonl", "--to", "a.parquet", "--force")
    assert ended.stdout == "4 records written to a.parquet\n"


def test_an_export_of_another_version(run: Run) -> None:
    """Lacks a column, or has one more: it is read all the same, beside one of this version."""
    Path("a.jsonl").write_bytes(NIGHT)
    run("export", "a.jsonl", "--to", "a.parquet")
    with duckdb.connect() as engine:
        engine.execute("COPY (SELECT * EXCLUDE (webhook_pod, standing), 1 AS more FROM 'a.parquet') TO 'b.parquet'")
    assert len(run("list", "a.parquet", "b.parquet", "--routine", "-o", "jsonl").stdout.splitlines()) == 6


def test_rows_that_are_no_records(run: Run) -> None:
    """Are told as bad lines."""
    Path("a.jsonl").write_bytes(NIGHT)
    run("export", "a.jsonl", "--to", "a.parquet")
    with duckdb.connect() as engine:
        engine.execute("COPY (SELECT * REPLACE (NULL AS gate) FROM 'a.parquet' WHERE uid = 'uid-1') TO 'b.parquet'")
    ended = run("list", "a.parquet", "b.parquet", "--strict")
    assert ended.exit_code == 1
    assert "note: b.parquet: with a value that fits no record\n" in ended.stderr


def test_where_it_may_not_be_written(run: Run) -> None:
    """All is as it was, and the remedy is told."""
    Path("a.jsonl").write_bytes(NIGHT)
    Path("there").write_bytes(b"precious")
    Path("link").symlink_to("nowhere")
    Path("folder").mkdir()
    for to, said in (
        ("there", "is there already; name another, or replace it with --force"),
        ("link", "is there already"),
        ("folder", "is a folder; name a file in it"),
        ("no/such", "there is no folder 'no'"),
    ):
        ended = run("export", "a.jsonl", "--to", to)
        assert ended.exit_code == 2
        assert said in ended.stderr
    assert Path("there").read_bytes() == b"precious"
    assert run("export", "a.jsonl").exit_code == 2
    assert sorted(path.name for path in Path().iterdir()) == ["a.jsonl", "folder", "link", "there"]
    assert run("export", "a.jsonl", "--to", "there", "--force").exit_code == 0
    assert Path("there").read_bytes()[:4] == b"PAR1"


def test_nothing_is_left_where_reading_fails(run: Run) -> None:
    """No file, no part of one."""
    assert run("export", "missing.jsonl", "--to", "x.parquet").exit_code == 2
    assert not list(Path().iterdir())
