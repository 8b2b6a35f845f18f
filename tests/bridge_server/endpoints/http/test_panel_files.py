"""The panel's files over HTTP: served to everybody, while everything behind them needs the token where there is one."""

import json

import pytest
from websockets.exceptions import InvalidStatus

from bridge_server.endpoints.http import pages
from bridge_server.endpoints.http.panel_files import panel_file

TOKEN = "open sesame"


def test_the_panel_is_what_a_browser_finds(server):
    status, headers, body = server.get("/", Accept="text/html")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"Takebridge" in body
    assert b"<script>" not in body
    assert json.loads(server.get("/", Accept="*/*")[2])["FULL_PATH"] == "/"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../pages.py",
        "%2e%2e/pages.py",
        "a/b/c.js",
        ".hidden.js",
        "nothing.js",
        "index.html/",
        "x" * 999,
    ],
)
def test_nothing_but_the_panel_is_served_there(server, name):
    assert server.get(f"/panel/{name}")[0] == 404


@pytest.mark.parametrize("name", ["main.js", "languages/ko.json"])
def test_a_browser_keeps_the_parts_until_they_change(server, name, monkeypatch):
    status, headers, _ = server.get(f"/panel/{name}")
    assert (status, headers["Cache-Control"]) == (200, "private, no-cache")
    known = headers["ETag"]
    assert server.get(f"/panel/{name}", **{"If-None-Match": known})[::2] == (304, b"")
    monkeypatch.setattr(pages, "panel_file", lambda _: ("text/javascript", b"edited"))
    status, headers, edited = server.get(f"/panel/{name}", **{"If-None-Match": known})
    assert (status, edited) == (200, b"edited")
    assert headers["ETag"] != known


def test_a_name_that_leads_outside_is_none():
    assert panel_file("../pages.py") is None
    assert panel_file("index.html") is not None


def test_with_a_token_the_page_is_open_and_nothing_else_is(start_server):
    server = start_server(token=TOKEN)
    assert server.get("/", Accept="text/html")[0] == 200
    assert server.get("/panel/index.html")[0] == 200
    for path in ("/", "/bridge", "/schema.json", "/peaks/" + "0" * 64, "/?HOST_INFO", "/panels"):
        assert server.get(path)[0] == 403, path
    assert server.get("/?VALUE", Accept="text/html")[0] == 403
    for path in ("/", "/panel/index.html", "/hello.json"):
        with (
            pytest.raises(InvalidStatus) as caught,
            server.websocket(path.strip("/"), additional_headers={"Accept": "text/html"}),
        ):
            pass
        assert caught.value.response.status_code == 403
    with server.websocket(f"?token={TOKEN.replace(' ', '%20')}") as peer:
        assert peer.call("status")


def test_hello_says_whether_a_token_is_needed_and_right(server, start_server):
    assert json.loads(server.get("/hello.json")[2])["token_needed"] is False
    server = start_server(token=TOKEN)
    assert json.loads(server.get("/hello.json")[2]) | {"name": ""} == {
        "name": "",
        "token_needed": True,
        "admitted": False,
    }
    assert json.loads(server.get("/hello.json?token=open%20sesame")[2])["admitted"] is True
    assert json.loads(server.get("/hello.json?token=no")[2])["admitted"] is False


def test_a_stranger_gets_not_even_the_page(start_server):
    server = start_server(token=TOKEN)
    assert server.get("/", Accept="text/html", Host="evil.example")[0] == 403
    assert server.get("/hello.json", Origin="https://evil.example")[0] == 403
