"""What is printed in a narrow terminal: each line fits it, and tells what it leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from leadergate.audit.listing import printing
from leadergate.audit.summary import cli as summary
from leadergate.audit.telling.table import shortened, table

from .conftest import Run
from .written import START, late, made, written

SUFFIXES = ("8nhpb", "f52jr")
LONG = "orders-operator-7d9c5b64f8-"
NIGHT = tuple(
    late(
        at,
        requester_pod=LONG + SUFFIXES[at % 2],
        gate="shop/orders-operator",
        uid=f"0123456{at}-0000-4000-8000-000000000000",
        name="orders-operator-config-1",
        reason="NotServiceAccount" if at == 4 else "NotHolder",
        mode="warn" if at == 5 else "enforce",
        lease_holder=f"{LONG}{SUFFIXES[1 - at // 3]}_2f0e6d0c-7c3f-4c53-b8a1-000000000000",
        lease_transitions=at // 3,
        lease_acquire_time=START,
    )
    for at in range(6)
)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> int:
    """The width of a terminal that is 80 columns wide."""
    for module in (printing, summary):
        monkeypatch.setattr(module, "columns", lambda otherwise=0: 80)
    return 80


def test_the_list_fits(run: Run, narrow: int) -> None:
    """Replicas are told apart by how they end, and it is said what has no room; elsewhere all columns are there."""
    Path("a.jsonl").write_bytes(written(*NIGHT))
    lines = run("list", "a.jsonl").stdout.splitlines()
    assert max(map(cell_len, lines)) <= narrow
    assert lines[0].split() == ["TIME", "RESULT", "STANDING", "WHO", "OBJECT"]
    assert [SUFFIXES[at % 2] in line for at, line in enumerate(lines[1:7])] == [True] * 6
    assert lines[7] == "no room for HOLDER, GATE, REASON, UID in 80 columns: -o csv has all"


def test_the_summary_fits(run: Run, narrow: int) -> None:
    """Long lines go on below, and both holders of a takeover are whole."""
    Path("a.jsonl").write_bytes(written(*NIGHT))
    lines = run("summary", "a.jsonl").stdout.splitlines()
    assert max(map(cell_len, lines)) <= narrow
    at = next(number for number, line in enumerate(lines) if "takeovers" in line)
    assert lines[at + 1 : at + 3] == [
        f"                 {LONG}f52jr_…",
        f"              -> {LONG}8nhpb_…",
    ]
    assert "  no room for FIRST in 80 columns: -o json has all" in lines
    writers = [line.split()[0] for line in lines if "  former-holder  " in line]
    assert {one[-5:] for one in writers} == set(SUFFIXES)
    assert all("…" in one for one in writers)


def test_a_uid_of_the_list_is_one_to_explain(run: Run) -> None:
    """What the table shows of it is enough."""
    Path("a.jsonl").write_bytes(written(*NIGHT))
    uid = run("list", "a.jsonl").stdout.splitlines()[1].split()[1]
    assert uid == "01234560"
    assert "Review 01234560-0000-4000-8000-000000000000" in run("explain", uid, "a.jsonl").stdout


def test_a_holder_that_was_started_again(run: Run) -> None:
    """Is told from itself by the random part of its identity, which is left out elsewhere."""
    holders = [f"operator-0_{number}" for number in (1, 2)]
    Path("a.jsonl").write_bytes(
        written(
            *(
                late(60 * at, requester_pod="x", lease_holder=one, lease_transitions=3 + at, lease_acquire_time=START)
                for at, one in enumerate(holders)
            )
        )
    )
    assert "operator-0_1 -> operator-0_2" in run("summary", "a.jsonl").stdout
    assert "operator-0_…" in run("list", "a.jsonl").stdout


@pytest.mark.parametrize("text", ["a" * 30, "界" * 30, "a界" * 15, "e\u0301" * 30, "short", ""])
@pytest.mark.parametrize("cells", [1, 2, 9, 10, 29])
def test_shortened(text: str, cells: int) -> None:
    """Never wider than asked for; what fits is left alone; the end is kept."""
    shown = shortened(text, cells)
    assert cell_len(shown) <= cells
    assert (shown == text) == (cell_len(text) <= cells)
    if cells >= 9 and shown != text:
        assert shown[-1] == text[-1]


def test_columns_are_left_out_one_after_the_other() -> None:
    """Only as many as have to be, after those that give way have done so."""
    heads, rows = ("A", "B", "C"), [("a" * 20, "b" * 20, "c" * 20)]
    for fit, left_out in ((None, ()), (64, ()), (54, ()), (45, ("B",)), (30, ("B", "C")), (5, ("B", "C"))):
        assert tuple(table(heads, rows, fit=fit, shrink=("A",), spare=("B", "C")).left_out) == left_out
    made = table(heads, rows, fit=54, shrink=("A",))
    assert made.line(rows[0]) == f"aaa…aaaaaa  {'b' * 20}  {'c' * 20}"


HELP = ("", "list", "summary", "timeline", "explain", "export", "reconcile")


@pytest.mark.parametrize("command", HELP)
def test_help_fits(run: Run, command: str) -> None:
    """Eighty columns, but for commands that are to be copied."""
    lines = run(*command.split(), "--help").stdout.splitlines()
    prose = [line for line in lines if not line.startswith(("    leadergate ", "    kubectl ", "    duckdb "))]
    assert max(map(len, prose)) <= 80


@pytest.mark.parametrize("output", ["table", "csv", "jsonl"])
def test_nothing_that_was_asked_for(run: Run, output: str) -> None:
    """Is said with what there is instead, since a wrong time is the usual cause: no silence."""
    Path("a.jsonl").write_bytes(written(late(0), made(5)))
    ended = run("list", "a.jsonl", "--since", "1h", "-o", output)
    there = "none of 2 records from 2026-03-01T02:30:00Z to 2026-03-01T02:30:05Z is what was asked for\n"
    assert (ended.exit_code, (ended.stdout if output == "table" else ended.stderr)) == (0, there)


def test_a_variable_that_is_not_set(run: Run) -> None:
    """``--gate "$GATE"`` must not show every gate."""
    Path("a.jsonl").write_bytes(written(late(0)))
    for flag in ("--gate", "--since", "--standing", "--uid"):
        ended = run("list", "a.jsonl", flag, "")
        assert (ended.exit_code, ended.stdout) == (2, "")
        assert f"  - {flag} '' is empty; leave it out, or name one\n" in ended.stderr


def test_a_file_in_place_of_a_uid(run: Run) -> None:
    """Is no uid that the cluster is asked for."""
    Path("webhook.log").write_bytes(written(late(0)))
    ended = run("explain", "webhook.log")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "UID 'webhook.log' is a file; name the UID before it" in ended.stderr


def test_records_of_which_none_can_be_read(run: Run) -> None:
    """Are ours all the same: nobody is asked whether these are the right logs."""
    Path("a.log").write_bytes(b'{"schema":"leadergate.dev/record/v2"}\n')
    ended = run("summary", "a.log")
    assert (ended.exit_code, ended.stdout) == (0, "no records\n")
    assert "1 line of ours could not be read" in ended.stderr
    assert "are these logs of" not in ended.stderr
