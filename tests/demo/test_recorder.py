"""The recorder's history has every change, once, in order, through broken connections; or it says that it has not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from leadergate_lab.cluster import call
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.recorder import HistoryLost, Recorder

MERGE = "application/merge-patch+json"


class Folder:
    """A namespace's ConfigMaps and Secrets, and an administrator's hands."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.plane = plane
        plane.cluster.namespace(namespace)
        self.maps = f"/api/v1/namespaces/{namespace}/configmaps"
        self.secrets = f"/api/v1/namespaces/{namespace}/secrets"

    def make(self, path: str, name: str) -> int:
        """Create an object."""
        body = {"metadata": {"name": name}, "data": {}}
        return revision(self.plane.cluster.call("POST", path, body))

    def mark(self, path: str, name: str, text: str) -> int:
        """Change an object."""
        body = {"metadata": {"annotations": {"mark": text}}}
        return revision(self.plane.cluster.call("PATCH", f"{path}/{name}", body, content_type=MERGE))

    def delete(self, path: str, name: str) -> None:
        """Delete an object."""
        self.plane.cluster.call("DELETE", f"{path}/{name}")

    def recorder(self, server: str | None = None) -> Recorder:
        """A recorder of both."""
        return Recorder(
            server=server or self.plane.url,
            ca_file=str(self.plane.ca_file),
            token=self.plane.admin_token,
            paths=[self.maps, self.secrets],
        )


class Relay:
    """Passes connections on to a server, byte by byte, until they are cut."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("https://").split(":")
        self.cuts = 0
        self._target = (host, int(port))
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Relay:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()

    def cut(self) -> None:
        """Break every connection, without an end of TLS."""
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
                self.cuts += 1
            end.close()
        self._open = []

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)


def revision(item: dict[str, Any]) -> int:
    """The version under which an object was committed."""
    return int(item["metadata"]["resourceVersion"])


@pytest.fixture
def folder(control_plane: ControlPlane, unique: Callable[[str], str]) -> Folder:
    """A fresh one."""
    return Folder(control_plane, unique("recorder"))


def test_each_change_comes_once_with_what_was_before(folder: Folder) -> None:
    """Listed, added, modified and deleted: each with its version, the object and the object before it."""
    listed = folder.make(folder.maps, "one")
    recorder = folder.recorder()
    recorder.start()
    first = folder.mark(folder.maps, "one", "first")
    added = folder.make(folder.maps, "two")
    second = folder.mark(folder.maps, "one", "second")
    folder.delete(folder.maps, "two")
    last = folder.mark(folder.maps, "one", "last")
    recorder.stop({folder.maps: last})
    changes = recorder.changes(folder.maps)
    assert [(change.kind, change.name) for change in changes] == [
        ("LISTED", "one"),
        ("MODIFIED", "one"),
        ("ADDED", "two"),
        ("MODIFIED", "one"),
        ("DELETED", "two"),
        ("MODIFIED", "one"),
    ]
    deleted = changes[4].revision
    assert [change.revision for change in changes] == [listed, first, added, second, deleted, last]
    assert second < deleted < last
    before = [change.before and revision(change.before) for change in changes]
    assert before == [None, listed, None, first, added, second]
    assert [*recorder.standing(folder.maps)] == ["one"]


def test_collections_are_told_apart_and_ordered_together(folder: Folder) -> None:
    """Changes of two collections come in the order of their versions."""
    recorder = folder.recorder()
    with recorder.running():
        made = [folder.make(path, f"n-{turn}") for turn in range(5) for path in (folder.maps, folder.secrets)]
        recorder.stop({folder.maps: made[-2], folder.secrets: made[-1]})
    assert [change.revision for change in recorder.changes()] == made
    assert [change.revision for change in recorder.changes(folder.secrets)] == made[1::2]


def test_broken_connections_leave_no_gap(folder: Folder) -> None:
    """The watch goes on from the last version seen, and nothing comes twice."""
    folder.make(folder.maps, "one")
    with Relay(folder.plane.url) as relay, folder.recorder(relay.url).running() as recorder:
        marks = []
        for text in ("first", "second", "third"):
            marks.append(folder.mark(folder.maps, "one", f"{text}, seen"))
            recorder.wait_for(folder.maps, marks[-1])
            relay.cut()
            marks.append(folder.mark(folder.maps, "one", f"{text}, behind its back"))
        recorder.stop({folder.maps: marks[-1]})
        assert relay.cuts >= 3
    assert [change.revision for change in recorder.changes(folder.maps)[1:]] == marks


def test_a_gap_is_told(folder: Folder) -> None:
    """When the API server no longer knows what came after the last version seen, there is no history, but an error."""
    folder.make(folder.maps, "one")
    other = folder.plane.add_apiserver()
    recorder = folder.recorder()
    try:
        with recorder.running():
            folder.plane.apiserver.kill()
            try:
                body = {"metadata": {"annotations": {"mark": "missed"}}}
                client = folder.plane.cluster.client(token=folder.plane.admin_token, server=other.url)
                missed = revision(call(client, "PATCH", f"{folder.maps}/one", body, content_type=MERGE))
            finally:
                folder.plane.apiserver.start()
            with pytest.raises(HistoryLost, match=r"changes of /api/v1/.* are lost: too old"):
                recorder.stop({folder.maps: missed})
    finally:
        other.stop()


def test_what_cannot_be_listed_is_told(folder: Folder) -> None:
    """The error names the path and what the API server said."""
    recorder = Recorder(
        server=folder.plane.url,
        ca_file=str(folder.plane.ca_file),
        token=folder.plane.admin_token,
        paths=["/apis/nowhere.example/v1/things"],
    )
    with pytest.raises(HistoryLost, match=r"/apis/nowhere\.example/v1/things cannot be listed: .* 404"):
        recorder.start()
