"""Commands while the server cannot be reached, or goes away before it answers: each says so; none is done twice."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.panel.browser import Panel

pytestmark = pytest.mark.slow


class Wire:
    """The page's connection, which a test can cut: while `cut` is set nothing connects; a message with `unanswered` in
    it still reaches the server, and then the connection is gone."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.cut = False
        self.unanswered = ""
        self.open: list[WebSocketRoute] = []
        panel.page.route_web_socket("**/*", self._connected)
        panel.page.reload()
        panel.ready()

    def _connected(self, route: WebSocketRoute) -> None:
        if self.cut:
            route.close()
            return
        server = route.connect_to_server()
        self.open.append(route)

        def forward(message: str | bytes) -> None:
            server.send(message)
            if self.unanswered and json.loads(message)["method"] == self.unanswered:
                self.unanswered = ""
                server.on_message(lambda _: None)  # its answer reaches nobody
                route.close()

        route.on_message(forward)

    def lose(self) -> None:
        self.cut = True
        for route in self.open:
            route.close()
        expect(self.panel.page.locator("#connection")).not_to_have_attribute("data-state", "open")

    def find(self) -> None:
        """The page is connected again and shows what the server has."""
        opened = self.panel.value("opened")
        self.cut = False
        self.panel.page.evaluate("window.dispatchEvent(new Event('online'))")
        self.panel.wait("v.opened > x && v.connection === 'open'", opened)


@pytest.fixture
def take(server):
    """Id of a take that nothing is noted on."""
    with server.websocket() as peer:
        replies = peer.render("repaint", source="band.wav", bars="2", bpm=120, engine="noise")
        (found,) = [reply["take"] for reply in replies if reply.name == "take"]
    return found


def listed(server, take):
    with server.websocket() as peer:
        return next(
            (one for one in peer.call("takes.list", limit=1000)["takes"] if one["take"] == take), None
        )


def test_what_is_asked_for_without_a_connection_is_not_done_and_says_so(open_panel, server, take):
    panel = open_panel().ready()
    wire, page = Wire(panel), panel.page
    panel.wait("v.takes.some(one => one.take === x)", take)
    page.evaluate("id => panel.store.set({selected: id, filter: 'all'})", take)
    wire.lose()
    notice = page.locator(".notice.error", has_text="The server cannot be reached, so nothing was done.")

    def refused(name: str) -> None:
        expect(notice, name).to_contain_text("Then do it again.")
        notice.get_by_role("button", name="Close").click()
        expect(notice).to_have_count(0)

    page.locator("#take").get_by_role("button", name="Accept", exact=True).click()
    refused("accept")
    page.get_by_role("button", name="3 stars").click()
    refused("stars")
    panel.press("F2")
    page.fill("#take-name", "The one")
    page.keyboard.press("Enter")
    refused("name")
    page.evaluate("panel.bridge.walk('undo')")
    refused("undo")
    page.evaluate("panel.bridge.change('delete', panel.store.get('selected'))")
    refused("delete")
    found = listed(server, take)
    assert (found["chosen"], found.get("name"), found.get("stars")) == (False, None, None)
    wire.find()
    expect(page.locator("#take-name")).to_have_value("The one")  # what was typed is still there
    page.locator("#take-name").press("Enter")
    panel.wait("v.takes.find(one => one.take === x).name === 'The one'", take)
    assert listed(server, take)["name"] == "The one"


def test_what_was_done_unseen_is_shown_after_reconnecting_and_is_done_once(open_panel, server, take):
    panel = open_panel().ready()
    wire, page = Wire(panel), panel.page
    panel.wait("v.takes.some(one => one.take === x)", take)
    page.evaluate("id => panel.store.set({selected: id, filter: 'all'})", take)
    notice = page.locator(".notice.error", has_text="The connection was lost before the server answered.")
    for method, button, condition in (
        ("takes.choose", "Accept", "v.takes.find(one => one.take === x)?.chosen"),
        ("takes.mark", "4 stars", "v.takes.find(one => one.take === x)?.stars === 4"),
    ):
        wire.unanswered = method
        page.locator("#take").get_by_role("button", name=button, exact=True).click()
        expect(notice).to_contain_text("then shows what was done")
        panel.wait(f"v.connection === 'open' && {condition}", take)
        notice.get_by_role("button", name="Close").click()
    assert listed(server, take)["chosen"]
    with server.websocket() as peer:
        song = peer.call("takes.show", take=take)["song"]
        assert peer.call("songs.undo", song=song)["chosen"] is None, "accepted once"
    panel.wait("!v.takes.find(one => one.take === x).chosen", take)
    wire.unanswered = "takes.delete"
    page.evaluate("panel.bridge.change('delete', panel.store.get('selected'))")
    expect(notice).to_have_count(1)
    panel.wait("v.connection === 'open' && !v.takes.some(one => one.take === x)", take)


def test_an_upload_that_is_cut_off_ends_with_a_notice(open_panel, server):
    panel = open_panel().ready()
    wire, page = Wire(panel), panel.page
    wire.unanswered = "upload.begin"
    page.set_input_files("#song-file", {"name": "x.wav", "mimeType": "audio/wav", "buffer": b"\0" * 300_000})
    expect(page.locator(".notice.error")).to_contain_text(
        "The connection was lost before the server answered."
    )
    expect(page.locator(".notice progress")).to_have_count(0)
