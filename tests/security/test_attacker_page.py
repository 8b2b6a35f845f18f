"""A hostile page in a real Chromium, from every kind of origin: it reads nothing, starts nothing and changes nothing.

The page tries what attack.js lists. What counts is not only that the page gets nothing: the server has carried out no
request, answered nothing to it, and holds what it held before.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.servers import settings_in
from tests.panel.browser import CHROMIUM, Panel, browser_context
from tests.security.attacker import EVIL, SCRIPT, attacker, page

RESOLVER = f"--host-resolver-rules=MAP {EVIL} 127.0.0.1"
# Chromium's own protection of local servers, which other browsers lack: the server must do without it.
UNPROTECTED = "--disable-features=LocalNetworkAccessChecks"

# What a page reads whose name leads here: it is of one origin with the server, for the browser.
REFUSED = f"Host '{EVIL}:"

# Where the page comes from.
ORIGINS = (
    "another name",
    "another port",
    "localhost",
    "rebound name",
    "sandboxed frame",
    "data frame",
    "file",
)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("SKIPPED: Chromium is not installed (Debian and Ubuntu: apt install chromium)")
    with (
        sync_playwright() as running,
        browser_context(running, tmp_path_factory.mktemp("profile"), RESOLVER, UNPROTECTED) as context,
    ):
        context.set_default_timeout(60_000)
        yield context


@pytest.fixture(scope="module")
def hostile():
    with attacker() as port:
        yield port


@pytest.fixture(scope="module")
def victim(tmp_path_factory) -> Iterator[ServerThread]:
    """A server with a song and a take of it."""
    folder = tmp_path_factory.mktemp("victim")
    settings = settings_in(folder)
    noise_song(settings.roots[0] / "song.wav")
    with ServerThread(settings) as server:
        with server.websocket() as peer:
            peer.render("repaint", source="song.wav", start=0, end=4800)
        yield server


def state_of(server):
    """All that a request could change: files and their bytes, jobs, takes, and what was carried out for whom."""
    root = server.settings.store.parent
    files = {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and path.suffix not in (".sqlite3-wal", ".sqlite3-shm", ".lock")
    }
    families = asyncio.run_coroutine_threadsafe(server.server.metrics.families(), server._loop).result(60)
    counted = {
        family.name: family.samples
        for family in families
        if family.name in ("requests", "jobs_ended", "connections", "connections_cut_off")
    }
    return files, counted, server.holdings()


def open_hostile_page(chromium, origin, port, target, tmp_path):
    """A page from that origin, and the name by which it calls the server."""
    page_at = {
        "another name": f"http://{EVIL}:{port}/",
        "another port": f"http://127.0.0.1:{port}/",
        "localhost": f"http://localhost:{port}/",
        "sandboxed frame": f"http://{EVIL}:{port}/",
        "data frame": f"http://{EVIL}:{port}/",
        # The attacker's name led to the attacker when the page was loaded, and leads to this machine now.
        "rebound name": f"http://{EVIL}:{target}/free-loops",
        "file": (tmp_path / "page.html").as_uri(),
    }[origin]
    (tmp_path / "page.html").write_text(page(), encoding="utf-8")
    tab = chromium.new_page()
    if origin == "rebound name":
        tab.route("**/free-loops", lambda route: route.fulfill(body=page(), content_type="text/html"))
    tab.goto(page_at)
    return tab, EVIL if origin == "rebound name" else "127.0.0.1"


def attack(tab, origin, arguments):
    """What the page found."""
    if origin not in ("sandboxed frame", "data frame"):
        return tab.evaluate("arguments => attack(...arguments)", arguments)
    inner = page() + f"<script>const arguments_ = {json.dumps(arguments)};"
    inner += "attack(...arguments_).then((found) => parent.postMessage(found, '*'));</script>"
    return tab.evaluate(
        """([inner, sandboxed]) => new Promise((done) => {
            const frame = document.createElement("iframe");
            if (sandboxed) { frame.sandbox = "allow-scripts allow-forms"; frame.srcdoc = inner; }
            else frame.src = "data:text/html;charset=utf-8," + encodeURIComponent(inner);
            addEventListener("message", (event) => event.source === frame.contentWindow && done(event.data));
            document.body.append(frame);
        })""",
        [inner, origin == "sandboxed frame"],
    )


def harmless(origin, attempt, got):
    """The refusal itself, and that the browser has it: what a page of a name that leads here gets for everything."""
    return origin == "rebound name" and (REFUSED in str(got) or attempt.startswith("preload "))


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_hostile_page_gets_nothing(chromium, hostile, victim, tmp_path, origin):
    target = victim.settings.websocket_port
    (take,) = victim.takes()
    before = state_of(victim)
    tab, name = open_hostile_page(chromium, origin, hostile, target, tmp_path)
    answered = []
    tab.on("response", lambda response: answered.append((response.status, response.url)))
    opened = []
    tab.on("websocket", lambda socket: socket.on("framereceived", lambda frame: opened.append(frame)))
    found = attack(tab, origin, [f"{name}:{target}", take.id, take.audio])
    assert len(found) > 100, "the page tried"
    assert {
        name: got for name, got in found.items() if got is not None and not harmless(origin, name, got)
    } == {}
    of_server = [(status, url) for status, url in answered if urlsplit(url).port == target]
    assert of_server, "it was the server that refused"
    assert [entry for entry in of_server if entry[0] < 400 and "free-loops" not in entry[1]] == []
    assert opened == []
    tab.close()
    assert state_of(victim) == before


def test_a_window_with_the_panel_is_out_of_its_openers_reach(chromium, hostile, victim):
    """A link to the panel is allowed. Whoever opened it can neither count its frames, nor send it messages or away."""
    target = victim.settings.websocket_port
    tab = chromium.new_page()
    tab.goto(f"http://{EVIL}:{hostile}/")
    with chromium.expect_page() as opening:
        tab.evaluate(f"window.stolen = open('http://127.0.0.1:{target}/'); null")
    panel = opening.value
    panel.wait_for_function("() => window.panel?.store.get('connection') === 'open'")
    assert panel.evaluate("window.opener") is None
    assert tab.evaluate("stolen.closed"), "for its opener it is gone"
    tab.evaluate("stolen.postMessage({method: 'forget'}, '*')")
    assert panel.evaluate("window.length") == 0
    panel.close()
    tab.close()


def test_the_same_attempts_succeed_from_our_own_page(chromium, victim):
    """Else the others would prove nothing."""
    target = victim.settings.websocket_port
    (take,) = victim.takes()
    tab = chromium.new_page()
    tab.goto(f"http://127.0.0.1:{target}/")
    script = SCRIPT.read_text(encoding="utf-8")
    call = f"async arguments => {{ {script}; return attack(...arguments); }}"
    attempts = [
        "fetch /schema.json", "opaque fetch /server.json", "img /panel/icon.svg", "script /panel/main.js", "import",
        "stylesheet /panel/panel.css", f"audio /takes/{take.id}/clip.wav", "WebSocket /", "iframe /server.json",
        "post application/json cors", "PUT upload",
    ]  # fmt: skip
    found = tab.evaluate(call, [f"127.0.0.1:{target}", take.id, take.audio, attempts, 20_000])
    tab.close()
    assert {attempt for attempt, got in found.items() if got is not None} == set(attempts)


def test_afterwards_the_server_serves_its_own_panel(chromium, victim):
    panel = Panel(chromium.new_page(), f"http://127.0.0.1:{victim.settings.websocket_port}").open()
    panel.wait("v.connection === 'open'")
    panel.close()
    with victim.websocket() as peer:
        assert peer.render("repaint", source="song.wav", start=0, end=4800)[-1].name == "done"
