"""The command, run in this process, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run("list", "file", input=...)``: ``leadergate audit list file``, in ``tmp_path``."""
    from leadergate.audit.cli import app

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)

    def command(*arguments: str, stdin: bytes | None = None, color: bool = False) -> Result:
        result = CliRunner().invoke(app, list(arguments), input=stdin, color=color)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return command
