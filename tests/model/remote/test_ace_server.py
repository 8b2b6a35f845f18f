"""The protocol of ace-server, where it is not already seen through the engine."""

import pytest

from model.errors import CannotRender, NotLoaded, RenderLost
from model.pace import Pace
from model.remote.ace_server import AceServer, first_audio
from model.remote.address import read_address
from model.remote.http_link import Answer, HttpLink
from tests.model.remote.ace_double import AceDouble
from tests.model.remote.http_double import Reply

GOING_ON = Pace(lambda _: None, lambda: False)


@pytest.fixture
def double():
    with AceDouble() as running:
        yield running


@pytest.fixture
def server(double):
    with HttpLink("ace-server", read_address(double.address)) as link:
        yield AceServer(link)


def test_what_it_has(double, server):
    found = server.props(GOING_ON)
    assert found.dits == double.dits
    assert found.adapters == ("warm-tape",)
    assert "task_type" in found.fields


def test_a_server_without_models_cannot_render(double, server):
    double.dits = ()
    with pytest.raises(NotLoaded, match="no models"):
        server.props(GOING_ON)


def test_its_own_sentence_is_passed_on(server):
    with pytest.raises(CannotRender, match="Caption is required"):
        server.begin("/synth", {"caption": ""}, {}, GOING_ON)


def test_too_long_a_song_is_its_sentence_too(server):
    with pytest.raises(CannotRender, match=r"413.*15000"):
        server.begin("/synth", {"caption": "x"}, {"src_latents": bytes(256 * 15_001)}, GOING_ON)


def test_a_job_it_never_had(server):
    assert server.status("0123456789abcdef", GOING_ON) == ""
    with pytest.raises(RenderLost, match="32 others"):
        server.result("0123456789abcdef", GOING_ON)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"id": 7}', b'{"id": "../../x"}', b"\xff"])
def test_an_answer_that_names_no_job(double, server, body):
    double.answer = lambda asked: Reply(body)
    with pytest.raises(CannotRender, match="something else"):
        server.begin("/synth", {}, {}, GOING_ON)


def test_results_of_old_and_new_versions():
    assert first_audio(Answer(200, "audio/wav", b"RIFF")) == b"RIFF"
    data = b"RIFF\r\n--ace-batch-boundary inside\r\n"
    body = (
        b"--ace-batch-boundary\r\nContent-Type: application/octet-stream\r\n\r\n123\r\n"
        b"--ace-batch-boundary\r\nContent-Type: audio/wav\r\n\r\n"
        + data.replace(b"\r\n--ace-batch-boundary", b"--ace")
        + b"\r\n--ace-batch-boundary--\r\n"
    )
    found = first_audio(Answer(200, "multipart/mixed; boundary=ace-batch-boundary", body))
    assert found == data.replace(b"\r\n--ace-batch-boundary", b"--ace")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", b"<html>"),
        ("multipart/mixed", b""),
        ("multipart/mixed; boundary=a", b"--a\r\nX: y\r\n\r\n1\r\n--a--"),
    ],
)
def test_results_without_audio(kind, body):
    with pytest.raises(ValueError, match="a result"):
        first_audio(Answer(200, kind, body))
