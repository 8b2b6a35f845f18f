"""The parts of the Remote Script that know nothing of Live: its OSC codec beside python-osc, and its arithmetic."""

from __future__ import annotations

import importlib
import math
import select
import socket
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from daw_protocol.timeline import TempoMap
from daw_protocol.timeline.exact_number import decimal_of_float32
from tests.examples.live_double import script_modules


@pytest.fixture(scope="module")
def parts() -> Iterator[ModuleType]:
    with script_modules():
        package = importlib.import_module("Takebridge")
        for name in ("osc_codec", "song_time", "settings", "placement", "bridge_link"):
            importlib.import_module(f"Takebridge.{name}")
        yield package


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
ARGUMENTS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    TEXTS,
    st.binary(max_size=40),
    st.booleans(),
    st.none(),
)


@given(st.lists(ARGUMENTS, max_size=12))
def test_python_osc_reads_what_we_write(parts, arguments):
    data = parts.osc_codec.encode("/ace/test", arguments)
    message = OscMessage(data)
    assert message.address == "/ace/test"
    assert message.params == arguments
    assert len(data) % 4 == 0


@given(st.lists(st.one_of(st.integers(-(2**31), 2**31 - 1), st.floats(width=32, allow_nan=False), TEXTS,
                          st.binary(min_size=1, max_size=40), st.booleans(), st.none()), max_size=12))  # fmt: skip
def test_we_read_what_python_osc_writes(parts, arguments):
    """An empty blob, which OSC allows, python-osc does not write."""
    builder = OscMessageBuilder("/bridge/take")
    for argument in arguments:
        builder.add_arg(argument)
    assert parts.osc_codec.decode(builder.build().dgram) == [("/bridge/take", arguments)]


@given(st.lists(ARGUMENTS, max_size=12))
def test_decoding_undoes_encoding(parts, arguments):
    assert parts.osc_codec.decode(parts.osc_codec.encode("/x", arguments)) == [("/x", arguments)]


def test_bundles_in_bundles(parts):
    inner = OscBundleBuilder(IMMEDIATELY)
    outer = OscBundleBuilder(IMMEDIATELY)
    for number, bundle in enumerate((outer, inner)):
        message = OscMessageBuilder(f"/ace/{number}")
        message.add_arg(number)
        bundle.add_content(message.build())
    outer.add_content(inner.build())
    data = outer.build().dgram
    assert parts.osc_codec.decode(data) == [("/ace/0", [0]), ("/ace/1", [1])]
    assert len(OscPacket(data).messages) == 2


@given(st.binary(max_size=80))
def test_rubbish_is_called_rubbish(parts, data):
    try:
        parts.osc_codec.decode(data)
    except parts.osc_codec.NotOsc:
        return
    assert data[:1] == b"/" or data[:8] == b"#bundle\0"


def test_endless_nesting_is_refused(parts):
    data = parts.osc_codec.encode("/x")
    for _ in range(30):
        data = b"#bundle\0" + bytes(8) + struct.pack(">i", len(data)) + data
    with pytest.raises(parts.osc_codec.NotOsc, match="nested"):
        parts.osc_codec.decode(data)


@pytest.mark.parametrize("wrong", [[object()], ["a\0b"], [[1]]])
def test_what_osc_cannot_carry_is_refused(parts, wrong):
    with pytest.raises(TypeError):
        parts.osc_codec.encode("/x", wrong)


@given(st.floats(20, 999), st.floats(0, 5000), st.sampled_from([44100, 48000, 88200, 96000, 192000]))
def test_a_beat_is_the_sample_the_bridge_means(parts, tempo, beat, rate):
    """The script and the server round alike, at every tempo Live can have."""
    text = parts.song_time.tempo_as_text(tempo)
    assert float(text) == tempo or struct.unpack("f", struct.pack("f", float(text)))[0] == tempo
    time = parts.song_time.SongTime(text, rate)
    server = TempoMap.constant(Fraction(text))
    assert time.sample_at(Fraction(beat)) == server.sample_at(Fraction(beat), rate)


@given(st.decimals(20, 999, places=2))
def test_a_tempo_is_sent_as_it_was_typed(parts, typed):
    tempo = float(typed)
    single = struct.unpack("f", struct.pack("f", tempo))[0]
    for stored in (tempo, single):
        assert (
            Fraction(parts.song_time.tempo_as_text(stored)) == Fraction(typed) == decimal_of_float32(stored)
        )


@given(
    st.integers(0, 2**33), st.sampled_from(["120", "127.3", "60", "174.25"]), st.sampled_from([44100, 48000])
)
def test_samples_and_beats_undo_each_other(parts, sample, tempo, rate):
    time = parts.song_time.SongTime(tempo, rate)
    assert time.sample_at(time.beats_in(sample)) == sample
    # As a float, which is what Live takes, it is off by less than a hundredth of a sample within an hour.
    if sample < 3600 * rate:
        error = abs(time.seconds_at(Fraction(float(time.beats_in(sample)))) * rate - sample)
        assert error < Fraction(1, 100)


