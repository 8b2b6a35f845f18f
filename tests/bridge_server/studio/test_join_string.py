"""The line that joins two machines, and the one certificate it stands for."""

from __future__ import annotations

import pytest

from bridge_server.studio.join_string import HOST_PORT, JoinString
from daw_protocol.errors import ErrorCode, ProtocolError

TOKEN, FINGERPRINT = "t" * 43, "0f" * 32


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (f"wss://box:9200#{TOKEN}.{FINGERPRINT}", "wss://box:9200"),
        (f" wss://10.0.0.7#{TOKEN}.{FINGERPRINT}\n", f"wss://10.0.0.7:{HOST_PORT}"),
        (f"wss://[fe80::1]:9135#{TOKEN}.{FINGERPRINT}", "wss://[fe80::1]:9135"),
        (f"ws://127.0.0.1:9135#{TOKEN}", "ws://127.0.0.1:9135"),
    ],
)
def test_a_line_is_read_and_written_alike(text, address):
    join = JoinString.parse(text)
    assert join.address == address
    assert JoinString.parse(str(join)) == join


@pytest.mark.parametrize(
    "text",
    [
        "", "box", "wss://box:9135", f"wss://box:9135#{TOKEN}", f"wss://box#{TOKEN}.{FINGERPRINT[1:]}",
        f"wss://box:99999#{TOKEN}.{FINGERPRINT}", f"http://box#{TOKEN}", f"ws://127.0.0.1#{TOKEN[1:]}",
        f"ws://127.0.0.1#{TOKEN}.{FINGERPRINT}", f"wss://#{TOKEN}.{FINGERPRINT}", f"wss://[box#{TOKEN}",
        f"wss://studio..lan#{TOKEN}.{FINGERPRINT}",
    ],
)  # fmt: skip
def test_another_line_is_refused_and_not_quoted(text):
    with pytest.raises(ProtocolError) as caught:
        JoinString.parse(text)
    assert caught.value.code is ErrorCode.WRONG_TYPE
    assert TOKEN[1:] not in str(caught.value)


def test_no_token_goes_through_a_network_in_clear():
    with pytest.raises(ProtocolError) as caught:
        JoinString.parse(f"ws://box:9135#{TOKEN}")
    assert caught.value.code is ErrorCode.NOT_ALLOWED


def test_a_log_shows_no_token():
    assert TOKEN not in repr(JoinString("box", 9135, TOKEN, FINGERPRINT))
