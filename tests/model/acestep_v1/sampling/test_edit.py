"""Edits of prompt and lyrics, against the published code's numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

import torch

from model.acestep_v1.sampling.conditions import Weakening, Words, conditions_of
from model.acestep_v1.sampling.edit import ONLY_LYRICS, REMIX, EditSpan, edited
from model.acestep_v1.sampling.schedules import euler
from model.acestep_v1.sampling.velocity import EditVelocity, Network
from tests.model.acestep_v1.golden_v1 import tensors, tiny_condition_network, tiny_transformer, worst

GIVEN = tensors("e2e_inputs")
GOLDEN = tensors("e2e")
CASES = {
    "edit_full": (EditSpan(0.0, 1.0), 15.0),
    "edit_only_lyrics": (ONLY_LYRICS, 15.0),
    "edit_remix": (REMIX, 15.0),
    "edit_avg2": (EditSpan(0.5, 1.0, 2), 15.0),
    "edit_noguidance": (EditSpan(0.25, 0.75), 1.0),
}


def side(text: str, lyrics: str, scale: float) -> EditVelocity:
    words = Words(GIVEN[text], None, tuple(GIVEN[lyrics][0].tolist()))
    found = conditions_of(tiny_condition_network(), words, Weakening(), edit=True)
    return EditVelocity(Network(tiny_transformer(), 24), found, scale)


def drawn() -> Callable[[], torch.Tensor]:
    noises = iter(GIVEN["edit_noises"])
    return lambda: next(noises)


@pytest.mark.parametrize("case", CASES)
def test_an_edit(case: str):
    span, scale = CASES[case]
    old = side("text_hidden", "lyric_ids", scale)
    new = side("target_text_hidden", "target_lyric_ids", scale)
    with torch.no_grad():
        found = edited(old, new, GIVEN["src_latents"], euler(8), span, drawn())
    assert worst(found, GOLDEN[f"{case}.final"]) < 1e-4
