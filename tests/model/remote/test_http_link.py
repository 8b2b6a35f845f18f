"""Asking another program: every way it can fail has a sentence, and a cancel waits for nothing."""

import socket
import threading
import time

import pytest

from model.errors import CannotRender, NotLoaded, RenderLost, RenderStopped
from model.pace import Pace
from model.remote import http_link
from model.remote.address import read_address
from model.remote.http_link import Answer, HttpLink, during, read_json
from tests.model.remote.http_double import HttpDouble, Reply
from tests.model.remote.requests import AT_ONCE

GOING_ON = Pace(lambda _: None, lambda: False)


class Echo(HttpDouble):
    """Says what it was asked; /slow waits for `go_on`, /huge is too much, /moved points elsewhere."""

    def __init__(self):
        super().__init__()
        self.go_on = threading.Event()

    def answer(self, asked):
        if asked.path == "/slow":
            self.go_on.wait(10)
        if asked.path == "/moved":
            return Reply(b"", 302)
        return Reply(b"x" * 2000 if asked.path == "/huge" else b"{}")


@pytest.fixture
def echo():
    with Echo() as running:
        yield running


def link_to(address: str, **options) -> HttpLink:
    return HttpLink("ace-server", read_address(address), start="Start it.", **options)


def test_the_token_goes_along_and_nothing_else_does(echo, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with link_to(echo.address, token="abc") as link:
        assert link.get("/a", GOING_ON, id="1").good
    (asked,) = echo.asked
    assert asked.headers["authorization"] == "Bearer abc"
    assert asked.query == {"id": "1"}


def test_a_cancel_does_not_wait_for_a_slow_server(echo):
    stop, late = threading.Event(), []
    threading.Timer(0.1, stop.set).start()
    with link_to(echo.address) as link:
        with pytest.raises(RenderStopped):
            link.ask("POST", "/slow", Pace(lambda _: None, stop.is_set), late.append)
        began = time.monotonic()
    assert time.monotonic() - began < AT_ONCE, "closing waits for nothing"
    echo.go_on.set()
    for _ in range(500):
        if late:
            break
        time.sleep(0.01)
    assert [answer.status for answer in late] == [200], "what came too late is heard of"


def test_what_does_not_answer_is_not_there():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with (
            link_to(f"http://127.0.0.1:{taken.getsockname()[1]}") as link,
            pytest.raises(NotLoaded) as caught,
        ):
            link.get("/props", GOING_ON)
    assert "does not answer at http://127.0.0.1" in caught.value.sentence
    assert caught.value.remedy == "Start it."


def test_what_answers_too_slowly_is_lost(echo):
    with link_to(echo.address, answer_seconds=0.1) as link, pytest.raises(RenderLost, match="ReadTimeout"):
        link.get("/slow", GOING_ON)
    echo.go_on.set()


def test_an_endless_answer_is_cut(echo, monkeypatch):
    monkeypatch.setattr(http_link, "MOST_BYTES", 1000)
    with link_to(echo.address) as link, pytest.raises(CannotRender, match="sent more than"):
        link.get("/huge", GOING_ON)


def test_what_moved_is_not_followed(echo):
    with link_to(echo.address) as link:
        assert link.get("/moved", GOING_ON).status == 302
    assert echo.paths() == ["/moved"]


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (401, NotLoaded, "refuses the token"),
        (429, RenderLost, "too many jobs"),
        (503, RenderLost, "too many jobs"),
        (400, CannotRender, "status 400: Caption is required"),
        (200, CannotRender, "something else"),
    ],
)
def test_refusals(status, kind, told):
    error = link_to("http://127.0.0.1:1").refused(Answer(status, "", b""), "Caption is required")
    assert isinstance(error, kind)
    assert told in error.sentence


def test_what_a_call_raises_is_raised_where_it_is_waited_for():
    def broken() -> int:
        raise KeyError("name")

    with pytest.raises(KeyError):
        during(GOING_ON, broken)
    assert during(GOING_ON, lambda: 7) == 7


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 200_000])
def test_what_is_no_json(text):
    with pytest.raises(ValueError):
        read_json(text)
