"""Prompts read with a table of words: phrases, negations, opposites, marks, scripts."""

from __future__ import annotations

import pickle
import time

import pytest

from model.vocabulary import PromptVocabulary, Wish

WORDS = PromptVocabulary(
    (
        Wish("drums", "plays drums", ("drums", "drum kit"), opposite="no drums"),
        Wish("no drums", "leaves the drums out", ("drumless",)),
        Wish("bass", "plays bass", ("bass",), opposite="no bass"),
        Wish("no bass", "leaves the bass out", ()),
        Wish("bright", "sounds bright", ("bright",), "colour", "dark", "dark"),
        Wish("dark", "sounds dark", ("dark",), "colour", "bright", "bright"),
        Wish("slow", "plays in half time", ("half-time",)),
    ),
    {"louder": "the loudness is matched"},
    frozenset(("music",)),
)


@pytest.mark.parametrize(
    ("prompt", "asked", "ignored"),
    [
        ("", [], []),
        ("the music, please", [], []),
        ("Drum-Kit!", ["drums"], []),
        ("HALF TIME", ["slow"], []),
        ("no drums", ["no drums"], []),
        ("no drums or bass", ["no drums", "no bass"], []),
        ("without drums and bass, bright", ["no drums", "no bass", "bright"], []),
        ("no drums. Bass", ["no drums", "bass"], []),
        ("no drums and half-time", ["no drums", "slow"], []),
        ("not half-time", [], ["not half-time"]),
        ("less bright", ["dark"], []),
        ("less drums", [], ["less drums"]),  # neither none nor as many
        ("no banjo, no", [], ["no banjo", "no"]),
        ("bright, then dark", ["bright"], ["dark"]),
        ("dark and dark", ["dark", "dark"], []),
        ("drum, kit", [], ["drum", "kit"]),  # a phrase does not go on behind a mark
        ("Banjo banjo BANJO", [], ["Banjo"]),
        ("\u30c9\u30e9\u30e0 drums", ["drums"], ["\u30c9\u30e9\u30e0"]),
        ("\u092c\u093f\u0928\u093e", [], ["\u092c\u093f\u0928\u093e"]),
        ("don\u2019t play drums", ["no drums"], []),
    ],
)
def test_reading(prompt: str, asked: list[str], ignored: list[str]) -> None:
    found = WORDS.read(prompt)
    assert [part.wish.name for part in found.understood] == asked
    assert list(found.ignored_words) == ignored


def test_what_is_found_is_shown_as_it_was_typed() -> None:
    found = WORDS.read("No Drums, LOUDER banjo")
    assert [part.text for part in found.understood] == ["No Drums"]
    assert found.note("Test") == (
        "Test does not follow these words of the prompt: LOUDER (the loudness is matched), banjo."
    )
    assert WORDS.read("bass").note("Test") == ""
    assert found.asks("no drums")
    assert not found.asks("drums")
    assert WORDS.read("dark bass").of_group("colour") == "dark"
    assert WORDS.read("bass").of_group("colour") == ""


def test_no_words_at_all() -> None:
    assert PromptVocabulary().read("no drums, please").ignored_words == ("no drums",)


def test_the_longest_prompt_is_read_while_it_is_typed() -> None:
    began = time.perf_counter()
    WORDS.read("no " * 600)
    WORDS.read("dark drums " * 180)
    assert time.perf_counter() - began < 0.5


def test_it_crosses_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(WORDS)).read("drumless").asks("no drums")
