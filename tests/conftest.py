"""What all layers share: one real control plane for a whole run of the tests."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from leadergate_lab.assets import Assets, ensure
from leadergate_lab.controlplane import ControlPlane

# A machine that is busy makes no test fail.
settings.register_profile("leadergate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("leadergate")

LONGEST_FIRST = (
    *("interop", "deploy", "rotation", "controlplane", "operator", "election", "village", "audit_cluster", "demo"),
    *("doctor", "chart", "survey", "alerts", "lost", "audit_reconcile"),
)
"""Folders of tests in the order in which they begin. What is not named here comes after them."""

BY_FILE = {"interop", "operator"}
"""Those of :data:`LONGEST_FIRST` that go file by file, as what is not named there: they share only what all share."""


class ByFolder(LoadFileScheduling):  # type: ignore[misc]
    """Hands out folders whole, so that what their tests share starts once, and files where they share nothing."""

    def _split_scope(self, nodeid: str) -> str:
        folder = _folder(nodeid)
        whole = folder in LONGEST_FIRST and folder not in BY_FILE
        return folder if whole else str(super()._split_scope(nodeid))


def _folder(nodeid: str) -> str:
    """The folder of ``tests`` that a test is in."""
    return nodeid.removeprefix("tests/").partition("/")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder | None:
    """Take it in place of ``--dist loadfile``."""
    return ByFolder(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest folders come first: what is long must not begin when there is nothing left to do beside it."""
    order = {folder: place for place, folder in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(_folder(item.nodeid), len(order)))


@pytest.fixture(scope="session")
def assets(request: pytest.FixtureRequest) -> Assets:
    """The binaries: etcd, kube-apiserver and kubectl. Builds them if it must, for minutes, and shows how far it is."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        return ensure()
    with capture.global_and_fixture_disabled():
        return ensure()


@pytest.fixture(scope="session")
def control_plane(assets: Assets) -> Iterator[ControlPlane]:
    """A control plane that the whole run shares: each test works in namespaces of its own."""
    with ControlPlane.start(assets) as plane:
        yield plane


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """What a command line run in this process makes of the log ends with its test."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


_numbers = itertools.count(1)


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Makes names that no other test of this run has: ``unique("team")`` gives ``team-7``."""
    return lambda stem: f"{stem}-{next(_numbers)}"


_figures = pytest.StashKey[list[str]]()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line to show at the end of the run."""
    return request.config.stash.setdefault(_figures, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the figures."""
    for line in config.stash.get(_figures, []):
        terminalreporter.write_line(line)
