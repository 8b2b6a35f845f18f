"""A small model hub on this machine: it answers what huggingface-hub asks of the real one, and fails on demand."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"
PIECE_BYTES = 2**16
KEPT_IN_GIT = (".json", ".txt", ".py", ".md")  # small files; the others are stored apart, under their sha256


def safetensors(**shapes: tuple[int, ...]) -> bytes:
    """A file of float32 zeros, each tensor of the given shape."""
    header: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        begin, count = end, 1
        for length in shape:
            count *= length
        end = begin + 4 * count
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Hub:
    """What the hub has and how it misbehaves.

    repositories: name -> path -> content.
    announced:    path -> the size it states instead of the true one.
    sent_instead: path -> what it sends instead of what it stated the digest of.
    cut_after:    path -> bytes after which it closes the connection, once.
    resets:       whether it cuts without a farewell, as a router does that loses a connection.
    stalls_after: path -> bytes after which it waits for `go_on`.
    refusal:      status and headers instead of any file; None = files are given.
    asked:        every request: method, path, Range header.
    sent:         path -> bytes of its content that were sent.
    """

    repositories: dict[str, dict[str, bytes]]
    announced: dict[str, int] = field(default_factory=dict)
    sent_instead: dict[str, bytes] = field(default_factory=dict)
    cut_after: dict[str, int] = field(default_factory=dict)
    resets: bool = False
    stalls_after: dict[str, int] = field(default_factory=dict)
    refusal: tuple[int, Mapping[str, str]] | None = None
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    stalled: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    address: str = ""

    def asked_for(self, path: str) -> list[str | None]:
        """The Range headers of the requests for a file."""
        return [
            given for _, asked, given in self.asked if "/resolve/" in asked and asked.endswith(f"/{path}")
        ]

    def by_digest(self, digest: str) -> tuple[str, bytes]:
        return next(
            (path, content)
            for files in self.repositories.values()
            for path, content in files.items()
            if sha256(content) == digest
        )


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    """Serves the hub on a free port; `hub.address` is its endpoint."""
    handler = type("Handler", (HubHandler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        hub.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


class HubHandler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, path, self.headers.get("Range")))
        if path.startswith("/api/models/"):
            self._tell_files(path.removeprefix("/api/models/"))
        elif path.startswith("/stored/"):
            self._send(*self.hub.by_digest(path.removeprefix("/stored/")))
        elif "/resolve/" in path:
            repository, _, rest = path.lstrip("/").partition("/resolve/")
            self._resolve(repository, rest.removeprefix(f"{REVISION}/"))
        else:
            self._answer(404, {})

    def _tell_files(self, name: str) -> None:
        files = self.hub.repositories.get(name)
        if files is None:
            # The real one does not tell strangers what it hides from what there is not.
            self._answer(401, {"X-Error-Code": "RepoNotFound"})
            return
        siblings = [self._sibling(path, content) for path, content in files.items()]
        body = {"id": name, "modelId": name, "sha": REVISION, "siblings": siblings}
        self._answer(200, {"Content-Type": "application/json"}, json.dumps(body).encode())

    def _sibling(self, path: str, content: bytes) -> dict[str, Any]:
        size = self.hub.announced.get(path, len(content))
        git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        about: dict[str, Any] = {"rfilename": path, "size": size, "blobId": git}
        if not path.endswith(KEPT_IN_GIT):
            about["lfs"] = {"sha256": sha256(content), "size": size, "pointerSize": 134}
        return about

    def _resolve(self, repository: str, path: str) -> None:
        if self.hub.refusal is not None:
            self._answer(*self.hub.refusal)
            return
        content = self.hub.repositories.get(repository, {}).get(path)
        if content is None:
            self._answer(404, {"X-Error-Code": "EntryNotFound"})
        elif path.endswith(KEPT_IN_GIT):
            self._send(path, content)
        else:
            linked = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{sha256(content)}"'}
            place = f"{self.hub.address}/stored/{sha256(content)}"
            self._answer(302, {"Location": place, "X-Repo-Commit": REVISION, **linked})

    def _send(self, path: str, content: bytes) -> None:
        content = self.hub.sent_instead.get(path, content)
        given = self.headers.get("Range")
        begin = int(given.removeprefix("bytes=").split("-")[0]) if given else 0
        self.send_response(206 if given else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        if given:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        end = min(len(content), self.hub.cut_after.pop(path, len(content)))
        pause = self.hub.stalls_after.pop(path, None)
        for place in range(begin, end, PIECE_BYTES):
            if pause is not None and place >= pause:
                self.hub.stalled.set()
                self.hub.go_on.wait()
            piece = content[place : min(place + PIECE_BYTES, end)]
            self.wfile.write(piece)
            self.hub.sent[path] = self.hub.sent.get(path, 0) + len(piece)
        if end < len(content) and self.hub.resets:
            self._reset()
        self.close_connection = True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        raise ConnectionResetError

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # a download that was stopped

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: `hub.asked` has it."""
