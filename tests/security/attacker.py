"""A stranger's web server on this machine, with one hostile page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SCRIPT = Path(__file__).with_name("attack.js")
EVIL = "evil.example"  # Chromium is told that this name means 127.0.0.1


def page() -> str:
    """The hostile page; what it does, the test calls."""
    script = SCRIPT.read_text(encoding="utf-8")
    return f"<!doctype html><meta charset=utf-8><title>Free loops</title><body><script>{script}</script>"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = page().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def attacker() -> Iterator[int]:
    """The port it serves on while the block lasts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
