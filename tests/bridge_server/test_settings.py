from pathlib import Path

import pytest

from bridge_server.engines.registry import BUILT_IN, EngineSetup
from bridge_server.loopback import is_loopback
from bridge_server.settings import Settings
from daw_protocol.errors import ErrorCode, ProtocolError

STORE = Path("store")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_needs_no_token(host):
    assert is_loopback(host)
    assert Settings(store=STORE, host=host).token == ""


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "192.168.1.7", "::", "", "studio.local", "127.0.0.1.example.com"]
)
def test_everybody_else_needs_one(host):
    assert not is_loopback(host)
    with pytest.raises(ProtocolError) as raised:
        Settings(store=STORE, host=host)
    assert (raised.value.code, raised.value.field) == (ErrorCode.NOT_ALLOWED, "host")
    assert "--token" in raised.value.remedy
    assert Settings(store=STORE, host=host, token="secret").host == host


@pytest.mark.parametrize("token", ["two\nlines", "a\0b", "Schlüssel", " abc", "\ufeffabc", "x" * 201])
def test_a_token_can_be_sent_by_every_client(token):
    """A header of HTTP, an address and an OSC message have to carry it."""
    with pytest.raises(ProtocolError) as raised:
        Settings(store=STORE, token=token)
    assert (raised.value.code, raised.value.field) == (ErrorCode.OUT_OF_RANGE, "token")
    assert token not in raised.value.sentence
    assert Settings(store=STORE, token="x" * 200).token == "x" * 200


def test_an_engine_nobody_knows():
    with pytest.raises(ProtocolError) as raised:
        Settings(store=STORE, engine="skech")
    assert raised.value.code is ErrorCode.UNKNOWN_ENGINE
    assert "sketch" in raised.value.remedy


def test_the_sketch_engine_is_the_default_and_is_there():
    settings = Settings(store=STORE)
    assert settings.engine in settings.engines
    assert dict(settings.engines) == {spec.name: EngineSetup(spec.target) for spec in BUILT_IN}


@pytest.mark.parametrize("places", [0, -1, 9])
def test_places_are_few(places):
    with pytest.raises(ProtocolError) as raised:
        Settings(store=STORE, places=places)
    assert (raised.value.code, raised.value.field) == (ErrorCode.OUT_OF_RANGE, "places")
    assert [Settings(store=STORE, places=count).places for count in (1, 8)] == [1, 8]
