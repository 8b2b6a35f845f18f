"""Commands that need a running server find it, with its ports and token, or say how to start one."""

from bridge_server.cli.running import server_on
from daw_protocol.errors import ErrorCode
from tests.refusals import refusal


def test_the_server_of_a_store_is_found(server):
    found = server_on(server.settings.store)
    assert (found.host, found.token, found.open) == ("127.0.0.1", "", False)
    assert (found.osc_port, found.websocket_port) == (
        server.settings.osc_port,
        server.settings.websocket_port,
    )


def test_without_one_the_words_say_what_to_do(tmp_path):
    error = refusal(lambda: server_on(tmp_path))
    assert error.code is ErrorCode.NOT_ALLOWED
    assert str(tmp_path) in error.sentence
    assert "takebridge serve" in error.remedy
