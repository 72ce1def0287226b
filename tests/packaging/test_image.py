"""What can be told of the image without an engine: the Dockerfile, what reaches it, and what the lock file puts in."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leadergate_lab.image import base, jail, tree
from leadergate_lab.image.__main__ import CONTEXT
from leadergate_lab.image.engine import PROGRAMS, missing
from leadergate_lab.image.jail import USER

ROOT = Path(__file__).parents[2]
GROUPS = {"test", "lint", "lab", "extras", "dev"}
EXTRAS = {"otlp"}
"""What users can switch on by a setting, so it has to be in the image; the others are for an engineer's machine."""


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, in order, with their arguments on one line."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line.strip())]


def final_stage() -> list[tuple[str, str]]:
    """The instructions of the last stage, which alone makes the image."""
    found = instructions()
    last = max(number for number, (name, _) in enumerate(found) if name == "FROM")
    return found[last:]


def one(name: str, among: list[tuple[str, str]]) -> str:
    """The argument of the one instruction of that name."""
    (found,) = [rest for instruction, rest in among if instruction == name]
    return found


def defaults() -> dict[str, str]:
    """The default of each build argument; the same in every stage that declares it."""
    found: dict[str, str] = {}
    for name, rest in instructions():
        if name == "ARG" and "=" in rest:
            key, _, value = rest.partition("=")
            assert found.setdefault(key, value) == value, key
    return found


def let_through(path: str) -> bool:
    """Whether .dockerignore lets a path of the context through: the last pattern that matches it or a parent counts."""
    passed = True
    parents = [path, *map(str, Path(path).parents)]
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            plain = pattern.removeprefix("!").removeprefix("**/")
            found = parents + [Path(part).name for part in parents] * ("**/" in pattern)
            if any(fnmatch.fnmatchcase(part, plain) for part in found if part != "."):
                passed = pattern.startswith("!")
    return passed


def copied() -> Iterator[str]:
    """What COPY takes from the context."""
    for name, rest in instructions():
        if name == "COPY" and "--from=" not in rest:
            yield from rest.split()[:-1]


def locked() -> dict[str, dict[str, Any]]:
    """The packages of the lock file by name."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return {package["name"]: package for package in packages}


def reached_from(packages: dict[str, dict[str, Any]]) -> set[str]:
    """The names of what leadergate with these extras depends on, and so on; without what is for other systems alone."""
    reached: set[str] = set()
    root = packages["leadergate"]
    todo = [root, *({"dependencies": root["optional-dependencies"][extra]} for extra in EXTRAS)]
    while todo:
        for dependency in todo.pop().get("dependencies", ()):
            if dependency["name"] not in reached and "win32" not in dependency.get("marker", ""):
                reached.add(dependency["name"])
                todo.append(packages[dependency["name"]])
    return reached


def test_uv_is_the_one_of_the_makefile() -> None:
    """The image is made by the uv that made the lock file."""
    (version,) = re.findall(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert defaults()["UV_VERSION"] == version


def test_version_is_that_of_the_package() -> None:
    """The label's default is the version that is packed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert defaults()["VERSION"] == project["version"]


def test_bases_are_those_that_the_check_stands_in_for() -> None:
    """Both are of one release of Debian and one minor version of Python, which the check builds and runs with."""
    assert defaults()["BUILD_BASE"] == f"python:{base.PYTHON}-slim-{base.SUITE}"
    assert defaults()["RUN_BASE"] == defaults()["BUILD_BASE"]
    assert base.SUITE == "trixie"
    assert {f"python{base.PYTHON}-minimal", f"libpython{base.PYTHON}-stdlib"} <= set(base.PACKAGES)


def test_user_is_a_number_and_not_root() -> None:
    """By number, so that the kubelet can tell that runAsNonRoot holds; and the number is the one that was tried."""
    assert one("USER", final_stage()) == f"{USER}:{USER}"


def test_entrypoint_needs_no_shell() -> None:
    """In exec form, and no step of the last stage runs anything either."""
    assert json.loads(one("ENTRYPOINT", final_stage())) == ["leadergate"]
    assert {name for name, _ in final_stage()}.isdisjoint({"RUN", "CMD", "SHELL"})


def test_health_is_left_to_kubernetes() -> None:
    """No HEALTHCHECK, and no port that the Deployment does not name."""
    assert {name for name, _ in instructions()}.isdisjoint({"HEALTHCHECK", "EXPOSE"})


def test_last_stage_takes_the_environment_alone() -> None:
    """Neither sources nor uv get into the image."""
    assert [rest for name, rest in final_stage() if name == "COPY"] == ["--from=build /opt/leadergate /opt/leadergate"]


def test_dockerfile_names_no_index() -> None:
    """Where packages come from is the lock file's and the builder's to say."""
    text = " ".join(rest for _, rest in instructions())
    assert "://" not in text
    assert "index" not in text


@pytest.mark.parametrize("source", sorted(copied()))
def test_copied_sources_reach_the_engine(source: str) -> None:
    """What COPY names is there, .dockerignore lets it through, and the check of the image takes it along."""
    assert (ROOT / source).exists()
    assert let_through(source)
    assert source in CONTEXT


