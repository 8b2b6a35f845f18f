"""JACK's transport as readings on the event loop, from a real JACK server."""

import asyncio
import shutil

import pytest

from bridge_server.audition.jack_transport import jack_transport
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.jack_server import jack_server


async def first_readings(count, wanted=lambda _: True):
    """Readings (when, position, rolling) for which `wanted` holds."""
    readings = asyncio.Queue()
    found = []
    async with jack_transport("", lambda *reading: readings.put_nowait(reading)):
        while len(found) < count:
            reading = await asyncio.wait_for(readings.get(), 20)
            if wanted(reading):
                found.append(reading)
    return found


def test_without_a_jack_server_it_is_refused_with_a_remedy(monkeypatch):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "there-is-none")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    with pytest.raises(ProtocolError) as raised:
        asyncio.run(first_readings(1))
    assert raised.value.code is ErrorCode.NO_DEVICE
    assert raised.value.remedy


@pytest.fixture
def jackd(monkeypatch, tmp_path):
    """A JACK server without a sound card, of the test's own."""
    if shutil.which("jackd") is None:
        pytest.skip("SKIPPED: needs jackd: apt install jackd2")
    with jack_server(tmp_path) as found:
        for variable, value in found.items():
            monkeypatch.setenv(variable, value)
        yield


@pytest.mark.alone
def test_jacks_transport_as_it_rolls(jackd):
    jack = pytest.importorskip("jack", reason="SKIPPED: needs the Python package JACK-Client")
    daw = jack.Client("a daw")
    daw.activate()
    try:
        assert asyncio.run(first_readings(1))[0][2] is False
        daw.transport_frame = 480000
        daw.transport_start()
        moving = asyncio.run(first_readings(10, lambda reading: reading[2]))
        (first, began, _), (last, ended, _) = moving[0], moving[-1]
        assert 10 <= began.seconds < 14
        assert float(ended.seconds - began.seconds) == pytest.approx(last - first, abs=0.06)
        daw.transport_stop()
        asyncio.run(first_readings(1, lambda reading: not reading[2]))
    finally:
        daw.close()
