"""What the doubles of other programs' servers have in common: a small HTTP server on this machine, in a thread."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    """One request as it came. parts: of a form, by name."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    parts: dict[str, bytes] = field(default_factory=dict)

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """An answer; lines: of events that go on until `closing` is set."""

    body: bytes = b""
    status: int = 200
    media_type: str = "application/json"


def reply(status: int = 200, **values: Any) -> Reply:
    return Reply(json.dumps(values).encode(), status)


class HttpDouble:
    """A server: `answer` is a subclass's. Every request is kept in `asked`."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.closing = threading.Event()
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            double: ClassVar[HttpDouble]

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                split = urlsplit(self.path)
                query = {name: found[0] for name, found in parse_qs(split.query).items()}
                headers = {name.lower(): value for name, value in self.headers.items()}
                if headers.get("transfer-encoding") == "chunked":
                    body = self._chunks()
                else:
                    body = self.rfile.read(int(headers.get("content-length", 0)))
                asked = Request(self.command, split.path, query, headers, body)
                if headers.get("content-type", "").startswith("multipart/form-data"):
                    asked.parts = form_parts(body, headers["content-type"])
                double.asked.append(asked)
                try:
                    if not double.stream(asked, self):
                        self.send(double.answer(asked))
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def _chunks(self) -> bytes:
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def send(self, answer: Reply) -> None:
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.media_type)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                if not isinstance(sys.exc_info()[1], ConnectionError):  # a client may go whenever it likes
                    super().handle_error(request, client_address)

            def process_request(self, request: Any, client_address: Any) -> None:
                double._connections.append(request)
                super().process_request(request, client_address)

        self._connections: list[socket.socket] = []
        self._make = lambda port: Quiet(("127.0.0.1", port), Handler)
        self._http = self._make(0)
        self.port = self._http.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Any:
        self._serve()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._stop()

    def leave(self) -> None:
        """As a program that ends: its connections break and nothing listens."""
        self._stop()
        for connection in self._connections:
            with contextlib.suppress(OSError):  # some are closed already
                connection.shutdown(socket.SHUT_RDWR)
        self._connections.clear()

    def come_back(self) -> None:
        """Started again, on the same port."""
        self._http = self._make(self.port)
        self._serve()

    def _serve(self) -> None:
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def _stop(self) -> None:
        if self._thread.is_alive():
            self._http.shutdown()
            self._http.server_close()
            self._thread.join()

    def answer(self, asked: Request) -> Reply:
        raise NotImplementedError

    def stream(self, asked: Request, handler: BaseHTTPRequestHandler) -> bool:
        """Answers by itself what goes on; False for all else."""
        return False

    def paths(self) -> list[str]:
        return [one.path for one in self.asked]


def form_parts(body: bytes, content_type: str) -> dict[str, bytes]:
    """The parts of a multipart form by name."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    assert found, content_type
    parts = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + found[1].encode())[1:-1]:
        headers, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', headers)
        assert name, headers
        parts[name[1].decode()] = content
    return parts
