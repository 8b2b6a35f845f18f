"""Which programs and pages may call: by the name they call the server, where they come from and their token."""

import pytest
from websockets.datastructures import Headers

from bridge_server.endpoints.http.callers import admitted, check_caller, host_name, is_embedded, is_open
from daw_protocol.errors import ProtocolError
from tests.bridge_server.servers import open_settings


def test_programs_of_this_machine_need_no_token_and_others_do(tmp_path):
    settings = open_settings(tmp_path)
    local = Headers({"Host": "127.0.0.1:9125"})
    assert admitted(settings, "/bridge", local, "127.0.0.1")
    assert admitted(settings, "/bridge", local, "::ffff:127.0.0.1")
    for peer in ("192.168.1.9", "10.0.0.1", "", "::ffff:192.168.1.9"):
        assert not admitted(settings, "/bridge", local, peer)
        assert admitted(settings, "/bridge?token=abc", local, peer)
        with pytest.raises(ProtocolError, match="token"):
            check_caller(settings, "/bridge", local, peer)
    # A page of a stranger, made to look local (DNS rebinding), or a tunnel: the name it calls us gives it away.
    assert not admitted(settings, "/bridge", Headers({"Host": "evil.example"}), "127.0.0.1")
    assert not admitted(open_settings(tmp_path, trust_this_machine=False), "/bridge", local, "127.0.0.1")


def asked(**headers):
    return Headers({"Host": "127.0.0.1:9125", **headers})


def test_a_page_that_made_its_name_point_here_is_refused(tmp_path):
    settings = open_settings(tmp_path, host="127.0.0.1", token="")
    check_caller(settings, "/bridge", asked(), "127.0.0.1")
    for host in ("evil.example:9125", "127.0.0.1.evil.example", ""):
        with pytest.raises(ProtocolError):
            check_caller(settings, "/bridge", Headers({"Host": host}), "127.0.0.1")


def test_only_our_own_pages_may_call(tmp_path):
    settings = open_settings(tmp_path, host="127.0.0.1", token="")
    check_caller(settings, "/bridge", asked(Origin="http://127.0.0.1:9125"), "127.0.0.1")
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1", ""):
        with pytest.raises(ProtocolError):
            check_caller(settings, "/bridge", asked(Origin=origin), "127.0.0.1")


@pytest.mark.parametrize(
    ("path", "headers", "is_public"),
    [
        ("/", {"Accept": "text/html"}, True),
        ("/?token=wrong", {"Accept": "text/html"}, True),  # the page asks again
        ("/", {}, False),
        ("/?LISTEN=1", {"Accept": "text/html"}, False),
        ("/schema.json", {"Accept": "text/html"}, False),
        ("/", {"Accept": "text/html", "Connection": "keep-alive, Upgrade"}, False),
    ],
)
def test_the_page_itself_is_public_and_nothing_else(tmp_path, path, headers, is_public):
    assert is_open(path, asked(**headers)) is is_public


def test_a_token_comes_in_the_address_or_in_a_header(tmp_path):
    settings = open_settings(tmp_path, trust_this_machine=False)
    assert admitted(settings, "/bridge?token=abc", asked(), "")
    assert admitted(settings, "/bridge", asked(Authorization="Bearer abc"), "")
    for path, headers in (("/bridge?token=ab", {}), ("/bridge", {"Authorization": "Bearer abcd"})):
        assert not admitted(settings, path, asked(**headers), "")


def test_the_name_the_caller_uses():
    assert host_name(Headers({"Host": "[::1]:9125"})) == "::1"
    assert host_name(Headers({"Host": "studio.local:9125"})) == "studio.local"
    assert host_name(Headers({})) is None
    with pytest.raises(ValueError):
        host_name(Headers({"Host": "[::1"}))


@pytest.mark.parametrize(
    ("mode", "dest", "refused"),
    [
        ("navigate", "document", False), ("navigate", "iframe", True), ("navigate", "object", True),
        ("navigate", "embed", True), ("no-cors", "image", True), ("cors", "empty", True), ("no-cors", "document", True),
    ],
)  # fmt: skip
def test_strangers_may_link_to_the_panel_and_not_show_it_in_their_own_page(tmp_path, mode, dest, refused):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
    assert is_embedded(asked(**headers)) is refused
    assert not is_embedded(asked(**{**headers, "Sec-Fetch-Site": "same-origin"}))
