"""What all layers share: one real control plane for a whole run of the tests."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

from leadergate_lab.assets import Assets, ensure
from leadergate_lab.controlplane import ControlPlane


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