def test_halfway_is_the_later_sample(parts):
    assert parts.song_time.nearest_sample(Fraction(1, 2), 1) == math.floor(1.0)


def test_settings_that_notepad_wrote(parts, tmp_path):
    (tmp_path / "settings.json").write_text('{\r\n "midi_channel": 2\r\n}', encoding="utf-8-sig")
    settings, mistakes = parts.settings.read_settings(str(tmp_path / "settings.json"))
    assert (settings["midi_channel"], mistakes) == (2, [])


def test_settings_that_are_no_json(parts, tmp_path):
    for text in ("{", "[]", "\xff"):
        file = tmp_path / "settings.json"
        file.write_bytes(text.encode("latin-1"))
        settings, mistakes = parts.settings.read_settings(str(file))
        assert settings == parts.settings.DEFAULTS
        assert len(mistakes) == 1
    assert parts.settings.read_settings(str(tmp_path / "none.json")) == (parts.settings.DEFAULTS, [])


def test_takes_are_copied_under_names_of_their_own(parts, tmp_path):
    take = tmp_path / "take.wav"
    take.write_bytes(b"one")
    the_set = tmp_path / "project" / "a.als"
    copies = [parts.placement.into_project(str(take), 'a/b: "x"', str(the_set)) for _ in range(3)]
    assert len(set(copies)) == 3
    assert all(copy.endswith(".wav") and Path(copy).read_bytes() == b"one" for copy in copies)


# The link, with a clock that the test sets and a server that replies when the test lets it.


class Link:
    """A link with one request on its way; `calls`: what its listener was called with."""

    def __init__(self, parts):
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.bind(("127.0.0.1", 0))
        self.now, self.calls = 0.0, []
        self.link = parts.bridge_link.BridgeLink(*self.server.getsockname(), "", self, lambda: self.now)
        self.link.request("repaint", "r1", {}, "about")

    def __getattr__(self, name):
        return lambda *_: self.calls.append((name, self.now))

    def arrived(self):
        """The messages the server has been sent since the last time."""
        found = []
        while select.select([self.server], [], [], 0)[0]:
            found.append(OscMessage(self.server.recv(65536)))
        return found

    def reply(self, name, *values):
        data = OscMessageBuilder(f"/bridge/{name}")
        for value in ("r1", *values):
            data.add_arg(value)
        self.server.sendto(data.build().dgram, ("127.0.0.1", self.link.port))

    def tick(self, until):
        """Live's ticks up to a moment; the moments at which a message arrived."""
        moments = []
        while self.now < until - 1e-9:
            self.now += 0.1
            self.link.poll()
            moments += [round(self.now, 1) for _ in self.arrived()]
        return moments

    def close(self):
        self.link.close()
        self.server.close()


@pytest.fixture
def link(parts):
    found = Link(parts)
    assert len(found.arrived()) == 1
    yield found
    found.close()


def near(moments, expected):
    """Within some ticks: each wait ends with the first tick after it."""
    return len(moments) == len(expected) and all(
        abs(moment - wanted) <= 0.5 for moment, wanted in zip(moments, expected, strict=True)
    )


def test_a_request_is_sent_again_in_growing_intervals_and_given_up(link):
    assert near(link.tick(until=20.0), [1, 3, 7])
    (shown, at), (ended, end) = link.calls
    assert (shown, ended) == ("waiting", "no_server")
    assert near([at, end], [3, 15])
    assert link.link.pending == {}


def test_a_reply_that_comes_late_is_in_time(link):
    """A machine that renders with all cores took ten seconds over it."""
    link.tick(until=10.0)
    link.reply("ack", "job", "j1", "state", "queued")
    link.tick(until=12.0)
    assert [name for name, _ in link.calls] == ["waiting", "acknowledged"]
    assert link.link.pending["r1"].job == "j1"


def test_a_render_that_falls_silent_is_asked_about_until_the_server_is_back(link):
    link.reply("ack", "job", "j1", "state", "queued")
    assert near(link.tick(until=18.0), [4, 5, 7, 11])
    assert [name for name, _ in link.calls] == ["acknowledged"]
    assert near(link.tick(until=40.0), [19, 27, 35])
    assert [name for name, _ in link.calls] == ["acknowledged", "silent", "silent"]
    link.reply("progress", "job", "j1", "stage", "rendering", "fraction", 0.5)
    assert link.tick(until=43.0) == []
    assert [name for name, _ in link.calls[3:]] == ["alive", "progress"]