def test_wheel_is_built_of_what_is_copied() -> None:
    """Every package of the wheel, and each file that the build reads, is among what is copied."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = {package.partition("/")[0] for package in packages} | {settings["project"]["readme"], "LICENSE"}
    assert needed | {"pyproject.toml", "uv.lock"} == set(copied())


@pytest.mark.parametrize(
    "path",
    [
        *(".git/config", ".venv/bin/python", ".uv/bin/uv", "lab/leadergate_lab/webhook.py", "tests/conftest.py"),
        *("webhook/leadergate/__pycache__/cli.cpython-313.pyc", "deploy/certs/rbac.yaml", "Makefile", "kubeconfig"),
    ],
)
def test_nothing_else_reaches_the_engine(path: str) -> None:
    """What is not needed can neither get into a layer nor change one."""
    assert not let_through(path)


def test_image_has_nothing_of_the_dev_groups() -> None:
    """What is there for development alone is not reached from the dependencies."""
    packages = locked()
    root, reached = packages["leadergate"], reached_from(packages)
    groups = {dependency["name"] for group in root["dev-dependencies"].values() for dependency in group}
    assert set(root["dev-dependencies"]) == GROUPS
    assert {"pytest", "ruff", "mypy", "hatchling", "psutil"} <= groups
    assert groups & reached <= {"rich"}, "a package of a group came to be a dependency of the image: say why here"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_package_has_a_wheel(machine: str) -> None:
    """Nothing in the build stage could compile one from its sources."""
    packages, python = locked(), base.PYTHON.replace(".", "")
    fits = re.compile(
        rf"-(py2\.py3-none-any|py3-none-any|cp{python}-cp{python}-manylinux\S*_{machine}|cp3\d+-abi3-manylinux\S*_{machine})"
    )
    without = [
        name
        for name in reached_from(packages)
        if not any(fits.search(wheel["url"]) for wheel in packages[name].get("wheels", ()))
    ]
    assert without == []


def test_image_has_these_extras() -> None:
    """And no others, whose packages are large."""
    (sync,) = [rest for name, rest in instructions() if name == "RUN" and "uv sync" in rest]
    assert set(re.findall(r"--extra (\S+)", sync)) == EXTRAS
    assert "--all-extras" not in sync
    assert {"opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"} <= reached_from(locked())
    assert {"duckdb", "plotly"}.isdisjoint(reached_from(locked()))


def test_build_backend_is_locked() -> None:
    """What builds the wheel is in the group whose locked versions the Dockerfile lets the build use."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (backend,) = settings["build-system"]["requires"]
    assert backend in settings["dependency-groups"]["test"]
    assert "--only-group test" in " ".join(rest for name, rest in instructions() if name == "RUN")


def test_missing_programs_are_named_with_their_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who has no engine learns what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing().endswith("apt-get install buildah debootstrap mount util-linux (Debian or Ubuntu, as root)")
    for program in PROGRAMS:
        (tmp_path / program).touch(mode=0o700)
    assert missing() == ""


def test_differences_of_trees_are_found(tmp_path: Path) -> None:
    """Contents, permissions, times, links and what is in one alone."""
    for name in ("one", "other"):
        (tmp_path / name / "bin").mkdir(parents=True)
        for file in ("same", "content", "mode", "time"):
            (tmp_path / name / file).write_text(file)
        (tmp_path / name / "link").symlink_to("same")
        for path in (tmp_path / name).rglob("*"):
            _touch(path)
    other = tmp_path / "other"
    (other / "content").write_text("CONTENT")
    _touch(other / "content")
    (other / "mode").chmod(0o600)
    _touch(other / "time", 1)
    (other / "link").unlink()
    (other / "link").symlink_to("mode")
    _touch(other / "link")
    (other / "more").touch()
    found = tree.differences(tree.entries(tmp_path / "one"), tree.entries(other))
    assert found == ["content", "link", "mode", "more", "time"]


def test_shells_are_found(tmp_path: Path) -> None:
    """A shell counts where programs lie, and its name elsewhere does not."""
    for path in ("usr/bin/sh", "usr/share/sh", "opt/x/bin/pip"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert tree.commands(tmp_path, tree.SHELLS | tree.TOOLS) == ["opt/x/bin/pip", "usr/bin/sh"]


@pytest.mark.parametrize(
    ("path", "lies"),
    [
        ("/etc/leadergate/tls", "etc/leadergate/tls"),
        ("/var/run/secrets", "run/secrets"),
        ("/up/secrets", "secrets"),
        ("/chain/x", "run/x"),
    ],
)
def test_mounts_stay_in_the_root(tmp_path: Path, path: str, lies: str) -> None:
    """A link of the image leads to a place of the image, and never to one of this machine."""
    (tmp_path / "var").mkdir()
    (tmp_path / "var/run").symlink_to("/run")
    (tmp_path / "up").symlink_to("../../..")
    (tmp_path / "chain").symlink_to("var/run")
    assert jail.inside(tmp_path, path) == tmp_path / lies


def _touch(path: Path, seconds: int = 0) -> None:
    os.utime(path, (seconds, seconds), follow_symlinks=False)
