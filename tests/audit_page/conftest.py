"""What the tests of the page share: one night of records, one server for it, one browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from leadergate_lab.nights import night

from .chromium import chromium
from .served import Page, served
from .visitor import Visitor, visiting

RECORDS = 50_000


@pytest.fixture(scope="package")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night's log."""
    path = tmp_path_factory.mktemp("night") / "night.jsonl"
    with path.open("wb") as file:
        file.writelines(night(RECORDS))
    return path


@pytest.fixture(scope="package")
def page(records: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The night, served."""
    with served(tmp_path_factory.mktemp("served"), records) as one:
        yield one


@pytest.fixture(scope="package")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the browser puts files."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="package")
def browser(downloads: Path) -> Iterator[Chrome]:
    """A browser for all tests."""
    with chromium(downloads) as opened:
        yield opened


@pytest.fixture
def visitor(browser: Chrome, page: Page) -> Iterator[Visitor]:
    """Somebody who looks at the night."""
    with visiting(browser, page.url) as one:
        yield one
