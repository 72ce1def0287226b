"""Gates with one fault each on a real API server, all at once: each is told of what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from .clinic import Clinic
from .objects import REGISTRATION
from .sick import SICK, Sick

Findings = list[dict[str, Any]]
Ward = tuple[tuple[int, Findings], tuple[int, Findings]]
NAMES = [f"sick-{number}.example.org" for number in range(len(SICK))]


@pytest.fixture(scope="module")
def ward(clinic: Clinic) -> Ward:
    """What is found while all of them are there, and when they are gone."""
    try:
        for name, one in zip(NAMES, SICK, strict=True):
            clinic.apply(clinic.sick(name, annotated=one.annotated, **one.fields(clinic)))
        during = clinic.findings()
    finally:
        for name in NAMES:
            clinic.delete(f"/apis/{REGISTRATION}/v1/validatingwebhookconfigurations/{name}")
    return during, clinic.findings()


@pytest.mark.parametrize(("name", "sick"), list(zip(NAMES, SICK, strict=True)), ids=[str(one) for one in SICK])
def test_it_is_told(clinic: Clinic, ward: Ward, name: str, sick: Sick) -> None:
    """With its remedy."""
    about = name if sick.about_itself else clinic.gate
    told = [one for one in ward[0][1] if (one["check"], one["gate"]) == (sick.check, about)]
    found = [one for one in told if one["level"] == sick.level and sick.says in one["says"]]
    assert found, told
    assert sick.remedy.format(name) in found[0]["remedy"]


def test_all_is_well_without_them(ward: Ward) -> None:
    """The command ends with 1 while they are there, and with 0 when they are gone and nothing is said of them."""
    (during, _), (after, findings) = ward
    assert (during, after) == (1, 0)
    assert {one["level"] for one in findings} == {"right", "note"}
    assert not [one for one in findings if one["gate"] in NAMES or "sick" in one["says"]]
