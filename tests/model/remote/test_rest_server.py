"""The protocol of the official server, where it is not already seen through the engine."""

import json

import pytest

from model.errors import CannotRender, NotLoaded
from model.pace import Pace
from model.remote.address import read_address
from model.remote.http_link import HttpLink
from model.remote.rest_server import FAILED, WAITING, RestServer, RestTask
from tests.model.remote.http_double import Reply
from tests.model.remote.rest_double import RestDouble, wrapped

GOING_ON = Pace(lambda _: None, lambda: False)


@pytest.fixture
def double():
    with RestDouble() as running:
        yield running


@pytest.fixture
def server(double):
    with HttpLink("acestep-api", read_address(double.address)) as link:
        yield RestServer(link)


def test_a_task_it_never_had_is_not_known(server):
    assert server.tasks(("task-99",), GOING_ON) == {"task-99": RestTask(WAITING, False)}


def test_no_record_at_all_is_not_the_end(double, server):
    double.answer = lambda asked: wrapped([])
    assert not server.tasks(("task-1",), GOING_ON)["task-1"].known


def test_a_failure_without_a_reason(double, server):
    double.answer = lambda asked: wrapped(
        [{"task_id": "a", "status": 2, "result": json.dumps([{"stage": "failed"}])}]
    )
    found = server.tasks(("a",), GOING_ON)["a"]
    assert (found.status, found.stage) == (FAILED, "failed")


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"data": null}', b'{"data": {"models": [{}]}}', b'{"data": {"models": 7}}'],
)
def test_another_program_is_no_server(double, server, body):
    double.answer = lambda asked: Reply(body)
    with pytest.raises(NotLoaded):
        server.version(GOING_ON)
    with pytest.raises((CannotRender, NotLoaded)):
        server.models(GOING_ON)
    with pytest.raises(CannotRender):
        server.stats(GOING_ON)
    with pytest.raises(CannotRender):
        server.begin({}, None, GOING_ON)


@pytest.mark.parametrize(
    "record", ['{"task_id": "a", "status": 1e999}', '{"task_id": "a", "status": 0, "result": "{"}', "7"]
)
def test_a_record_that_makes_no_sense(double, server, record):
    double.answer = lambda asked: Reply(f'{{"data": [{record}]}}'.encode())
    with pytest.raises(CannotRender):
        server.tasks(("a",), GOING_ON)


def test_its_own_words_are_passed_on(double, server):
    double.answer = lambda asked: Reply(b'{"detail": "no absolute paths"}', 400)
    with pytest.raises(CannotRender, match="no absolute paths"):
        server.begin({}, None, GOING_ON)


@pytest.mark.parametrize(
    "file", ["", "http://elsewhere/v1/audio", "file:///etc/passwd", "//elsewhere/v1/audio?path=x"]
)
def test_audio_is_fetched_from_that_server_only(double, server, file):
    before = len(double.asked)
    with pytest.raises(CannotRender):
        server.audio(RestTask(1, True, file=file), GOING_ON)
    assert len(double.asked) == before
