"""Ableton Link: two real peers in a network of their own, and the corners of one that is written down."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import statistics
import subprocess
import sys
import threading
import types
from fractions import Fraction

import pytest

from bridge_server.audition.link_transport import LinkReader, link_transport
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline.position import AtQuarters
from tests.places import PROJECT

OWN_NETWORK = ["unshare", "--user", "--map-root-user", "--net"]


def test_a_real_session(tmp_path):
    """The second peer's tempo is the bridge's, both count the same beats, and a stop stops."""
    if importlib.util.find_spec("link") is None:
        pytest.skip("SKIPPED: needs the Python package LinkPython-extern: pip install 'takebridge[link]'")
    try:
        subprocess.run([*OWN_NETWORK, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("SKIPPED: Link peers need a network of their own, and unshare may not make one here")
    words = [*OWN_NETWORK, sys.executable, "-m", "tests.bridge_server.link_peers", str(tmp_path)]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["tempo"] == [250.3]
    assert seen["stopped"]
    assert 0 <= seen["first"] < 1, "the song begins on the bar line"
    # Of ten comparisons the middle one: a busy machine may stop between two looks at a clock. 7 ms at this tempo.
    assert abs(statistics.median(seen["apart"])) < 0.03, seen["apart"]
    assert seen["daw_bpm"] == pytest.approx(250.3, abs=0.001)


class Session:
    """A Link session that is written down: beats at 120 BPM from `zero` on, in microseconds."""

    def __init__(self) -> None:
        self.peers, self.now, self.zero, self.bpm = 1, 0, 0, 120.0
        self.playing, self.started = False, 0
        self.enabled = self.startStopSyncEnabled = False

    # Link's own names

    def numPeers(self) -> int:  # noqa: N802
        return self.peers

    def clock(self) -> types.SimpleNamespace:
        return types.SimpleNamespace(micros=lambda: self.now)

    def captureAppSessionState(self) -> Session:  # noqa: N802
        return self

    def tempo(self) -> float:
        return self.bpm

    def isPlaying(self) -> bool:  # noqa: N802
        return self.playing

    def timeForIsPlaying(self) -> int:  # noqa: N802
        return self.started

    def beatAtTime(self, time: int, _quantum: float) -> float:  # noqa: N802
        return (time - self.zero) / 500_000


@pytest.fixture
def session(monkeypatch):
    found = Session()
    monkeypatch.setitem(sys.modules, "link", types.SimpleNamespace(Link=lambda _bpm: found))
    return found


@pytest.fixture
def reader(session):
    """A reader whose thread sleeps; `_read` is called by the test."""
    made = LinkReader(lambda _: None)
    made._closing.set()
    made._thread.join()
    return made


def test_the_song_begins_on_the_bar_line_after_the_start(session, reader):
    session.playing, session.started, session.now = True, 700_000, 700_000
    assert reader._read(False).quarters == Fraction("-2.6")
    assert not reader._read(False).rolling
    session.now = 2_250_000
    found = reader._read(False)
    assert (found.quarters, found.rolling) == (Fraction("0.5"), True)


def test_a_start_on_a_bar_line_is_that_one(session, reader):
    session.playing, session.started, session.now = True, 4_000_001, 4_000_001
    assert reader._read(False).quarters == Fraction(2, 1_000_000)


def test_each_start_begins_the_song_again(session, reader):
    session.playing, session.started, session.now = True, 0, 5_000_000
    assert reader._read(False).quarters == 10
    session.playing = False
    assert (reader._read(False).quarters, reader._read(False).rolling) == (0, False)
    session.playing, session.started, session.now = True, 6_000_000, 6_500_000
    assert reader._read(False).quarters == 1
    session.started, session.now = 8_000_000, 8_000_000  # stopped and started between two readings
    assert reader._read(False).quarters == 0


def test_a_session_without_others_does_not_play(session, reader):
    session.playing = True
    assert not reader._read(True).rolling


def test_tempos_are_rounded_as_people_write_them(session, reader):
    session.bpm = 127.29988458
    assert reader._read(False).bpm == 127.3


def test_nothing_is_read_alone_and_one_reading_ends_it(session):
    session.peers, session.playing = 0, True
    readings: list[bool] = []
    came = threading.Event()

    def on_reading(reading):
        readings.append(reading.rolling)
        came.set()

    made = LinkReader(on_reading)
    try:
        assert not came.wait(0.2)
        session.peers = 1
        assert came.wait(5)
        session.peers = 0
        came.clear()
        while readings[-1]:
            assert came.wait(5)
        came.clear()
        assert not came.wait(0.2)
    finally:
        made.close()
    assert session.enabled is False
    assert readings[0] is True


def test_readings_reach_the_event_loop_as_a_transport(session):
    session.playing, session.now = True, 1_000_000

    async def first():
        loop_thread = threading.get_ident()
        found = asyncio.get_running_loop().create_future()

        def report(_when, position, rolling):
            assert threading.get_ident() == loop_thread
            if not found.done():
                found.set_result((position, rolling))

        async with link_transport("", report):
            return await asyncio.wait_for(found, 10)

    assert asyncio.run(first()) == (AtQuarters(Fraction(2)), True)


def test_without_the_package_it_is_refused_with_a_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "link", None)
    with pytest.raises(ProtocolError, match=r"takebridge\[link\]") as raised:
        LinkReader(lambda _: None)
    assert raised.value.code is ErrorCode.NO_DEVICE
