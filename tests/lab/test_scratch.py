"""Temporary folders of the laboratory and what becomes of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from leadergate_lab.scratch import PREFIX, Scratch, sweep

OWNER = "import sys\nfrom leadergate_lab.scratch import Scratch\nprint(Scratch().path, flush=True)\nsys.stdin.read()\n"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that no other test sees, here and in child processes."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def owner() -> tuple[subprocess.Popen[str], Path]:
    """Another process with such a folder."""
    process = subprocess.Popen([sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_it_is_private_and_goes_at_the_end() -> None:
    """Nobody else may look inside; removing it twice is no fault."""
    scratch = Scratch()
    assert scratch.path.stat().st_mode & 0o077 == 0
    (scratch.path / "folder").mkdir()
    scratch.remove()
    assert not scratch.path.exists()
    scratch.remove()


def test_a_killed_owners_folder_is_swept_up() -> None:
    """The next one that makes a folder removes it, and not before its owner is gone."""
    process, folder = owner()
    with process:
        first = Scratch()
        assert folder.is_dir()
        process.kill()
    second = Scratch()
    assert not folder.exists()
    assert first.path.is_dir()
    first.remove()
    second.remove()


def test_what_is_not_ours_stays(temporary: Path) -> None:
    """A folder of such a name without an owner's file is left alone, and so is what a link leads to."""
    foreign = temporary / f"{PREFIX}notes"
    foreign.mkdir()
    target = temporary / "target"
    target.write_text("precious")
    linked = temporary / f"{PREFIX}linked"
    linked.mkdir()
    (linked / "owner.lock").symlink_to(target)
    sweep()
    assert foreign.is_dir()
    assert linked.is_dir()
    assert target.read_text() == "precious"
