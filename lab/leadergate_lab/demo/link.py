"""The network between one replica and the API server: bytes pass through here, and can be made to stand still.

SIGSTOP halts a process, but what it has sent goes on its way: the kernel lives. When a whole machine stands still, its
packets do so too. A link that is held stands for that. It knows nothing of what it carries, which is encrypted.
"""

from __future__ import annotations

import contextlib
import socket
import threading

CHUNK = 65536


class Link:
    """Relays TCP connections from a free port of loopback to ``host``:``port``. End it with :meth:`close`."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._passing = threading.Event()
        self._passing.set()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._closed = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, name=f"link-{self.port}", daemon=True).start()

    @property
    def url(self) -> str:
        """What to give to the replica for the API server's address."""
        return f"https://127.0.0.1:{self.port}"

    def hold(self) -> None:
        """Let nothing pass, in either direction; connections stay open, and what is sent waits."""
        self._passing.clear()

    def release(self) -> None:
        """Let everything pass again, what has waited first."""
        self._passing.set()

    def close(self) -> None:
        """Break all connections and take no more."""
        with self._lock:
            self._closed = True
            ended = [*self._sockets, self._listening]
        for each in ended:
            _shut(each)
            each.close()
        self._passing.set()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target, timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            if not self._keep(near, far):
                return
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _keep(self, *pair: socket.socket) -> bool:
        with self._lock:
            if self._closed:
                for each in pair:
                    each.close()
                return False
            self._sockets.update(pair)
            return True

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                self._passing.wait()
                sink.sendall(data)
        # An end must not overtake what came before it.
        self._passing.wait()
        _shut(sink)
        with self._lock:
            self._sockets.discard(source)
        source.close()


def _shut(connection: socket.socket) -> None:
    """Wakes whoever reads from it, which closing alone does not."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
