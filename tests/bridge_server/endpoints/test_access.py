"""Token rules: who needs none, and what passes for it."""

import pytest

from bridge_server.endpoints.access import is_own, is_token, needs_token
from bridge_server.settings import Settings
from tests.bridge_server.servers import open_settings

OUTSIDE = "192.168.1.9"


def settings(tmp_path, **changes):
    return open_settings(tmp_path, **{"token": "cheese!", "trust_this_machine": False, **changes})


def test_the_token_and_nothing_like_it(tmp_path):
    assert is_token(settings(tmp_path), "cheese!")
    for given in ("", "cheese", "CHEESE!", "cheese! ", "chéese!", "chees\udce4!"):
        assert not is_token(settings(tmp_path), given)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.0.0.9", "::1", "::ffff:127.0.0.1"])
def test_programs_of_this_machine_are_trusted_where_the_server_says_so(tmp_path, peer):
    assert is_own(settings(tmp_path, trust_this_machine=True), peer)
    assert not is_own(settings(tmp_path), peer)


@pytest.mark.parametrize("peer", [OUTSIDE, "::ffff:192.168.1.9", "fe80::1", "", "localhost.evil.example"])
def test_others_are_not(tmp_path, peer):
    assert not is_own(settings(tmp_path, trust_this_machine=True), peer)


def test_an_osc_message_needs_the_token_unless_it_comes_from_this_machine(tmp_path):
    trusting = settings(tmp_path, trust_this_machine=True)
    assert not needs_token(trusting, "127.0.0.1")
    assert needs_token(trusting, OUTSIDE)
    assert needs_token(settings(tmp_path), "127.0.0.1")


def test_a_server_without_a_token_asks_for_none(tmp_path):
    assert not needs_token(Settings(store=tmp_path), OUTSIDE)
