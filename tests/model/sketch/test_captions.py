"""Words that switch something, and words that do not."""

from __future__ import annotations

import pytest

from model.sketch import captions
from model.sketch.captions import COMPLETE, REPAINT, read


@pytest.mark.parametrize(
    ("caption", "layers", "leans", "ignored"),
    [
        ("", "all", (), ()),
        ("keep the vocals, please", "keep vocals", (), ()),
        ("don't touch the singing", "keep vocals", (), ()),
        ("Drums only", "drums only", (), ()),
        ("just the drums", "drums only", (), ()),
        ("a warm drum fill", "fill", ("darker",), ()),
        ("without any drums", "no drums", (), ()),
        ("w/o drums, take out the beat", "no drums", (), ()),
        ("no fill", "all", (), ("no fill",)),
        ("don't keep the vocals", "all", (), ("don't keep the vocals",)),
        ("dark dark techno", "all", ("darker",), ("techno",)),
        ("not too bright, less busy", "all", ("darker", "sparser"), ()),
        ("less dark and much busier", "all", ("brighter", "busier"), ()),
        ("brighter and darker", "all", ("brighter",), ("darker",)),
        ("fulfilling", "all", (), ("fulfilling",)),
        ("ohne Schlagzeug", "all", (), ("ohne", "Schlagzeug")),
    ],
)
def test_reading(caption: str, layers: str, leans: tuple[str, ...], ignored: tuple[str, ...]) -> None:
    found = read(REPAINT, caption)
    assert (found.layers, found.leans, found.reading.ignored_words) == (layers, leans, ignored)
    assert not found.ending


def test_an_ending_is_for_complete_and_layers_are_for_repaint() -> None:
    ending = read(COMPLETE, "an ending with brushes, no drums")
    assert ending.ending
    assert ending.layers == "all"
    assert ending.notes() == (
        "Sketch does not follow these words of the prompt: brushes (only sounds of the song itself are used), "
        "no drums (only Repaint changes single layers).",
    )
    assert read(REPAINT, "outro").notes() == (
        "Sketch does not follow these words of the prompt: outro (only Complete makes an ending).",
    )
    assert not read(COMPLETE, "no ending").ending


def test_the_request_wins_over_its_caption() -> None:
    assert read(REPAINT, "drum fill", "keep vocals").layers == "keep vocals"
    assert read(COMPLETE, "", ending=True).ending


def test_unfollowed_words_become_one_note() -> None:
    assert read(REPAINT, "lush tape").notes() == (
        "Sketch does not follow these words of the prompt: lush, tape.",
    )
    assert read(REPAINT, "fill").notes() == ()


def test_every_layer_can_be_asked_for_by_its_name() -> None:
    for layer in captions.LAYERS:
        assert read(REPAINT, layer).layers == layer
