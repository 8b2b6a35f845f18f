"""A layer's notes come from the region's own separation, and name a figure where it is low."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.sketch.rearrange import layer_notes
from model.sketch.separation.separation import Stems

SOUND = np.ones((4, 2), np.float32)


def stems(share: float = 0.2, recognised: bool = True, **confidence: float) -> Stems:
    return Stems(SOUND, SOUND, SOUND, SOUND, share, recognised, confidence=confidence)


def test_a_clear_voice_and_clear_drums_need_no_note() -> None:
    for layer in ("keep vocals", "drums only", "no drums", "fill"):
        assert layer_notes.notes(layer, stems(vocals=0.9, drums=0.9)) == ()


def test_a_voice_that_is_not_recognised_is_kept_and_said() -> None:
    (note,) = layer_notes.notes("keep vocals", stems(recognised=False, vocals=0.9))
    assert note.startswith("No vocal was found for certain")


def test_how_much_of_the_voice_is_kept_is_named() -> None:
    (note,) = layer_notes.notes("keep vocals", stems(vocals=0.49))
    assert note.startswith("About 57 % of the voice is kept")


def test_where_nothing_leads_nothing_was_kept() -> None:
    (note,) = layer_notes.notes("keep vocals", stems(share=0.001, recognised=False, vocals=0.3))
    assert note.startswith("No vocal was found")
    assert "0.1 % of the energy and was kept" in note
    silent = replace(stems(share=0.0, recognised=False), vocals=np.zeros_like(SOUND))
    assert layer_notes.notes("keep vocals", silent) == (layer_notes._NOT_SUNG,)


def test_a_network_knows_a_quiet_voice_and_is_believed() -> None:
    quiet = replace(stems(share=0.008, vocals=0.9), by="HTDemucs 955717e8")
    assert layer_notes.notes("keep vocals", quiet) == ()
    (note,) = layer_notes.notes("keep vocals", replace(quiet, confidence={"vocals": 0.7}))
    assert note.startswith("About 70 % of the voice is kept"), "its own figure, not that of the rules"
    (note,) = layer_notes.notes("keep vocals", replace(quiet, has_vocal=False))
    assert note.startswith("No vocal was found")


@pytest.mark.parametrize("layer", ["drums only", "no drums", "fill"])
def test_drums_that_overlap_the_mix_are_named(layer: str) -> None:
    (note,) = layer_notes.notes(layer, stems(drums=0.4))
    assert note.startswith("Only 40 % of the drums")


def test_figures_say_what_was_found() -> None:
    assert layer_notes.figures(stems(recognised=False, vocals=0.456)) == {
        "separation": "rules",
        "vocal_share": 0.2,
        "vocal_recognised": False,
        "confidence": {"vocals": 0.46},
    }
