"""The command: how it begins, what it refuses, how it follows, and that it leaves nothing behind."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from leadergate_lab.nights import night
from leadergate_lab.processes import ManagedProcess, python_environment, wait_until

from .served import COMMAND, Page, served
from .visitor import Visitor


def _ends(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    argv: Sequence[str] = [*COMMAND, *map(str, arguments)]
    environment = python_environment()
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=240, env=environment)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred records of the thick of a night, and some lines that are none."""
    path = tmp_path_factory.mktemp("few") / "few.jsonl"
    lines = list(islice((line for line in night(2_000) if b'"former-holder"' in line), 100))
    path.write_bytes(b"".join(lines[:50]) + lines[50][:200] + b"\n" + b"another program\n" + b"".join(lines[51:]))
    return path


@pytest.fixture(scope="module")
def elsewhere(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """They are served with flags of the filter, on a machine that keeps another time."""
    arguments = ("--gate", "shop/*", "--standing", "former-holder", "--no-dry-run", "--since", "2026-03-01T00:00:00Z")
    with served(tmp_path_factory.mktemp("elsewhere"), few, *arguments, env={"TZ": "Asia/Tokyo"}) as page:
        yield page


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_ends_at_once_and_leaves_nothing(few: Path, tmp_path: Path, number: int, code: int) -> None:
    """A signal ends it, with a download under way as well, and its temporary files are gone."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with served(tmp_path, few, env={"TMPDIR": str(temporary)}) as page:
        assert list(temporary.rglob("records.duckdb"))
        with socket.create_connection(("127.0.0.1", page.port)) as idle:
            idle.sendall(b"GET / HTTP/1.1\r\n")
            page.process.signal(number)
            wait_until(lambda: not page.process.running, what="it has ended", timeout=60)
        assert page.process.returncode == code
        assert list(temporary.iterdir()) == []
        assert "Traceback" not in page.process.tail()


def test_ends_while_it_answers(records: Path, tmp_path: Path) -> None:
    """Ctrl-C cuts off a download and the queries that run, without a trace, and leaves nothing."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {"TMPDIR": str(temporary)}
    with (
        served(tmp_path, records, env=environment) as page,
        socket.create_connection(("127.0.0.1", page.port)) as reader,
    ):
        reader.sendall(b"GET /download/records.csv?routine=true HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert reader.recv(1000).startswith(b"HTTP/1.1 200")
        page.process.signal(signal.SIGINT)
        wait_until(lambda: not page.process.running, what="it has ended", timeout=60)
        assert page.process.returncode == 130
        assert "Traceback" not in page.process.tail()
        assert "Ctrl-C" in page.process.stderr_path.read_text().splitlines()[-1]
        assert list(temporary.iterdir()) == []


def test_ends_while_it_reads(tmp_path: Path) -> None:
    """Ctrl-C ends it while it still waits for records, and leaves nothing."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    argv = [*COMMAND, "--port", "0", "-"]
    environment = python_environment(TMPDIR=str(temporary))
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        # More than a pipe holds: when all is written, some of it has been read.
        process.stdin.write(b"another program\n" * 10_000)
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert b"Traceback" not in told
    assert list(temporary.iterdir()) == []


def test_says_what_it_read(few: Path, elsewhere: Page) -> None:
    """What was read and how to end it goes to standard error, nothing but the URL to standard output."""
    told = elsewhere.process.stderr_path.read_text()
    assert elsewhere.process.stdout_path.read_text().count("\n") == 1
    assert "read 99 records of 1 file" in told
    assert f"{few}:51" in told
    assert "Ctrl-C" in told
    source = elsewhere.json("/api/source")
    assert (source["records"], source["bad"], source["foreign"]) == (99, 1, 1)


def test_flags_are_what_the_page_opens_with(elsewhere: Page) -> None:
    """Flags of the filter become the URL's query string."""
    printed = elsewhere.process.stdout_path.read_text().strip()
    query = "since=2026-03-01T00%3A00%3A00Z&gate=shop%2F%2A&standing=former-holder&dry_run=false"
    assert printed == f"{elsewhere.url}?{query}"
    assert elsewhere.asked(f"/api/summary?{query}")[0] == 200


def test_times_do_not_depend_on_the_machine(elsewhere: Page) -> None:
    """All is told in UTC, wherever the machine stands."""
    rows = elsewhere.json("/api/records?sort=time")["rows"]
    assert all(row["time"].endswith("Z") for row in rows)
    assert elsewhere.json(f"/api/record/{rows[0]['key']}")["record"]["time"] == rows[0]["time"]
    assert elsewhere.asked("/download/records.csv")[2].splitlines()[1].split(b",")[1].endswith(b"Z")


def test_bad_lines_are_told_in_the_page(few: Path, elsewhere: Page, browser: Chrome) -> None:
    """What could not be read stands in a note, with file and line."""
    visitor = Visitor(browser, elsewhere.url)
    visitor.opens()
    assert f"{few}:51" in visitor.text("#bad-lines")
    assert visitor.complaints() == []


def test_port_that_is_taken(few: Path) -> None:
    """A port in use is a clear error."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = _ends(few, "--port", str(taken.getsockname()[1]))
    assert ended.returncode == 2
    assert "cannot be listened on" in ended.stderr
    assert "--port 0" in ended.stderr


def test_other_addresses_take_a_word(few: Path, tmp_path: Path) -> None:
    """Where others could reach it, a flag must say that they may, and then it warns."""
    ended = _ends(few, "--address", "0.0.0.0")
    assert ended.returncode == 2
    assert "--others-may-read" in ended.stderr
    with served(tmp_path, few, "--address", "0.0.0.0", "--others-may-read") as page:
        assert "warning" in page.process.stderr_path.read_text()
        assert page.asked("/api/source", headers={"Host": "192.0.2.1:80"})[0] == 200
        assert page.asked("/api/source", headers={"Host": "evil.example"})[0] == 421


def test_files_that_are_not_there(tmp_path: Path) -> None:
    """Names that cannot be read are refused before anything is served, all of them at once."""
    ended = _ends(tmp_path / "absent.jsonl", tmp_path / "full-*.jsonl", "--port", "0")
    assert ended.returncode == 2
    assert "absent.jsonl" in ended.stderr
    assert "full-*.jsonl" in ended.stderr


def test_live(tmp_path: Path, browser: Chrome) -> None:
    """From a log without records on: what comes is counted, shown when asked for, and at once while it is on."""
    lines = [line for line in night(2_000) if b'"former-holder"' in line]
    log = tmp_path / "live.jsonl"
    log.write_bytes(b"another program\n")
    with served(tmp_path, "--follow", log) as page:
        visitor = Visitor(browser, page.url)
        visitor.opens()
        assert "No record has been read" in visitor.text("#empty")
        assert not visitor.find("#plot-section").is_displayed()
        with log.open("ab") as file:
            file.writelines([*lines[:13], lines[13][:200] + b"\n"])
        visitor.until(lambda: visitor.text("#live-text") == "13 new records: show", "they are counted")
        # What is told of the log itself is that of now: how many there are, and what could not be read.
        visitor.until(lambda: "13 records" in visitor.text("#source"), "there are so many")
        visitor.until(lambda: "1 line of ours" in visitor.text("#notes"), "one line was bad")
        assert "No record has been read" not in visitor.text("#empty")
        visitor.clicks("#live")
        visitor.until(lambda: visitor.text("#count").startswith("13 records"), "they are shown")
        assert visitor.find("#live").get_attribute("aria-pressed") == "true"
        with log.open("ab") as file:
            file.writelines([*lines[:5], *lines[13:20], b"another program\n"])
        visitor.until(lambda: visitor.text("#count").startswith("20 records"), "new ones show by themselves, once")
        # It comes after them.
        visitor.until(lambda: page.json("/api/source")["foreign"] == 2, "the line of another program is counted")
        assert visitor.complaints() == []


def test_follows_a_pipe(tmp_path: Path) -> None:
    """Records from standard input come in while the page is served."""
    lines = list(islice(night(2_000), 5))
    argv = [*COMMAND, "--port", "0", "--follow", "-"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=python_environment()) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            printed = ManagedProcess("pipe", argv, log_dir=tmp_path)
            printed.stdout_path.write_bytes(process.stdout.readline())
            page = Page(printed)
            assert page.json("/api/source")["records"] == 0
            process.stdin.write(b"".join(lines))
            process.stdin.flush()
            wait_until(lambda: page.json("/api/source")["records"] == 5, what="they have come in", timeout=60)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130


def test_help_teaches() -> None:
    """The help has examples, says how it ends, and that nothing leaves the machine."""
    told = _ends("--help").stdout
    for part in ("Examples", "Ctrl-C", "--follow", "--others-may-read", "nothing", "130"):
        assert part in told
