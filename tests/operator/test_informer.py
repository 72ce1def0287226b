"""The informer against a real API server: one list, then watches that go on where the last one ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from leadergate_lab.demo.link import Link
from leadergate_lab.processes import wait_until
from leadergate_operator.cluster import connect
from leadergate_operator.informer import RedirectInformer
from leadergate_operator.metrics import OperatorMetrics

from .conftest import PATIENCE, Fleet

WATCH = 5
"""Seconds that a watch lasts here. The API server sends a bookmark two seconds before its end."""


class Watched:
    """An informer as it runs, and what it logs."""

    def __init__(self, informer: RedirectInformer, registry: CollectorRegistry, log: list[Any]) -> None:
        self._informer = informer
        self._registry = registry
        self._log = log

    def names(self) -> set[str]:
        """The Redirects in its copy."""
        return {item["metadata"]["name"] for item in self._informer.objects()}

    def versions(self) -> list[int]:
        """Where each of its watches began."""
        return [int(line["resource_version"]) for line in self._log if line["event"] == "watching"]

    def lists(self) -> float:
        """How often it has listed."""
        return self._registry.get_sample_value("leadergate_operator_lists_total") or 0.0

    def failures(self) -> list[Any]:
        """The codes of what went wrong, None where there was no answer."""
        return [line["code"] for line in self._log if line["event"] == "watch_failed"]

    def until(self, condition: Any, what: str) -> None:
        """Wait for something."""
        wait_until(condition, what=what, timeout=PATIENCE)


@contextmanager
def watching(fleet: Fleet, *, server: str | None = None, seconds: int = WATCH) -> Iterator[Watched]:
    """An informer of the fleet's namespace, from its start to its end."""
    pod = fleet.cluster.pod(fleet.namespace, "watcher", "redirect-operator")
    token = fleet.cluster.pod_token(pod)
    kubeconfig = fleet.cluster.kubeconfig(f"{fleet.namespace}-watcher", token=token, server=server)
    registry = CollectorRegistry()
    news = threading.Event()
    with capture_logs() as log:
        informer = RedirectInformer(
            connect(kubeconfig), fleet.namespace, news.set, OperatorMetrics(registry), watch_seconds=seconds
        )
        informer.start()
        watched = Watched(informer, registry, log)
        try:
            watched.until(lambda: bool(watched.versions()), "the first list, and a watch after it")
            assert informer.synced
            assert news.is_set()
            yield watched
        finally:
            informer.stop(PATIENCE)


def elsewhere(fleet: Fleet) -> None:
    """Change Redirects of another namespace: versions go on, and this informer sees nothing of it."""
    api = f"/apis/demo.leadergate.dev/v1/namespaces/{fleet.namespace}-other/redirects"
    fleet.cluster.namespace(f"{fleet.namespace}-other")
    body = {
        "apiVersion": "demo.leadergate.dev/v1",
        "kind": "Redirect",
        "metadata": {"name": "other"},
        "spec": {"path": "/other", "target": "https://one.example"},
    }
    fleet.cluster.call("POST", api, body)


def test_a_bookmark_moves_the_place_to_go_on_from(fleet: Fleet) -> None:
    """With nothing of its own to see, a new watch begins at a later version than the one before, without a list."""
    fleet.create("docs", "/docs", "https://one.example")
    with watching(fleet) as watched:
        first = watched.versions()[0]
        elsewhere(fleet)
        watched.until(lambda: watched.versions()[-1] > first, "a watch that begins later")
        assert watched.lists() == 1
        assert watched.failures() == []
        fleet.create("news", "/news", "https://one.example")
        watched.until(lambda: watched.names() == {"docs", "news"}, "the new one")


def test_a_watch_that_ends_goes_on_where_it_was(fleet: Fleet) -> None:
    """Events before and after the end of a watch arrive, and nothing is listed again."""
    with watching(fleet, seconds=1) as watched:
        for number in range(3):
            count = len(watched.versions())
            fleet.create(f"docs-{number}", f"/docs-{number}", "https://one.example")
            watched.until(lambda count=count: len(watched.versions()) > count + 1, "the next watch but one")
        fleet.delete("docs-0")
        watched.until(lambda: watched.names() == {"docs-1", "docs-2"}, "all changes")
        assert watched.lists() == 1
        assert watched.failures() == []


def test_a_silent_connection_is_given_up(fleet: Fleet, link: Link) -> None:
    """Nothing comes and nothing ends: it gives the watch up by itself, and goes on from its place without a list."""
    fleet.create("docs", "/docs", "https://one.example")
    with watching(fleet, server=link.url, seconds=1) as watched:
        link.hold()
        fleet.create("news", "/news", "https://one.example")
        watched.until(lambda: None in watched.failures(), "the silent watch")
        assert watched.names() == {"docs"}
        link.release()
        watched.until(lambda: watched.names() == {"docs", "news"}, "what it has missed")
        assert watched.lists() == 1
