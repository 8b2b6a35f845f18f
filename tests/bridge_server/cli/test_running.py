"""Commands that need a running server find it, with its ports and token, or say how to start one."""

from pathlib import Path

import pytest

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


def test_another_users_store_is_not_said_to_have_none(tmp_path, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refused)  # as a folder of mode 0700 does
    with pytest.raises(PermissionError):  # which the command line puts into words
        server_on(tmp_path)
