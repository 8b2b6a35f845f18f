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
        self.status = 200

    def answer(self, asked):
        if asked.path == "/slow":
            self.go_on.wait(10)
        if asked.path == "/moved":
            return Reply(b"", 302)
        return Reply(b"x" * 2000 if asked.path == "/huge" else b"{}", self.status)


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


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(http_link, "RETRY_SECONDS", 0.01)


def test_a_server_that_was_there_is_waited_for(echo, quick):
    stages = []

    def progress(update):
        stages.append(update.stage)
        if len(stages) == 3:
            echo.come_back()

    with link_to(echo.address, absent_seconds=60.0) as link:
        assert link.get("/a", GOING_ON).good
        echo.leave()
        assert link.post("/b", Pace(progress, lambda: False), content=b"song").good
    assert stages == [http_link.NO_ANSWER] * 3
    assert echo.paths() == ["/a", "/b"]
    assert echo.asked[-1].body == b"song"


def test_a_server_that_does_not_come_back_is_lost(echo, quick):
    with link_to(echo.address, absent_seconds=0.1) as link:
        assert link.get("/a", GOING_ON).good
        echo.leave()
        with pytest.raises(RenderLost, match="does not answer any more"):
            link.get("/b", GOING_ON)


def test_a_server_that_never_answered_is_not_waited_for(echo):
    echo.leave()
    with (
        link_to(echo.address, absent_seconds=60.0) as link,
        pytest.raises(NotLoaded, match="does not answer"),
    ):
        link.get("/a", GOING_ON)


def test_a_cancel_ends_the_waiting(echo):
    stop = threading.Event()
    with link_to(echo.address, absent_seconds=60.0) as link:
        assert link.get("/a", GOING_ON).good
        echo.leave()
        with pytest.raises(RenderStopped):
            link.get("/b", Pace(lambda _: stop.set(), stop.is_set))


@pytest.mark.parametrize(
    ("status", "stage"), [(429, http_link.TOO_MANY), (503, http_link.TOO_MANY), (502, http_link.NO_ANSWER)]
)
def test_a_server_that_takes_no_more_is_asked_again(status, stage, echo, quick):
    stages = []

    def progress(update):
        stages.append(update.stage)
        echo.status = 200

    with link_to(echo.address, absent_seconds=60.0) as link:
        assert link.get("/a", GOING_ON).good
        echo.status = status
        assert link.get("/b", Pace(progress, lambda: False)).good
    assert stages == [stage]
    assert echo.paths() == ["/a", "/b", "/b"]


def test_one_that_takes_none_for_long_has_said_no(echo, quick):
    with link_to(echo.address, absent_seconds=0.1) as link:
        assert link.get("/a", GOING_ON).good
        echo.status = 429
        assert link.get("/b", GOING_ON).status == 429
    assert len(echo.asked) > 2


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
