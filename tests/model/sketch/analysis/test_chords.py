"""Key names and chord posteriors; accuracy on songs is tested in test_analysis.py."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.analysis import chords


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("C major", (0, "major")),
        ("F# minor", (6, "minor")),
        ("Bb", (10, "major")),
        ("B♭ min", (10, "minor")),
        ("am", (9, "minor")),
        ("Cb major", (11, "major")),
        ("E dorian", (4, "minor")),
    ],
)
def test_key_names(text: str, key: tuple[int, str]) -> None:
    assert chords.parse_key(text) == chords.Key(*key)


@pytest.mark.parametrize("text", [None, "", "H major", "?"])
def test_what_is_no_key(text: str | None) -> None:
    assert chords.parse_key(text) is None


def test_posteriors_equal_the_direct_forward_backward() -> None:
    """The shortcut for equal change costs against the textbook recursion with a full transition matrix."""
    rng = np.random.default_rng(5)
    emission, cost = rng.normal(0.0, 2.0, (12, 24)), rng.uniform(0.5, 2.5, 12)
    forward = [np.exp(emission[0]) / 24]
    step = [np.exp(-c) * np.ones((24, 24)) + (1 - np.exp(-c)) * np.eye(24) for c in cost]
    for i in range(1, 12):
        forward.append((forward[-1] @ step[i]) * np.exp(emission[i]))
    backward = [np.ones(24)]
    for i in range(11, 0, -1):
        backward.insert(0, step[i] @ (backward[0] * np.exp(emission[i])))
    direct = np.array(forward) * np.array(backward)
    direct /= direct.sum(axis=1, keepdims=True)
    assert np.abs(chords.posteriors(emission, cost) - direct).max() < 1e-5


def test_the_tonic_of_a_key() -> None:
    assert chords.Key(9, "minor").tonic_chord == 21
    assert chords.Key(2, "major").tonic_chord == 2


def test_the_likeliest_line_changes_only_where_it_pays() -> None:
    emission = np.zeros((6, 24))
    emission[:3, 9] = emission[3:, 5] = 2.0
    emission[1, 4] = 2.5  # one doubtful beat
    line = chords.chord_line(emission, np.full(6, 1.0))
    assert line.tolist() == [9, 9, 9, 5, 5, 5]
    assert chords.chord_line(emission, np.zeros(6)).tolist() == [9, 4, 9, 5, 5, 5]
    assert chords.chord_line(np.zeros((0, 24)), np.zeros(0)).tolist() == []


def test_chords_are_spelled_as_their_key_is() -> None:
    line = np.array([3, 22, 0])
    sounds = np.array([True, True, False])
    assert chords.names_of(line, sounds, chords.Key(5, "major")) == ["Eb", "Bbm", chords.NO_CHORD]
    assert chords.names_of(line, sounds, chords.Key(4, "major"))[:2] == ["D#", "A#m"]
    assert [chords.Key(tonic, "minor").flat for tonic in (9, 2, 4, 0)] == [False, True, False, True]
