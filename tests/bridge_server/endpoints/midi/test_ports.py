"""MIDI inputs by name, and what is said where there are none."""

from __future__ import annotations

import sys

import pytest

from bridge_server.endpoints.midi.ports import chosen, input_names, no_midi
from daw_protocol.errors import ProtocolError


def test_without_rtmidi_the_extra_is_named(monkeypatch):
    for name in [name for name in list(sys.modules) if name.startswith("mido.backends")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    with pytest.raises(ProtocolError) as found:
        input_names()
    assert found.value.remedy == "pip install 'takebridge[midi]'"


@pytest.mark.parametrize(
    ("wanted", "names", "answer"),
    [
        ("Launchpad", ["Launchpad MK3:MIDI 1 20:0", "nanoKONTROL"], "Launchpad MK3:MIDI 1 20:0"),
        ("nano", ["Launchpad", "nanoKONTROL"], "nanoKONTROL"),
        ("pad", ["pad", "pad 2"], "pad"),
    ],
)  # fmt: skip
def test_a_part_of_a_name_is_enough(wanted, names, answer):
    assert chosen(wanted, names) == answer


@pytest.mark.parametrize(
    ("wanted", "names", "words"),
    [("pad", ["pad 1", "pad 2", "x"], "'pad 1', 'pad 2'"), ("pad", ["x"], "'x'"), ("pad", [], "none")],
)
def test_a_name_that_is_none_shows_those_there_are(wanted, names, words):
    with pytest.raises(ProtocolError, match=words) as found:
        chosen(wanted, names)
    assert "midi list" in found.value.remedy


def test_what_is_missing_is_said():
    assert "takebridge[midi]" in no_midi(ModuleNotFoundError("No module named 'rtmidi'")).remedy
    assert "not available" in no_midi(OSError("no ALSA")).sentence
