"""A load generator that costs little: threads with one keep-alive connection each, raw sockets, one fixed request."""

import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """What a run answered: requests per second, and latencies in seconds."""

    rate: float
    median: float
    p99: float
    errors: int


def request_bytes(path: str, headers: Mapping[str, str], body: bytes | None = None) -> bytes:
    """A GET; with a body, a POST of JSON."""
    sent = {"Host": "127.0.0.1", **headers}
    if body is not None:
        sent |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = ["GET" if body is None else "POST", f" {path} HTTP/1.1\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in sent.items()]
    return "".join((*lines, "\r\n")).encode() + (body or b"")


def run(port: int, request: bytes, *, seconds: float, connections: int = 8) -> Result:
    """Send the request over and over from every connection for so long."""
    latencies: list[float] = []
    errors: list[int] = []
    deadline = time.perf_counter() + seconds
    threads = [
        threading.Thread(target=_connection, args=(port, request, deadline, latencies, errors))
        for _number in range(connections)
    ]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - begun
    latencies.sort()
    if not latencies:
        raise SystemExit("no request was answered")
    return Result(
        rate=len(latencies) / elapsed,
        median=latencies[len(latencies) // 2],
        p99=latencies[int(len(latencies) * 0.99)],
        errors=len(errors),
    )


class Line:
    """One keep-alive connection, for requests one after the other."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> float:
        """Seconds until the whole answer was there. Raises SystemExit where it is no success."""
        begun = time.perf_counter()
        self._socket.sendall(request)
        status = _read_answer(self._socket)
        took = time.perf_counter() - begun
        if status != 200:
            raise SystemExit(f"{request.split(b' ')[1].decode()} was answered with {status}")
        return took

    def close(self) -> None:
        self._socket.close()


def _connection(port: int, request: bytes, deadline: float, latencies: list[float], errors: list[int]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (begun := time.perf_counter()) < deadline:
            connection.sendall(request)
            status = _read_answer(connection)
            latencies.append(time.perf_counter() - begun)
            if status != 200:
                errors.append(status)


def _read_answer(connection: socket.socket) -> int:
    received = _receive(connection, 65536)
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _receive(connection, 65536)
    head = received[:end].lower()
    at = head.index(b"content-length:") + 15
    length = int(head[at : head.find(b"\r", at) if head.find(b"\r", at) > 0 else len(head)])
    missing = end + 4 + length - len(received)
    while missing > 0:
        missing -= len(_receive(connection, min(missing, 65536)))
    return int(head[9:12])


def _receive(connection: socket.socket, most: int) -> bytes:
    received = connection.recv(most)
    if not received:
        raise SystemExit("the server closed a connection in the middle of an answer")
    return received
