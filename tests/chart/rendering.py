"""What Helm and kustomize render, as plain objects."""

from __future__ import annotations

import difflib
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadergate_lab.helm import CHART, Helm

KUSTOMIZE = Path(__file__).parents[2] / "deploy" / "kustomize"
NAMESPACE = "leadergate-system"
HELMS_OWN = ("helm.sh/chart", "app.kubernetes.io/managed-by")
"""Labels that say by whom an object was rendered."""

# libyaml's is ten times as fast, where it is there.
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Manifest = dict[str, Any]
Key = tuple[str, str, str]


def objects(text: str) -> list[Manifest]:
    """The objects of a stream of YAML documents."""
    return [one for one in yaml.load_all(text, _LOADER) if one]


def attempt(
    helm: Helm, values: Manifest | Path, *, name: str = "leadergate", namespace: str = NAMESPACE
) -> subprocess.CompletedProcess[str]:
    """``helm template``, whatever comes of it."""
    text = values.read_text() if isinstance(values, Path) else yaml.safe_dump(values, allow_unicode=True)
    return _attempt(helm.program, helm.home, name, namespace, text)


@cache
def _attempt(program: Path, home: Path, name: str, namespace: str, text: str) -> subprocess.CompletedProcess[str]:
    """Once for the same values: many tests look at what the defaults make. No cluster is asked."""
    helm = Helm(program, home)
    return helm.run("template", name, CHART, "--namespace", namespace, "--values", "-", stdin=text)


def rendered(
    helm: Helm, values: Manifest | Path, *, name: str = "leadergate", namespace: str = NAMESPACE
) -> list[Manifest]:
    """What Helm makes of the chart with these values."""
    done = attempt(helm, values, name=name, namespace=namespace)
    assert done.returncode == 0, done.stderr
    return objects(done.stdout)


def kustomized(kubectl: Path, folder: str) -> list[Manifest]:
    """What ``kubectl kustomize`` makes of one of our folders."""
    return objects(_kustomized(kubectl, KUSTOMIZE / folder))


@cache
def _kustomized(kubectl: Path, folder: Path) -> str:
    argv = [str(kubectl), "kustomize", str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    # It warns of what is deprecated, which would be refused one day.
    assert done.stderr == ""
    return done.stdout


def key(one: Manifest) -> Key:
    """What tells an object from all others."""
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]


def by_key(made: Iterable[Manifest]) -> dict[Key, Manifest]:
    """The objects by their keys; none may come twice."""
    found: dict[Key, Manifest] = {}
    for one in made:
        assert key(one) not in found, f"{key(one)} is there twice"
        found[key(one)] = one
    return found


def the(kind: str, made: Iterable[Manifest]) -> Manifest:
    """The only object of this kind."""
    (only,) = [one for one in made if one["kind"] == kind]
    return only


def is_hook(one: Manifest) -> bool:
    """Whether Helm applies it at certain moments alone, as it does the Pod of ``helm test``."""
    return "helm.sh/hook" in one["metadata"].get("annotations", {})


def must_be_same(left: Iterable[Manifest], right: Iterable[Manifest]) -> None:
    """Fail the test with a diff of what differs, and nothing else."""
    if found := differences(left, right):
        pytest.fail(f"what was rendered (left) is not what it should be (right):\n{found}", pytrace=False)


def differences(left: Iterable[Manifest], right: Iterable[Manifest]) -> str:
    """Every object in which the two differ, as a diff of its YAML; empty when they are equal."""
    a, b = by_key(left), by_key(right)
    lines: list[str] = []
    for one in sorted(a.keys() | b.keys()):
        name = "/".join(part for part in one if part)
        lines += difflib.unified_diff(_lines(a.get(one)), _lines(b.get(one)), f"{name} (left)", f"{name} (right)", n=6)
    return "\n".join(line.rstrip("\n") for line in lines)


def _lines(one: Manifest | None) -> list[str]:
    return [] if one is None else yaml.safe_dump(_plain(one), width=1000).splitlines(keepends=True)


def _plain(value: Any) -> Any:
    """A copy without shared parts, which PyYAML would write as anchors."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value
