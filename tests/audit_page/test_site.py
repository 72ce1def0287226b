"""What the server answers: to the page, to its downloads, and to those who are not the page."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from leadergate_lab.nights import night

from .served import Page, served

QUERY = "standing=former-holder&pod=*-f52jr&since=2026-03-02T01:00:00Z"
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
}


def _listed(records: Path, *arguments: str) -> bytes:
    argv = [sys.executable, "-m", "leadergate", "audit", "list", str(records), *arguments]
    return subprocess.run(argv, check=True, capture_output=True).stdout


def test_csv_is_what_is_filtered(page: Page, records: Path) -> None:
    """The CSV holds what the command lists under the same filter, and its name says which time it is of."""
    status, headers, body = page.asked(f"/download/records.csv?{QUERY}")
    asked = ("--standing", "former-holder", "--pod", "*-f52jr", "--since", "2026-03-02T01:00:00Z", "-o", "csv")
    assert status == 200
    assert body == _listed(records, *asked)
    assert headers["content-disposition"].startswith('attachment; filename="leadergate-records-20260302T01')


def test_json_is_what_is_filtered(page: Page, records: Path) -> None:
    """JSON and JSON lines hold each record as it was written, oldest first."""
    wanted = [
        json.loads(line)
        for line in records.read_bytes().splitlines()
        if b'"former-holder"' in line and b'"pod":"orders-operator-7d9c5b64f8-f52jr"' in line
    ]
    found = page.json(f"/download/records.json?{QUERY}")
    assert found == wanted
    assert len(found) > 1000
    lines = page.asked(f"/download/records.jsonl?{QUERY}")[2]
    assert [json.loads(line) for line in lines.splitlines()] == wanted


def test_download_of_nothing(page: Page) -> None:
    """A filter that selects nothing gives files that are right, and empty."""
    rows = list(csv.reader(io.StringIO(page.asked("/download/records.csv?pod=nobody")[2].decode())))
    assert len(rows) == 1
    assert page.json("/download/records.json?pod=nobody") == []
    assert page.asked("/download/records.jsonl?pod=nobody")[2] == b""


def test_pages_are_the_whole(page: Page) -> None:
    """The pages of the table, one after another, are every record once, in order."""
    query = "standing=stranger&sort=time"
    total = page.json(f"/api/summary?{query}")["records"]
    rows = [
        row for number in range(1, total // 100 + 2) for row in page.json(f"/api/records?{query}&page={number}")["rows"]
    ]
    assert len(rows) == len({row["key"] for row in rows}) == total
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)


def test_choices_count_what_they_would_show(page: Page) -> None:
    """Each choice's count is what the table would hold with it, under the rest of the filter."""
    query = "reason=NotHolder"
    offered = page.json(f"/api/choices?{query}")
    for field in ("standing", "gate", "pod", "mode", "object"):
        for one in offered[field][:3]:
            summary = page.json(f"/api/summary?{query}&{field}={one['value']}")
            assert summary["records"] == one["count"], (field, one)


def test_plot_is_bounded_and_complete(page: Page) -> None:
    """However many records there are, some thousand marks say all of them."""
    plot = page.json("/api/timeline?routine=true")
    summary = page.json("/api/summary?routine=true")
    assert len(plot["marks"]) + len(plot["routine"]) < 5_000
    assert sum(mark[3] for mark in plot["marks"]) == summary["matters"]
    assert sum(mark[1] for mark in plot["routine"]) == summary["routine"]


@pytest.mark.parametrize("path", ["summary", "timeline", "records", "choices", "fresh/0"])
def test_faults_are_told(page: Page, path: str) -> None:
    """What a URL asks for and does not exist is refused, every fault at once."""
    status, _, body = page.asked(f"/api/{path}?standing=leader&until=soon&sort=colour&page=0&colour=red")
    assert status == 400
    assert [one["field"] for one in json.loads(body)["faults"]] == ["colour", "standing", "until", "sort", "page"]


def test_every_answer_is_sealed(page: Page) -> None:
    """Each answer, a refusal as well, forbids what the page does not need."""
    for path in (
        "/",
        "/main.js",
        "/api/summary",
        "/api/record/x",
        "/nothing",
        "/download/records.csv?x=1",
    ):
        _, headers, _ = page.asked(path)
        assert set(headers["content-security-policy"].split("; ")) == POLICY, path
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
        assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.evil.example", "", "127.0.0.2", "[::2]:80"]
)
def test_names_of_others_are_refused(page: Page, host: str) -> None:
    """A page of another name that was bound to this address is not let in (DNS rebinding)."""
    status, _, body = page.asked("/api/summary", headers={"Host": host})
    assert status == 421
    assert b"former" not in body


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:8021"])
def test_own_names_are_let_in(page: Page, host: str) -> None:
    """This machine may be called by its own names, through a tunnel's port as well."""
    assert page.asked("/api/source", headers={"Host": host})[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_only_shows(page: Page, method: str) -> None:
    """Nothing but GET is answered."""
    assert page.asked("/api/summary", method=method)[0] == 405


def test_other_sites_may_not_ask(page: Page) -> None:
    """A script of another site is refused, even where it could not read the answer; a link from there is followed."""
    script = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert page.asked("/api/summary", headers=script)[0] == 403
    assert page.asked("/?standing=stranger", headers=link)[0] == 200


def test_a_key_that_stands_twice(tmp_path: Path) -> None:
    """No webhook writes such a line; its first value counts in a record's fields as it does in the table."""
    (line,) = islice((line for line in night(2_000) if b'"former-holder"' in line), 1)
    holder = json.loads(line)["lease"]["holder"]
    first = b'"holder":"%s"' % holder.encode()
    (tmp_path / "a.jsonl").write_bytes(line.replace(first, first + b',"holder":"another"'))
    with served(tmp_path, tmp_path / "a.jsonl") as page:
        (row,) = page.json("/api/records")["rows"]
        record = page.json(f"/api/record/{row['key']}")["record"]
    assert row["holder"] == record["lease"]["holder"] == holder
