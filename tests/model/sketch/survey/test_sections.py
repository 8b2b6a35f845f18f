"""Parts of songs made of numbers."""

import numpy as np

from model.sketch.survey.sections import find_parts


def song(form, bars=8, scatter=0.3, seed=0):
    """Features of bars: each letter has a sound and chords of its own."""
    rng = np.random.default_rng(seed)
    sounds = {letter: rng.normal(0.0, 6.0, 40) for letter in "ABC"}
    chords = {letter: rng.uniform(0.0, 1.0, (4, 24)) for letter in "ABC"}
    sound = [sounds[letter] + rng.normal(0.0, scatter, 40) for letter in form for _ in range(bars)]
    harmony = [chords[letter][bar % 4] for letter in form for bar in range(bars)]
    return np.array(sound), np.array(harmony)


def test_parts_and_their_letters():
    found = find_parts(*song("ABAC"))
    assert [(part.name, part.first, part.last) for part in found] == [
        ("A", 0, 8), ("B", 8, 16), ("A", 16, 24), ("C", 24, 32),
    ]  # fmt: skip
    assert all(part.clear > 0.5 for part in found)


def test_where_nothing_turns_there_is_one_part_and_no_certainty():
    assert [(part.name, part.clear) for part in find_parts(*song("AAAA"))] == [("A", 0.0)]


def test_a_few_bars_are_one_part():
    assert [part.last for part in find_parts(*song("A", 5))] == [5]
    assert find_parts(np.zeros((0, 40)), np.zeros((0, 24))) == []
