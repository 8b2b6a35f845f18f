import socket

import pytest

from model.remote.address import listens, read_address, refuse_open_token, refuse_unsendable_token


@pytest.mark.parametrize(
    ("text", "url", "host", "loopback"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080", True),
        (" http://localhost:8080/ ", "http://localhost:8080", "localhost:8080", True),
        ("https://studio.example/ace/", "https://studio.example/ace", "studio.example", False),
        ("http://[::1]:8001", "http://[::1]:8001", "[::1]:8001", True),
        ("HTTP://Studio:8001", "http://Studio:8001", "studio:8001", False),
        ("http://192.168.1.5:8188", "http://192.168.1.5:8188", "192.168.1.5:8188", False),
    ],
)
def test_an_address(text, url, host, loopback):
    found = read_address(text)
    assert (found.url, found.host, found.loopback) == (url, host, loopback)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("127.0.0.1:8080", "must look like http://"),
        ("ftp://127.0.0.1", "must look like http://"),
        ("http://", "must look like http://"),
        ("http://127.0.0.1:port", "no usable port"),
        ("http://127.0.0.1:99999", "no usable port"),
        ("http://me:secret@127.0.0.1:8080", "option token"),
        ("http://127.0.0.1:8080?key=secret", "must end"),
    ],
)
def test_what_is_no_address(text, told):
    with pytest.raises(ValueError, match=told) as caught:
        read_address(text)
    assert "secret" not in str(caught.value) or "key" in text


def test_a_token_is_not_sent_for_everybody_to_read():
    refuse_open_token(read_address("http://localhost:8001"), "secret")
    refuse_open_token(read_address("https://studio.example"), "secret")
    refuse_open_token(read_address("http://192.168.1.5"), "")
    for text in ("http://192.168.1.5", "HTTP://studio:8001"):
        with pytest.raises(ValueError, match="https") as caught:
            refuse_open_token(read_address(text), "secret")
        assert "secret" not in str(caught.value)


def test_a_token_that_no_header_can_carry():
    for token in ("", "abc", "sk-4_9~!*=/+"):
        refuse_unsendable_token(token)
    for token in ("Schlüssel", "sec ret", "secret\n", "secret\r\nX: y", "sec\x7fret", "sec\tret"):
        with pytest.raises(ValueError, match="token may only hold") as caught:
            refuse_unsendable_token(token)
        assert token not in str(caught.value)


def test_whether_anything_listens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = read_address(f"http://127.0.0.1:{server.getsockname()[1]}")
        assert listens(address, 5.0)
    assert not listens(address, 0.5)
