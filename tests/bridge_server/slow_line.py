"""A slow line between a browser and a server: a TCP proxy that lets so many bytes a second through."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PIECE = 8192


class SlowLine:
    """port: where it listens; passed: bytes that came down; cut_off: connections the server ended in the middle."""

    def __init__(self, server_port: int, bytes_per_second: float) -> None:
        self._server_port = server_port
        self._rate = bytes_per_second
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self.passed = 0
        self.port: int = self._listener.getsockname()[1]

    def start(self) -> None:
        self._run(self._accept)

    def close(self) -> None:
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(30)

    def _run(self, work, *arguments) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket()
                server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
                server.connect(("127.0.0.1", self._server_port))
                self._sockets += [client, server]
                self._run(self._pass, client, server, False)
                self._run(self._pass, server, client, True)

    def _pass(self, source: socket.socket, target: socket.socket, slow: bool) -> None:
        with suppress(OSError):
            while data := source.recv(PIECE):
                if slow:
                    with self._lock:  # one line for all connections
                        time.sleep(len(data) / self._rate)
                        self.passed += len(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def slow_line(server_port: int, bytes_per_second: float) -> Iterator[SlowLine]:
    line = SlowLine(server_port, bytes_per_second)
    line.start()
    try:
        yield line
    finally:
        line.close()
