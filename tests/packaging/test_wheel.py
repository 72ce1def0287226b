"""What users install: the three products, and neither the laboratory nor a module that shadows the standard library."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a release would be."""
    folder = tmp_path_factory.mktemp("dist")
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_wheel_holds_the_products_alone(wheel: Path) -> None:
    """Only the import names of the products are in the wheel."""
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {
        "leadergate",
        "leadergate_certs",
        "leadergate_election",
        "leadergate_operator",
    }


def test_wheel_tells_types(wheel: Path) -> None:
    """Each package says that it is typed (PEP 561)."""
    names = zipfile.ZipFile(wheel).namelist()
    packages = ("leadergate", "leadergate_certs", "leadergate_election", "leadergate_operator")
    assert all(f"{package}/py.typed" in names for package in packages)


def test_wheel_holds_the_page(wheel: Path) -> None:
    """The review's page comes whole: what it is made of, and not the plotting package's script, which is installed."""
    own = {path.name for path in (ROOT / "webhook/leadergate/audit/page/static").iterdir()}
    folder = "leadergate/audit/page/static/"
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.removeprefix(folder) for name in names if name.startswith(folder)} == own
    assert {"index.html", "page.css", "main.js"} <= own
    assert not [name for name in names if "plotly" in name]


@pytest.mark.parametrize("package", ["leadergate", "leadergate_certs", "leadergate_election", "leadergate_operator"])
def test_commands_run_from_the_wheel(wheel: Path, tmp_path: Path, package: str) -> None:
    """Each command line starts from what the wheel unpacks to, with the checkout out of the way."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    script = (
        "import sys, runpy, pathlib; here = sys.argv.pop(1); root = sys.argv.pop(1);"
        "sys.path[:] = [here] + [p for p in sys.path if not p.startswith(root) or 'site-packages' in p];"
        f"import {package}; assert pathlib.Path({package}.__file__).is_relative_to(here), {package}.__file__;"
        f"sys.argv[0] = {package!r}; runpy.run_module({package!r}, run_name='__main__')"
    )
    argv = [sys.executable, "-c", script, str(tmp_path), str(ROOT), "--help"]
    told = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert "Usage" in told.stdout


@pytest.mark.parametrize("folder", ["webhook", "operator", "certs", "lab"])
def test_no_loose_module(folder: str) -> None:
    """A loose module there would be importable by its bare name, and ``operator`` would break the standard library."""
    assert [path.name for path in (ROOT / folder).glob("*.py")] == []


def test_version_stands_in_one_form() -> None:
    """The package and its metadata tell the same version."""
    from importlib.metadata import version

    import leadergate

    assert version("leadergate") == leadergate.__version__
