"""A control plane for what is broken here, and one whole installation on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from leadergate_lab.assets import Assets
from leadergate_lab.controlplane import ControlPlane

from .clinic import Clinic


@pytest.fixture(scope="package")
def plane(assets: Assets) -> Iterator[ControlPlane]:
    """Of these tests alone: what they break is the whole cluster's."""
    with ControlPlane.start(assets) as plane:
        yield plane


@pytest.fixture(scope="package")
def clinic(plane: ControlPlane) -> Iterator[Clinic]:
    """Each test breaks it in one place, and puts it right again."""
    clinic = Clinic(plane)
    try:
        clinic.open()
        yield clinic
    finally:
        clinic.close()
