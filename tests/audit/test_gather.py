"""From names to records: every form of source, and what else stands in it."""

from __future__ import annotations

import gzip
import json
import os
import resource
import shlex
import signal
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
import typer

from leadergate.audit.reading import spool, trail
from leadergate.audit.reading.gather import gathered
from leadergate.audit.reading.sources import BEGINNING
from leadergate.audit.reading.tally import Tally

from .written import late, made, without, written

LINES = written(made(1), made(2), late(3))


def read(*names: str | Path, bad: int | None = None) -> tuple[list[str], Tally]:
    """The uids of all records, and the tally."""
    with gathered([str(name) for name in names], bad=bad) as held:
        relation = held.relation(raw=True)
        rows = held.engine.execute(
            f"SELECT uid, raw FROM {relation.sql} WHERE ok ORDER BY time, uid",  # noqa: S608
            relation.parameters,
        ).fetchall()
        assert [json.loads(raw)["uid"] for _, raw in rows] == [uid for uid, _ in rows]
        return [uid for uid, _ in rows], held.tally


def faults(*names: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of names that cannot be read; the command ends with 2."""
    with pytest.raises(typer.Exit) as ended, gathered(names):
        pass
    assert ended.value.exit_code == 2
    return capsys.readouterr().err


FORMS: dict[str, tuple[str, bytes]] = {
    "plain": ("a.jsonl", LINES),
    "no end": ("a.jsonl", LINES.rstrip()),
    "gzip": ("a.jsonl.gz", gzip.compress(LINES)),
    "gzip by another name": ("a.log", gzip.compress(LINES)),
    "named gzip and is not": ("a.gz", LINES),
    "prefix": ("a.log", b"".join(b"[pod/w/x] " + line for line in LINES.splitlines(keepends=True))),
    "docker": (
        "a.log",
        b"".join(json.dumps({"log": line}).encode() + b"\n" for line in LINES.decode().splitlines(True)),
    ),
    "crlf": ("a.jsonl", LINES.replace(b"\n", b"\r\n")),
    "blank lines": ("a.jsonl", b"\n\n" + LINES.replace(b"\n", b"\n\n")),
    "a name with a pattern in it": ("a[1]*.jsonl", LINES),
    "prefixed late": ("a.jsonl", written(*(made(n) for n in range(-900, 0))) + b"[pod/w/x] " + LINES),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_log(tmp_path: Path, form: str) -> None:
    """All records are found, once, and nothing is told to be wrong."""
    name, content = FORMS[form]
    (tmp_path / name).write_bytes(content)
    found, tally = read(tmp_path / name)
    assert found[-3:] == ["uid-1", "uid-2", "uid-3"]
    assert (tally.records, tally.foreign, tally.bad) == (len(found), 0, 0)


def test_a_plain_file_is_read_in_place(tmp_path: Path) -> None:
    """Nothing is copied; a mixed one leaves its records in a private folder, which goes away."""
    plain, mixed = tmp_path / "a.jsonl", tmp_path / "b.log"
    plain.write_bytes(LINES)
    mixed.write_bytes(b"hello\n" + LINES)
    with gathered([str(plain), str(mixed)]) as held:
        assert held.paths[0] == plain
        spooled = held.paths[1]
        assert spooled.read_bytes() == LINES
        assert spooled.parent.stat().st_mode & 0o777 == 0o700
    assert not spooled.parent.exists()


def test_a_file_named_twice_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whatever name, link or glob; and so is standard input."""
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_bytes(LINES)
    Path("b.jsonl").symlink_to("a.jsonl")
    Path("c.jsonl").hardlink_to("a.jsonl")
    found, _ = read("a.jsonl", "./a.jsonl", tmp_path / "a.jsonl", "*.jsonl")
    assert len(found) == 3


def test_globs_that_the_shell_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Are expanded, folders passed over."""
    monkeypatch.chdir(tmp_path)
    for name in ("x/1.jsonl", "x/y/2.jsonl"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(LINES)
    assert len(read("x/*")[0]) == 3
    assert len(read("**/*.jsonl")[0]) == 6


def test_all_faults_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Missing, a folder, a pattern without a match, what is packed otherwise, Parquet that is not ours."""
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("packed.zst").write_bytes(b"\x28\xb5\x2f\xfd1234")
    Path("broken.parquet").write_bytes(b"PAR1 and no more")
    trail.connect(tmp_path).execute("COPY (SELECT 1 AS one) TO 'other.parquet' (FORMAT parquet)")
    said = faults("no.log", "folder", "*.log", "packed.zst", "broken.parquet", "other.parquet", capsys=capsys)
    assert said.startswith("error: nothing is read; 6 thing(s) to mend:\n")
    for part in (
        "FILE 'no.log' cannot be read: No such file or directory; ",
        "FILE 'folder' is a folder; name its files: 'folder/*'",
        "FILE '*.log' matches no file; ",
        "FILE 'packed.zst' is compressed with zstd; unpack it: zstd -dc packed.zst | leadergate audit ... -",
        "FILE 'broken.parquet' is Parquet that cannot be read: ",
        "FILE 'other.parquet' is Parquet of something else: it has no column time, ",
    ):
        assert part in said
    assert "FILE is missing" in faults(capsys=capsys)


def test_a_file_that_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Says so. Root may read all, so that the refusal is the system's own of another kind."""

    def refuse(self: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    (tmp_path / "a.jsonl").write_bytes(LINES)
    monkeypatch.setattr(Path, "open", refuse)
    assert "cannot be read: Permission denied" in faults(str(tmp_path / "a.jsonl"), capsys=capsys)


BAD = [
    (written(made()).replace(b"record/v1", b"record/v9"), "this leadergate reads v1"),
    (LINES[:100] + b"\n", "it is cut off or damaged"),
    (LINES[:100] + b"#torn\n", "only a part of it could be written (#torn)"),
    (written(made()).replace(b"2026-03-01T02:30:00Z", b"infinity", 1), "$.time"),
]


@pytest.mark.parametrize("before", [b"", b"a foreign line\n"], ids=["in place", "line by line"])
def test_bad_lines_are_told_with_file_line_and_why(tmp_path: Path, before: bytes) -> None:
    """Whichever way the file is read; foreign lines are counted."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(before + LINES + b"".join(line for line, _ in BAD) + b"garbage\n" + written(made(9)))
    found, tally = read(path)
    assert found == ["uid-1", "uid-2", "uid-3", "uid-9"]
    start = 4 + bool(before)
    assert [(one.file, one.line) for one in tally.first] == [(str(path), start + at) for at in range(len(BAD))]
    for one, (_, why) in zip(tally.first, BAD, strict=True):
        assert why in one.why
    assert (tally.records, tally.bad, tally.foreign) == (4, len(BAD), 1 + bool(before))


@pytest.mark.parametrize("before", [b"", b"a foreign line\n"], ids=["in place", "line by line"])
@pytest.mark.parametrize("cut", [1, 20, 300])
def test_a_last_line_that_is_not_there_whole(tmp_path: Path, before: bytes, cut: int) -> None:
    """Is told as unfinished, not as bad: a live file ends so."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(before + LINES + written(made(9))[:cut])
    found, tally = read(path)
    assert (len(found), tally.bad, tally.unfinished) == (3, 0, [str(path)])
    assert any("ends within a line" in line for line in tally.lines())


def test_only_the_first_bad_lines_are_shown(tmp_path: Path) -> None:
    """As many as were asked for, of all files; all are counted."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(LINES + BAD[0][0] * 3)
    _, tally = read(tmp_path / "a", tmp_path / "b", bad=4)
    assert (tally.bad, len(tally.first)) == (6, 4)
    assert "6 lines of ours could not be read; --bad all shows each" in tally.lines()
    assert read(tmp_path / "a", bad=3)[1].lines()[-1] == "3 lines of ours could not be read"


def test_a_line_beyond_all_measure(tmp_path: Path) -> None:
    """Is a bad line, or a foreign one; what DuckDB refuses to read is read line by line."""
    path = tmp_path / "a.jsonl"
    wide = b"x" * (3 * spool.WIDEST)
    path.write_bytes(LINES + LINES[:100] + wide + b"\n" + wide + b"\n" + written(made(9)))
    found, tally = read(path)
    assert found == ["uid-1", "uid-2", "uid-3", "uid-9"]
    assert (tally.bad, tally.foreign, tally.first[0].line) == (1, 1, 4)
    assert tally.first[0].why == "it is longer than 16 MiB"


def test_a_gzip_that_ends_early(tmp_path: Path) -> None:
    """What could be unpacked is read, and the rest is told of."""
    path = tmp_path / "a.jsonl.gz"
    whole = gzip.compress(written(*(made(at, uid=os.urandom(16).hex()) for at in range(2000))))
    path.write_bytes(whole[: len(whole) // 2])
    found, tally = read(path)
    assert 100 < len(found) < 2000
    assert tally.bad == 1
    assert "the file cannot be read any further: Compressed file ended" in tally.first[0].why


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_file_of_powershell(tmp_path: Path, capsys: pytest.CaptureFixture[str], encoding: str) -> None:
    """Is refused, with a command that makes it readable: nothing in it would be known as a record."""
    path = tmp_path / "it's a.log"
    path.write_bytes(("\ufeff" + LINES.decode()).encode(encoding))
    told = faults(str(path), capsys=capsys)
    assert "is UTF-16" in told
    assert f"iconv -f UTF-16 -t UTF-8 {shlex.quote(str(path))} |" in told


def test_copies_are_told(tmp_path: Path) -> None:
    """A log, what was rotated from it and compressed, and the same behind prefixes: their records count as often."""
    (tmp_path / "a").write_bytes(LINES)
    (tmp_path / "b.gz").write_bytes(gzip.compress(LINES + written(made(9))))
    (tmp_path / "c").write_bytes(b"hello\n[pod/w/x] " + LINES)
    (tmp_path / "d").write_bytes(written(made(9)))
    found, tally = read(*(tmp_path / name for name in ("a", "b.gz", "c", "d")))
    assert len(found) == 11
    (told,) = [line for line in tally.lines() if "the same record" in line]
    assert told.startswith(f"{tmp_path / 'a'}, {tmp_path / 'b.gz'}, {tmp_path / 'c'} begin with the same record: ")
    assert not read(tmp_path / "a", tmp_path / "d")[1].lines()


def test_no_room_for_what_is_spooled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Is told as such, with the remedy, and the folder goes away."""
    (tmp_path / "a.log").write_bytes(b"hello\n" + LINES * 200)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limits[1]))
    try:
        told = faults(str(tmp_path / "a.log"), capsys=capsys)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert told.startswith("error: records cannot be spooled; ")
    assert "File too large; set TMPDIR to where there is room" in told


