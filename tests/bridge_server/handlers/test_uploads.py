"""Announcing an upload: possible where the connection carries binary data, refused with a remedy elsewhere."""

import asyncio

import pytest

from bridge_server.handlers.uploads import begin_upload
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import BeginUpload
from daw_protocol.results import FileSent

ANNOUNCED = BeginUpload(id="u", name="song.wav", size=1234, sha256="0" * 64)


class Script:
    """A client that sends text only, as over OSC and the mailbox."""

    key = sender = door = "script"
    reply_to = ""

    def send(self, reply):
        raise AssertionError("the answer is the handler's result")


class Connection(Script):
    """A client that can send bytes, up to `limit`."""

    def __init__(self, limit):
        self.limit = limit
        self.announced = []

    def begin_upload(self, request):
        if request.size > self.limit:
            raise ProtocolError(ErrorCode.TOO_LARGE, "Too large.", "Send less.", "size")
        self.announced.append(request)


def test_a_connection_that_carries_bytes_expects_them():
    connection = Connection(2000)
    response = asyncio.run(begin_upload(ANNOUNCED, connection))
    assert connection.announced == [ANNOUNCED]
    assert response.result == FileSent(bytes=1234)
    assert (response.replies[0].id, response.replies[0].text) == ("u", "Send 1234 bytes.")


def test_any_other_client_is_shown_the_other_way():
    with pytest.raises(ProtocolError) as raised:
        asyncio.run(begin_upload(ANNOUNCED, Script()))
    assert raised.value.code is ErrorCode.BAD_UPLOAD
    assert "one of the server's folders" in raised.value.remedy


def test_what_the_connection_refuses_is_refused():
    with pytest.raises(ProtocolError) as raised:
        asyncio.run(begin_upload(ANNOUNCED, Connection(1000)))
    assert raised.value.code is ErrorCode.TOO_LARGE
