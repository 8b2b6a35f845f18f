"""Synthesised notes, found again by the network."""

import importlib.util

import numpy as np
import pytest

from model.errors import NotLoaded
from model.notes import transcriber as module
from model.notes.transcriber import WEIGHTS, HeardNote, Transcriber, refuse_without_package
from tests.model.notes.synthesis import f_score, synthesised

MISSING = importlib.util.find_spec("onnxruntime") is None
needs_onnxruntime = pytest.mark.skipif(
    MISSING, reason="SKIPPED: onnxruntime is not installed; pip install 'takebridge[notes]'"
)
MELODY = [
    HeardNote(0.3 + 0.4 * n, 0.6 + 0.4 * n, pitch, 90)
    for n, pitch in enumerate((60, 64, 67, 72, 69, 65, 62, 59))
]
CHORD = [HeardNote(4.0, 5.2, pitch, 80) for pitch in (48, 55, 64)]


@pytest.fixture(scope="module")
def network():
    return Transcriber(threads=1)


@needs_onnxruntime
@pytest.mark.parametrize("rate", [48_000, 22_050])
def test_a_melody_and_a_chord_are_found(network, rate):
    known = [*MELODY, *CHORD]
    found = network.notes(synthesised(known, 6.0, rate), rate)
    assert f_score([note for note in found if note.start < 3.9], MELODY) == 1.0
    assert (
        f_score(found, known) > 0.8
    )  # partials of a chord that stands still are heard as notes, softer ones
    late = [
        min((one.start - note.start for one in found if one.pitch == note.pitch), key=abs) for note in known
    ]
    assert abs(float(np.median(late))) < 0.025
    assert all(1 <= note.velocity <= 127 and note.start < note.end <= 6.0 for note in found)


@needs_onnxruntime
def test_in_a_long_sound_notes_stay_in_their_places(network):
    """A window is 188 samples shorter than its frames: a fault there grows to 0.1 s in twenty seconds."""
    known = [HeardNote(20.0, 20.6, 60, 90), HeardNote(23.0, 23.5, 64, 90)]
    found = network.notes(synthesised(known, 24.0, 22_050), 22_050)
    assert f_score(found, known, 0.03) == 1.0


@needs_onnxruntime
def test_equal_sound_gives_equal_notes_and_both_channels_count(network):
    sound = synthesised(MELODY[:3], 2.0, 22_050)
    first = network.notes(sound, 22_050)
    assert network.notes(np.stack([2 * sound, 0 * sound], axis=1), 22_050) == first != []


@needs_onnxruntime
def test_silence_nothing_and_what_ends_it(network):
    assert network.notes(np.zeros(22_050, np.float32), 22_050) == []
    assert network.notes(np.zeros((0, 2), np.float32), 48_000) == []

    def stop(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        network.notes(synthesised(MELODY, 2.0, 22_050), 22_050, stop)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    for use in (refuse_without_package, Transcriber):
        with pytest.raises(NotLoaded, match="onnxruntime") as caught:
            use()
        assert caught.value.remedy == "pip install 'takebridge[notes]'"


def test_the_weights_come_along_with_their_licence():
    assert WEIGHTS.stat().st_size == 230_444
    assert "Apache License" in WEIGHTS.with_name("LICENSE").read_text(encoding="utf-8")
    assert "Spotify" in WEIGHTS.with_name("NOTICE").read_text(encoding="utf-8")