def test_no_folder_to_spool_to(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither TMPDIR nor any of the usual ones: that is told, and no stack trace."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nonexistent"])
    told = faults("a.log", capsys=capsys)
    assert "set TMPDIR to a folder that may be written to" in told


def test_the_engine_leaves_memory_to_others(tmp_path: Path) -> None:
    """It takes less than its own choice, which is most of the machine's."""
    (tmp_path / "a").write_bytes(LINES)
    with gathered([str(tmp_path / "a")]) as held:
        sql = "SELECT parse_formatted_bytes(current_setting('memory_limit'))"
        ((ours,),) = held.engine.execute(sql).fetchall()
    with duckdb.connect() as other:
        ((usual,),) = other.execute(sql).fetchall()
    assert 0 < ours < usual / 2


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """Such as what a shell gives for <(kubectl logs ...), compressed or not."""
    for content in (LINES, gzip.compress(LINES)):
        reader, writer = os.pipe()
        os.write(writer, content)
        os.close(writer)
        try:
            assert len(read(f"/dev/fd/{reader}")[0]) == 3
        finally:
            os.close(reader)


def test_records_of_an_older_webhook(tmp_path: Path) -> None:
    """Fields that came later are null; there or not, the record is one."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        without(made(1), "standing", "heldUntil", "webhookPod", "latencyMs", "lease", "dryRun", "operation")
    )
    with gathered([str(path)]) as held:
        relation = held.relation()
        sql = f"SELECT ok, standing, held_until, holder, dry_run, webhook_pod FROM {relation.sql}"  # noqa: S608
        assert held.engine.execute(sql, relation.parameters).fetchall() == [(True, None, None, None, None, None)]
    assert held.tally.bad == 0


def test_a_beginning_that_tells_nothing(tmp_path: Path) -> None:
    """Foreign lines beyond what is looked at are told apart from bad ones all the same."""
    path = tmp_path / "a.jsonl"
    many = written(*(made(at) for at in range(BEGINNING // len(written(made())) + 10)))
    path.write_bytes(many + b"foreign\n" + BAD[0][0])
    _, tally = read(path)
    assert (tally.foreign, tally.bad) == (1, 1)


@pytest.mark.parametrize("fault", [KeyboardInterrupt, ZeroDivisionError])
def test_the_folder_goes_away_whatever_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException]
) -> None:
    """Errors of the command and Ctrl-C among it."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    (tmp_path / "a.log").write_bytes(b"foreign\n" + LINES)

    def failing() -> None:
        with gathered([str(tmp_path / "a.log")]) as held:
            assert held.paths[0].is_relative_to(folder)
            raise fault

    with pytest.raises(fault):
        failing()
    assert not list(folder.iterdir())


def test_an_interrupt_ends_a_query(tmp_path: Path) -> None:
    """While DuckDB is at work, Ctrl-C is seen to at once: the query would take for ever."""
    (tmp_path / "a.jsonl").write_bytes(LINES)

    def asking() -> None:
        with gathered([str(tmp_path / "a.jsonl")]) as held:

            def endless(_: Any) -> Any:
                os.kill(os.getpid(), signal.SIGINT)
                held.engine.execute("SELECT sum(a.range % (b.range + 1)) FROM range(100000000) a, range(100000000) b")

            held.ask(endless)

    with pytest.raises(KeyboardInterrupt):
        asking()
