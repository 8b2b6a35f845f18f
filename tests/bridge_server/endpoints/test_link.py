"""Ableton Link as a client: what a reading changes, and what it does not. The real session: test_link_transport.py."""

from __future__ import annotations

import asyncio
import types
from fractions import Fraction

import pytest

from bridge_server.audition.link_transport import LinkReading
from bridge_server.endpoints.link import INBOX, LinkControl, link_control
from daw_protocol import requests
from daw_protocol.timeline.position import AtQuarters


class Dispatcher:
    """Keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[object] = asyncio.Queue()

    async def respond(self, request, client):
        assert client.key == "link"
        self.asked.put_nowait(request)


def control(tempo_map=None) -> LinkControl:
    context = types.SimpleNamespace(tempo_map=tempo_map)
    return LinkControl(Dispatcher(), types.SimpleNamespace(context=context))


def reading(quarters: object, rolling: bool = True, bpm: float = 120.0) -> LinkReading:
    return LinkReading(0.0, Fraction(str(quarters)), rolling, bpm)


def asked(link: LinkControl, *readings: LinkReading, has_map: bool = False) -> list[object]:
    return [request for one in readings for request in link.requests_for(one, has_map)]


def moved(quarters: object, rolling: bool = True) -> requests.Transport:
    return requests.Transport(position=AtQuarters(Fraction(str(quarters))), rolling=rolling)


def test_a_tempo_is_sent_when_it_changes():
    found = asked(control(), *(reading(0, False, bpm) for bpm in (120, 120, 127.3, 127.3)))
    assert found == [requests.SetTempo(bpm=120), requests.SetTempo(bpm=127.3)]


def test_a_whole_tempo_map_keeps_its_tempos():
    link = control()
    assert asked(link, reading(0.5), has_map=True) == [moved(0.5)]
    assert asked(link, reading(0.6)) == [requests.SetTempo(bpm=120)], "once the map has gone"


def test_the_playhead_moves_at_the_start_at_each_beat_and_at_the_stop():
    link = control()
    asked(link, reading(0, False))
    steps = (
        reading(-2, False),
        reading(0.01),
        reading(0.5),
        reading(0.99),
        reading(1.02),
        reading(1.1, False),
    )
    assert asked(link, *steps) == [moved(0.01), moved(1.02), moved(1.1, False)]
    assert asked(link, reading(0.02)) == [moved(0.02)], "started again"


def test_readings_are_carried_out_in_order_and_a_flood_keeps_the_newest():
    async def run():
        link = control()
        for number in range(INBOX + 10):
            link.receive(reading(number))
        link.receive(reading(INBOX + 10, False, 90.0))
        task = asyncio.create_task(link.run())
        try:
            found = [await asyncio.wait_for(link._dispatcher.asked.get(), 5) for _ in range(INBOX + 2)]
        finally:
            task.cancel()
        kept = [moved(number) for number in range(11, INBOX + 10)]
        assert found == [
            requests.SetTempo(bpm=120),
            *kept,
            requests.SetTempo(bpm=90),
            moved(INBOX + 10, False),
        ]

    asyncio.run(run())


@pytest.mark.parametrize("wanted", [False])
def test_a_server_without_link_has_none(wanted):
    async def run():
        async with link_control(wanted, None, None, None):
            pass

    asyncio.run(run())
