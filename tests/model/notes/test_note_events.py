"""Notes read off matrices that are drawn by hand."""

import numpy as np
import pytest

from model.notes.note_events import LOWEST_PITCH, SHORTEST, NoteFrames, notes_in


def drawn(frames, *notes, onset=0.9):
    """(start, end, key, strength) each; beginnings where they begin."""
    sounding, onsets = (np.full((frames, 88), 0.01, np.float32) for _ in range(2))
    for start, end, key, strength in notes:
        sounding[start:end, key] = strength
        onsets[start, key] = onset
    return sounding, onsets


def rows(found):
    return [(one.start, one.end, one.pitch - LOWEST_PITCH) for one in found]


def test_notes_of_a_chord_and_a_melody():
    found = notes_in(*drawn(200, (20, 60, 40, 0.8), (20, 90, 44, 0.6), (100, 140, 40, 0.7)))
    assert rows(found) == [(20, 60, 40), (20, 90, 44), (100, 140, 40)]
    assert [one.strength for one in found] == pytest.approx([0.8, 0.6, 0.7])


def test_a_repeated_note_ends_where_the_next_one_begins():
    assert rows(notes_in(*drawn(200, (20, 60, 40, 0.8), (60, 100, 40, 0.8)))) == [(20, 60, 40), (60, 100, 40)]


def test_a_short_gap_is_no_end_and_a_short_note_no_note():
    sounding, onsets = drawn(200, (20, 100, 40, 0.8), (120, 120 + SHORTEST, 50, 0.8))
    sounding[40:60, 40] = 0.15 + 0.65 * np.abs(np.linspace(-1.0, 1.0, 20))  # no new attack
    assert rows(notes_in(sounding, onsets)) == [(20, 100, 40)]


def test_what_sounds_without_a_beginning_is_a_note_from_its_loudest_moment_outwards():
    sounding, onsets = drawn(200)
    sounding[30:90, 40] = np.concatenate([np.linspace(0.31, 0.9, 30), np.linspace(0.9, 0.31, 30)])
    assert rows(notes_in(sounding, onsets)) == [(30, 90, 40)]


def test_the_keys_beside_a_note_are_its_own_sound():
    assert rows(notes_in(*drawn(200, (20, 60, 40, 0.8), (22, 60, 41, 0.5), onset=0.4))) == [(20, 60, 40)]


def test_a_softer_note_on_a_partial_is_that_partial_and_an_octave_is_a_note():
    tone = (20, 90, 30, 0.8)
    for partial in (42, 49, 54):
        assert rows(notes_in(*drawn(200, tone, (25, 60, partial, 0.5)))) == [(20, 90, 30)]
    assert len(notes_in(*drawn(200, tone, (20, 90, 42, 0.7)))) == 2
    assert len(notes_in(*drawn(200, tone, (25, 60, 37, 0.5)))) == 2, "a fifth is no partial"
    assert len(notes_in(*drawn(200, tone, (100, 140, 42, 0.5)))) == 2, "the tone has ended"


@pytest.mark.parametrize("frames", [0, 1, 3, 12])
def test_hardly_any_frames_and_silence(frames):
    assert notes_in(*drawn(frames)) == []
    assert notes_in(np.zeros((50, 88), np.float32), np.zeros((50, 88), np.float32)) == []


def test_a_note_at_either_end_and_on_the_outermost_keys():
    found = notes_in(*drawn(100, (3, 40, 0, 0.8), (60, 100, 87, 0.8)))
    assert found[0] == NoteFrames(3, 40, 21, pytest.approx(0.8))
    assert (found[1].start, found[1].pitch) == (60, 108)
    assert found[1].end >= 98
