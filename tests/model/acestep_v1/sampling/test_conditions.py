"""What guidance leads away from: nothing, or a less attentive reading of the same words."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

import torch

from model.acestep_v1.sampling.conditions import Weakening, Words, conditions_of
from tests.model.acestep_v1.golden_v1 import tensors, tiny_condition_network

GIVEN = tensors("e2e_inputs")
LYRICS = tuple(GIVEN["lyric_ids"][0].tolist())
WORDS = Words(GIVEN["text_hidden"], GIVEN["text_hidden_null"], LYRICS)


def test_no_lyrics_count_for_nothing():
    found = conditions_of(tiny_condition_network(), Words(WORDS.text, None, (0,)), Weakening())
    assert found.prompt.mask[0, -1] == 0
    assert found.prompt.mask[0, :-1].all()


def test_an_edit_leads_away_from_no_lyrics_at_all():
    kept = conditions_of(tiny_condition_network(), WORDS, Weakening())
    edit = conditions_of(tiny_condition_network(), WORDS, Weakening(), edit=True)
    assert kept.null.mask.all()
    assert not edit.null.mask[0, -len(LYRICS) :].any()


def test_weakened_text_needs_weakened_lyrics():
    network = tiny_condition_network()
    plain = conditions_of(network, WORDS, Weakening(text=True, lyrics=False))
    without = conditions_of(network, WORDS, Weakening(text=False, lyrics=False))
    assert torch.equal(plain.null.states, without.null.states)
    both = conditions_of(network, WORDS, Weakening(text=True, lyrics=True), separate=True)
    assert both.text is not None
    assert not torch.equal(both.null.states, plain.null.states)
