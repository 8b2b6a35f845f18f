"""Words that switch something, and words that do not."""

from __future__ import annotations

import pytest

from model.sketch import captions


@pytest.mark.parametrize(
    ("caption", "layers", "ending", "ignored"),
    [
        ("", "all", False, ()),
        ("keep the vocals, please", "keep vocals", False, ()),
        ("Drums only", "drums only", False, ()),
        ("a warm drum fill", "fill", False, ("warm",)),
        ("without drums", "no drums", False, ()),
        ("an ending with strings", "all", True, ("strings",)),
        ("dark dark techno", "all", False, ("dark", "techno")),
        ("fulfilling", "all", False, ("fulfilling",)),
    ],
)
def test_reading(caption: str, layers: str, ending: bool, ignored: tuple[str, ...]) -> None:
    assert captions.read(caption, "all", False) == captions.CaptionRequest(layers, ending, ignored)


def test_the_request_wins_over_its_caption() -> None:
    assert captions.read("drum fill", "keep vocals", True).layers == "keep vocals"


def test_ignored_words_become_one_note() -> None:
    assert captions.read("warm tape", "all", False).notes() == (
        "Sketch ignored these words of the prompt: warm, tape.",
    )
    assert captions.read("fill", "all", False).notes() == ()
