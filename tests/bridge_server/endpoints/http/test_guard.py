"""The gate: repeated headers, foreign pages, and what every answer carries."""

from __future__ import annotations

import pytest
from websockets.exceptions import InvalidStatus

from bridge_server.endpoints.http.guard import SAFE_HEADERS
from tests.bridge_server.endpoints.http.asking import HANDSHAKE, ask, raw


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/schema.json", 200), ("HEAD", "/", 200), ("GET", "/nothing", 404), ("PUT", "/schema.json", 405),
        ("POST", "/rpc", 415), ("GET", "/healthz", 200), ("OPTIONS", "/", 204), ("GET", "//[", 403),
    ],
)  # fmt: skip
def test_every_answer_is_safe(server, method, path, status):
    found, headers, _ = ask(server, method, path)
    assert found == status
    for name, given in SAFE_HEADERS.items():
        assert headers[name] == given
    assert headers["Date"]
    assert "Server" not in headers
    assert "Access-Control-Allow-Origin" not in headers


def test_a_refused_websocket_is_safe_too(server):
    with pytest.raises(InvalidStatus) as caught, server.websocket(origin="https://evil.example"):
        pass
    response = caught.value.response
    assert response.status_code == 403
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert b"evil.example" in response.body


@pytest.mark.parametrize(
    "name",
    ["Origin", "Authorization", "Range", "Content-Length", "Host", "Sec-Fetch-Site", "Sec-WebSocket-Key"],
)
@pytest.mark.parametrize("target", ["/schema.json", "/"])
def test_a_header_that_comes_twice_is_refused(server, name, target, caplog):
    lines = [f"GET {target} HTTP/1.1", f"{name}: 1", f"{name}: 2", "Connection: close"]
    assert raw(server, *lines).startswith(b"HTTP/1.1 400 ")
    assert caplog.records == []


def test_headers_that_come_twice_in_a_handshake_are_refused(server, caplog):
    handshake = ["GET / HTTP/1.1", *HANDSHAKE]
    for repeated in (
        "Origin: http://127.0.0.1",
        "Sec-WebSocket-Key: x",
        "Sec-WebSocket-Version: 13",
        "Host: x",
    ):
        assert raw(server, *handshake, repeated, repeated).startswith(b"HTTP/1.1 400 ")
    assert caplog.records == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_cannot_embed_our_files(server, site):
    """<img>, <script> and <audio> of a stranger's page send no Origin."""
    for mode in ("no-cors", "cors", "websocket"):
        assert ask(server, "GET", "/schema.json", Sec_Fetch_Site=site, Sec_Fetch_Mode=mode)[0] == 403
    assert (
        ask(server, "GET", "/", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate", Accept="text/html")[0] == 200
    )
    assert (
        ask(server, "GET", "/schema.json", Sec_Fetch_Site="same-origin", Sec_Fetch_Mode="no-cors")[0] == 200
    )


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Host", "Forwarded"])
def test_nobody_becomes_a_program_of_this_machine_by_a_header(start_server, name):
    guarded = start_server(host="0.0.0.0", token="abc", trust_this_machine=True)
    headers = {name: "127.0.0.1", "Host": "studio.example"}
    assert ask(guarded, "GET", "/schema.json", **headers)[0] == 403


def test_a_bug_is_logged_and_answered_without_details(server, monkeypatch, caplog):
    monkeypatch.setattr("bridge_server.endpoints.http.pages.whole_schema", lambda: 1 / 0)
    status, headers, body = ask(server, "GET", "/schema.json")
    assert (status, headers["X-Content-Type-Options"]) == (500, "nosniff")
    assert b"log has the details" in body
    assert b"division" not in body
    monkeypatch.undo()
    assert ask(server, "GET", "/schema.json")[0] == 200  # and by now the log has it
    assert "ZeroDivisionError" in caplog.text
    caplog.clear()


@pytest.mark.parametrize("target", ["*", "o", "http://127.0.0.1/", "?token=x"])
@pytest.mark.parametrize("upgrade", [(), HANDSHAKE], ids=["plain", "handshake"])
def test_a_target_that_is_no_path_is_refused(server, target, upgrade, caplog):
    response = raw(server, f"GET {target} HTTP/1.1", *(upgrade or ("Connection: close",)))
    assert response.startswith(b"HTTP/1.1 400 ")
    assert b"Begin it with /." in response
    assert caplog.records == []
