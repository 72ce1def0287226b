"""Records carry names that an attacker chose: through every text field, into every form."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from pathlib import Path

import pytest

from leadergate.records import ResourceField

from .conftest import Run
from .written import late, written

HOSTILE = [
    "<script>alert(1)</script>",
    "\x1b[2J\x1b]0;owned\x07",
    "a\nforged line",
    "a\r\x0b\x0c\x85b",
    "\u202egnirts\u2066\u200b",
    "\x9b31m\x00",
    "\u2028\u2029\ufeff",
    "\U000e0041",
    *(f"{sign}cmd|'/c calc'!A1" for sign in "=+-@\t＝＋－＠"),
    '",=1+1,"',
]


def hostile(text: str, at: int) -> bytes:
    """A record that says ``text`` wherever it can."""
    return written(
        late(
            at,
            verdict=text, reason=text, message=text, mode=text, gate=text, uid=text, operation=text,
            resource=ResourceField(text, text, text, text), namespace=text, name=text, standing=text, webhook_pod=text,
            requester_username=text, requester_namespace=text, requester_service_account=text, requester_pod=text,
            requester_pod_uid=text, requester_node=text, lease_holder=text, lease_resource_version=text,
        )
    )  # fmt: skip


def harmless(shown: str) -> bool:
    """Nothing that a terminal obeys or nobody sees, but line feeds."""
    return not any(unicodedata.category(sign) in {"Cc", "Cf", "Zl", "Zp"} for sign in shown.replace("\n", ""))


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl", "summary", "summary json"])
def test_every_form_is_harmless(run: Run, form: str) -> None:
    """Table, CSV and summary say it with escapes; JSON says the very same text."""
    Path("a.jsonl").write_bytes(b"".join(hostile(text, at) for at, text in enumerate(HOSTILE)))
    command, _, output = form.partition(" ")
    if command == "summary":
        ended = run(command, "a.jsonl", "-o", output or "table")
    else:
        ended = run("list", "a.jsonl", "-o", form)
    assert ended.exit_code == 0
    assert harmless(ended.stdout + ended.stderr)
    if form in ("table", "jsonl"):
        assert len(ended.stdout.splitlines()) == len(HOSTILE) + (form == "table")
    if form == "jsonl":
        assert [json.loads(line)["requester"]["pod"] for line in ended.stdout.splitlines()] == HOSTILE
    if form == "summary json":
        assert {gate["gate"] for gate in json.loads(ended.stdout)["gates"]} == set(HOSTILE)
    if form == "csv":
        head, *rows = csv.reader(io.StringIO(ended.stdout))
        for row, text in zip(rows, HOSTILE, strict=True):
            for name, cell in zip(head, row, strict=True):
                assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠")), name
            if text.startswith("="):
                assert row[head.index("pod")] == f"'{text}"


def test_a_hostile_bad_line(run: Run) -> None:
    """What is told of a line that cannot be read is harmless as well; so is the name of its file."""
    name = "a\x1b[2J.log"
    Path(name).write_bytes(
        b'{"schema":"leadergate.dev/record/v1\x1b[31m\xe2\x80\xae"}\n{"schema":"leadergate.dev/record/v\x1b"'
    )
    ended = run("list", name)
    assert "a\\x1b[2J.log:1: " in ended.stderr
    assert harmless(ended.stderr)
