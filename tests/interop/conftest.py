"""The Go programs of this folder, built once, and what is asked of every history."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadergate_lab.demo.summary import writer
from leadergate_lab.history import Verdict
from leadergate_lab.interop.fleet import Fleet
from leadergate_lab.interop.programs import binaries


@pytest.fixture(scope="session")
def built(request: pytest.FixtureRequest) -> dict[str, Path]:
    """The binaries by program. Builds them if it must, for minutes, and shows that it does."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        return binaries()
    with capture.global_and_fixture_disabled():
        return binaries()


def writers(fleet: Fleet) -> set[str]:
    """The pods whose status writes have been committed so far."""
    return {pod for change in fleet.recorder.changes(fleet.redirects) if (pod := writer(change))}


def kept(fleet: Fleet) -> Verdict:
    """The verdict on the fleet's history: nothing was broken, and there was something to break."""
    verdict = fleet.judged()
    assert verdict.findings == []
    assert verdict.committed >= len(fleet.names)
    assert fleet.denials()
    return verdict
