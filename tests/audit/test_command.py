"""``leadergate audit`` itself: help without the extra, faults all at once, exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from leadergate.audit import options

from .conftest import Run
from .written import late, made, written


def test_help_needs_no_engine() -> None:
    """Neither of the program nor of a command is the extra loaded."""
    commands = ("", "list", "summary", "timeline", "explain", "export", "reconcile")
    code = f"""
import sys, runpy
sys.modules['duckdb'] = None
for command in {commands!r}:
    sys.argv = ['leadergate', 'audit', *command.split(), '--help']
    try:
        runpy.run_module('leadergate', run_name='__main__')
    except SystemExit as ended:
        assert not ended.code, command
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("Examples") == len(commands)


def test_without_the_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedy is told, and nothing else."""
    monkeypatch.setattr(options.importlib.util, "find_spec", lambda _: None)
    ended = run("list", "a.jsonl")
    assert ended.exit_code == 2
    assert ended.stderr == "leadergate audit needs its extra packages: pip install 'leadergate[audit]'\n"


def test_faults_of_flags_and_files_at_once(run: Run) -> None:
    """Each on a line of its own, with the remedy."""
    ended = run("list", "missing", "--reason", "Nope", "--since", "soon", "--bad", "few")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: nothing is read; 4 thing(s) to mend:\n")


def test_strict(run: Run) -> None:
    """Bad lines change the exit code only then; foreign and unfinished ones never do."""
    Path("a.jsonl").write_bytes(written(late(1)) + b"foreign\n" + written(made())[:50])
    assert run("list", "a.jsonl", "--strict").exit_code == 0
    Path("a.jsonl").write_bytes(written(late(1))[:50] + b"\n" + written(late(1)))
    for command in ("list", "summary"):
        assert run(command, "a.jsonl").exit_code == 0
        ended = run(command, "a.jsonl", "--strict")
        assert ended.exit_code == 1
        assert "note: a.jsonl:1: it is cut off or damaged" in ended.stderr


def test_standard_input(run: Run) -> None:
    """Is read once, however often it is named."""
    ended = run("list", "-", "-", "-o", "csv", stdin=b"hello\n" + written(late(1)))
    assert len(ended.stdout.splitlines()) == 2
    assert ended.stderr == "note: 1 line of other programs passed over\n"


def test_ctrl_c_while_the_program_is_being_loaded(tmp_path: Path) -> None:
    """Ends it without a word; nothing was begun that would have to be ended in order."""
    (tmp_path / "uvloop.py").write_text("import sys; print('loading', flush=True); sys.stdin.read()\n")
    with subprocess.Popen(
        [sys.executable, "-m", "leadergate", "audit", "summary", "-"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a shell's & would ignore it
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == b"loading\n"
        process.send_signal(signal.SIGINT)
        assert process.wait() == -signal.SIGINT
        assert process.stderr.read() == b""
