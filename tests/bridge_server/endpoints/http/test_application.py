"""The addresses there are, and which methods each has."""

from __future__ import annotations

import http.client
import json

import pytest

from bridge_server.handlers.health import Health
from tests.bridge_server.endpoints.http.asking import ask


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/", "GET, HEAD, OPTIONS"), ("/bridge/repaint", "GET, HEAD, OPTIONS"), ("/hello.json", "GET, HEAD, OPTIONS"),
        ("/panel/main.js", "GET, HEAD, OPTIONS"), ("/takes/x/clip.wav", "GET, HEAD, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"), ("/rpc", "OPTIONS, POST"), ("/uploads/x.wav", "OPTIONS, PUT"),
    ],
)  # fmt: skip
def test_each_address_says_which_methods_it_has(server, path, methods):
    status, headers, body = ask(server, "OPTIONS", path)
    assert (status, headers["Allow"], body) == (204, methods, b"")
    status, headers, body = ask(server, "DELETE", path)
    assert (status, headers["Allow"]) == (405, methods)
    assert b"DELETE is not possible here. Use " in body


def test_a_ready_server_is_healthy(server):
    status, headers, body = ask(server, "GET", "/healthz")
    assert (status, headers["Content-Type"], json.loads(body)) == (
        200,
        "application/json",
        {"status": "ready"},
    )
    assert ask(server, "HEAD", "/healthz")[0] == 200


def test_one_that_is_not_says_why(server, monkeypatch):
    async def problems(_):
        return {"disk": "Only 3 MB are free."}

    monkeypatch.setattr(Health, "problems", problems)
    status, _, body = ask(server, "GET", "/healthz")
    assert status == 503
    assert json.loads(body) == {"status": "not ready", "reasons": {"disk": "Only 3 MB are free."}}


def test_health_is_public_and_private_things_are_not(start_server):
    guarded = start_server(host="0.0.0.0", token="abc")
    status, _, body = ask(guarded, "GET", "/healthz")
    assert status in (200, 503)  # its engine may still be starting
    assert str(guarded.settings.store).encode() not in body
    assert ask(guarded, "GET", "/healthz", Origin="https://evil.example")[0] == 403
    assert ask(guarded, "POST", "/rpc", b"{}", Content_Type="application/json")[0] == 403


def test_a_connection_is_kept_for_further_requests(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.settings.websocket_port, timeout=30)
    try:
        for method in ("GET", "HEAD", "GET", "DELETE", "GET"):
            connection.request(method, "/schema.json")
            connection.getresponse().read()
            assert connection.sock is not None
    finally:
        connection.close()
