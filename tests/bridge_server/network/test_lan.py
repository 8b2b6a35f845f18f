"""Letting a tablet in: its address and token, the code it scans, and this machine's programs that go on without one."""

import os
import re
import stat
import sys

import pytest

from bridge_server.network.lan import (
    TOKEN_FILE,
    code_to_scan,
    kept_token,
    panel_address,
)
from daw_protocol.errors import ProtocolError
from tests.bridge_server.servers import open_settings


def test_the_token_stays_the_same_and_is_the_users_own(tmp_path):
    token = kept_token(tmp_path / "new")
    assert len(token) >= 12
    assert kept_token(tmp_path / "new") == token
    assert kept_token(tmp_path / "other") != token
    if sys.platform != "win32":
        assert stat.S_IMODE(os.stat(tmp_path / "new" / TOKEN_FILE).st_mode) == 0o600


def test_a_spoilt_token_is_made_anew(tmp_path):
    for spoilt in (b"", b"\n", "käse".encode()):
        (tmp_path / TOKEN_FILE).write_bytes(spoilt)
        assert re.fullmatch(r"[\w-]{12,}", kept_token(tmp_path))


def test_a_token_that_cannot_be_kept_is_an_error_with_a_remedy(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ProtocolError, match="--token"):
        kept_token(tmp_path / "file")


def test_the_address_of_the_panel(tmp_path):
    assert panel_address(open_settings(tmp_path)) == "http://127.0.0.1:9125/"
    assert panel_address(open_settings(tmp_path), "192.168.1.5") == "http://192.168.1.5:9125/?token=abc"
    assert (
        panel_address(open_settings(tmp_path, trust_this_machine=False)) == "http://127.0.0.1:9125/?token=abc"
    )
    assert panel_address(open_settings(tmp_path, host="::1", token="")) == "http://[::1]:9125/"
    signs = panel_address(open_settings(tmp_path, token="a b&c#d%2"), "192.168.1.5")
    assert signs == "http://192.168.1.5:9125/?token=a%20b%26c%23d%252"


def test_the_code_is_a_square_of_blocks():
    lines = code_to_scan("http://192.168.1.5:9125/?token=abcdefghijkl").splitlines()
    text = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    assert len(text) > 10
    assert len({len(line) for line in text if line.strip()}) == 1


def test_a_daw_script_goes_on_as_it_is_while_a_tablet_is_let_in(start_server):
    server = start_server(host="0.0.0.0", token="abc", trust_this_machine=True)
    with server.osc() as osc:
        assert osc.ask("/bridge/status", "who").name == "ok"
    with server.websocket() as peer:
        assert peer.call("status")
    assert server.get("/bridge")[0] == 200
    assert server.get("/bridge", Host="studio.local")[0] == 403
