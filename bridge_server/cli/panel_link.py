"""Opens the panel in the browser without showing the token to other users of this machine.

A browser is started with the address as an argument, and arguments are in the process list, which everybody may read.
So the browser gets the address of a page that exists once: it leads on to the panel, with the token.
"""

from __future__ import annotations

import secrets
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer

PATIENCE = 60.0  # seconds for a browser to start


def open_privately(address: str) -> bool:
    """Opens the address; False when no browser asked for it in time."""
    path = f"/{secrets.token_urlsafe(16)}"
    asked = False

    class Once(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal asked
            if self.path != path or asked:
                self.send_error(404)
                return
            asked = True
            self.send_response(302)
            self.send_header("Location", address)
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Once) as server:
        server.timeout = PATIENCE
        webbrowser.open(f"http://127.0.0.1:{server.server_address[1]}{path}")
        for _ in range(3):  # a browser may ask for an icon first
            if not asked:
                server.handle_request()
    return asked
