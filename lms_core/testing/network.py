"""A network that breaks when a test wants it to: a proxy between a client and a real server."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

LOOPBACK = "127.0.0.1"
_CHUNK = 1 << 14


class Proxy:
    """Passes TCP connections on, byte by byte, until it is told to break them; ``port`` is where it listens.

    Plans count the bytes that clients have sent (``sent``) or been answered (``answered``) from now on, over all
    connections, and are carried out once.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._plans: dict[str, tuple[int, Callable[[], None]]] = {}
        self._awaited: bytes | None = None
        self._open = threading.Event()
        self._open.set()
        self.reached = threading.Event()
        """Set when a plan is carried out."""
        self.accepted = 0
        """How many connections clients have made."""
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    # What a test does with it.

    def cut(self) -> None:
        """Break every connection, and take no more."""
        _shut(self._listener)
        self.lose()

    def lose(self) -> None:
        """Break the connections that there are, and lose what was held on them; new ones work."""
        with self._lock:
            broken, self._connections = self._connections, set()
        for connection in broken:
            _shut(connection)

    def restore(self) -> None:
        """Take connections again, on the same port."""
        self._listener = self._listen(self.port)

    def hold(self) -> None:
        """Let nothing pass any more, as a network does that loses everything."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def cut_after(self, size: int, direction: str = "sent") -> None:
        self._plan(direction, size, self.cut)

    def break_after(self, size: int, direction: str = "sent") -> None:
        """Break the connections that there are then; new ones work."""
        self._plan(direction, size, self.lose)

    def hold_after(self, size: int, direction: str = "sent") -> None:
        self._plan(direction, size, self.hold)

    def hold_on(self, beginning: bytes) -> None:
        """Let nothing pass any more from the first message of a client on that begins so: ``b"DELETE "``."""
        self.reached.clear()
        self._awaited = beginning

    def close(self) -> None:
        self.release()
        self.cut()

    # How it works.

    def _plan(self, direction: str, size: int, act: Callable[[], None]) -> None:
        self.reached.clear()
        with self._lock:
            self._plans[direction] = (size, act)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server((LOOPBACK, port), backlog=64)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _address = listener.accept()
            except OSError:  # It was cut.
                return
            self.accepted += 1
            try:
                server = socket.create_connection(self._target, timeout=10)
            except OSError:
                _shut(client)
                continue
            server.settimeout(None)
            with self._lock:
                self._connections |= {client, server}
            for source, target, direction in ((client, server, "sent"), (server, client, "answered")):
                threading.Thread(target=self._pump, args=(source, target, direction), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, direction: str) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                self._count(direction, len(data))
                self._look(direction, data)
                self._open.wait()
                target.sendall(data)
        with self._lock:
            self._connections -= {source, target}
        _shut(source)
        _shut(target)

    def _count(self, direction: str, size: int) -> None:
        with self._lock:
            left, act = self._plans.pop(direction, (0, None))
            if act is not None and left > size:
                self._plans[direction] = (left - size, act)
                act = None
        if act is not None:
            act()
            self.reached.set()

    def _look(self, direction: str, data: bytes) -> None:
        if direction == "sent" and self._awaited is not None and data.startswith(self._awaited):
            self._awaited = None
            self.hold()
            self.reached.set()


def _shut(connection: socket.socket) -> None:
    # Closing alone would not wake a thread that waits in accept() or recv().
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


@contextmanager
def proxied(port: int, host: str = LOOPBACK) -> Iterator[Proxy]:
    """A proxy in front of a server, closed afterwards."""
    proxy = Proxy(host, port)
    try:
        yield proxy
    finally:
        proxy.close()


def closed_port() -> int:
    """A port on loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes], limit: float = 30.0) -> None:
    """Return once the process takes connections. Raises AssertionError where it does not, or has ended."""
    deadline = time.monotonic() + limit
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"{process.args!r} does not listen on port {port}")
