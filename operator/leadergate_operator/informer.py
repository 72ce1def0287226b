"""The replica's own copy of all Redirects, kept by the client library's ``SharedInformer``.

That informer is made for typed lists and leaves three things to its user, all met in the list function and the error
handler below: a custom resource's list is a plain dict; a watch has no end and no timeout, so that a connection which
died without a word would never be noticed; and a failed watch is begun again at once, in a busy loop while the API
server is down. See docs/decisions/0002-informer.md.
"""

# No "from __future__ import annotations" here: the library reads the list function's return annotation at run time.

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import structlog
from kubernetes.client import ApiClient, CustomObjectsApi
from kubernetes.informer import ADDED, DELETED, ERROR, MODIFIED, SharedInformer

from leadergate_operator.cluster import CONNECT_SECONDS, describe, status_code
from leadergate_operator.metrics import OperatorMetrics
from leadergate_operator.model import GROUP, PLURAL, VERSION

WATCH_SECONDS = 30
GRACE_SECONDS = 5
RETRY_SECONDS = 0.5
GONE = 410

_log = structlog.get_logger()


class RedirectInformer:
    """A list and a watch of the Redirects of one namespace, on a thread of its own.

    ``on_change`` is called from that thread whenever the copy may differ from before: after a list and at each event.
    A watch ends after ``watch_seconds`` at the API server, and is given up ``GRACE_SECONDS`` later when that is silent;
    the next one goes on where it ended.
    """

    def __init__(
        self,
        client: ApiClient,
        namespace: str,
        on_change: Callable[[], None],
        metrics: OperatorMetrics,
        *,
        watch_seconds: int = WATCH_SECONDS,
    ) -> None:
        self._api = CustomObjectsApi(client)
        self._namespace = namespace
        self._on_change = on_change
        self._metrics = metrics
        self._watch_seconds = watch_seconds
        self._synced = threading.Event()
        self._stopping = threading.Event()
        self._informer = SharedInformer(self._list_or_watch, namespace=namespace)
        for event in (ADDED, MODIFIED, DELETED):
            self._informer.add_event_handler(event, self._changed)
        self._informer.add_event_handler(ERROR, self._pause)

    @property
    def synced(self) -> bool:
        """Whether all Redirects have been listed once."""
        return self._synced.is_set()

    def objects(self) -> list[dict[str, Any]]:
        """All Redirects as last seen. They are shared: do not change them."""
        return list(self._informer.cache.list())

    def status_of(self, name: str) -> dict[str, Any]:
        """The status of one Redirect as last seen; empty when it has none."""
        manifest = self._informer.cache.get_by_key(f"{self._namespace}/{name}") or {}
        return manifest.get("status") or {}

    def start(self) -> None:
        """Begin. Returns at once."""
        self._informer.start()

    def stop(self, timeout: float) -> None:
        """End, waiting at most ``timeout`` seconds: the thread is a daemon and holds nothing to be given back."""
        self._stopping.set()
        ending = threading.Thread(target=self._informer.stop, name="informer-stop", daemon=True)
        ending.start()
        ending.join(timeout)

    def _list_or_watch(self, namespace: str, watch: bool = False, **options: Any) -> object:
        if not watch:
            listed: Any = self._api.list_namespaced_custom_object(GROUP, VERSION, namespace, PLURAL, **options)
            self._metrics.listed()
            version = listed["metadata"]["resourceVersion"]
            _log.debug("listed", redirects=len(listed["items"]), resource_version=version)
            return SimpleNamespace(items=listed["items"], metadata=SimpleNamespace(resource_version=version))
        # The informer watches only once its list stands in the cache. A list that shows nothing but deletions is made
        # known here, for their events come before the cache is replaced.
        self._synced.set()
        self._changed(None)
        _log.debug("watching", resource_version=options.get("resource_version"))
        return self._api.list_namespaced_custom_object(
            GROUP,
            VERSION,
            namespace,
            PLURAL,
            watch=True,
            allow_watch_bookmarks=True,
            timeout_seconds=self._watch_seconds,
            _request_timeout=(CONNECT_SECONDS, self._watch_seconds + GRACE_SECONDS),
            **options,
        )

    def _changed(self, _manifest: object) -> None:
        if not self._stopping.is_set():
            self._on_change()

    def _pause(self, error: BaseException) -> None:
        """Runs on the informer's thread between two attempts, which is what makes the wait a back-off."""
        if self._stopping.is_set():
            return
        code = status_code(error)
        self._metrics.watch_failed(code)
        _log.warning("watch_failed", code=code, message=describe(error))
        if code != GONE:
            self._stopping.wait(RETRY_SECONDS)
