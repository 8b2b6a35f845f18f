"""The prompt's states against the published code's, and the tokenizer of a single file."""

from __future__ import annotations

import pytest

pytest.importorskip("transformers", reason="prompts need transformers: pip install takebridge[acestep]")

import torch

from model.acestep_v1.conditioning.prompt_encoder import (
    MAX_TOKENS,
    PromptEncoder,
    load_prompt_network,
    load_prompt_tokenizer,
    prompt_parameters,
    prompt_recipes,
)
from tests.model.acestep_v1.golden_v1 import tensors, tiny_weights, worst

CLOSE = 1e-5
PROMPTS = {"p0": "funk, pop, soul, guitar, 105 BPM", "p1": "piano"}


@pytest.fixture(scope="module")
def encoder() -> PromptEncoder:
    checkpoint = tiny_weights().checkpoint
    return PromptEncoder(
        load_prompt_network(checkpoint, torch.float32, "cpu"), load_prompt_tokenizer(checkpoint)
    )


@pytest.mark.parametrize("name", PROMPTS)
def test_states_with_and_without_weakening(encoder: PromptEncoder, name: str):
    golden = tensors("text_encoder")
    assert encoder.ids(PROMPTS[name]) == golden[f"{name}.ids"][0].tolist()
    assert worst(encoder.states(PROMPTS[name]), golden[f"{name}.hidden"]) < CLOSE
    assert worst(encoder.states(PROMPTS[name], 0.01), golden[f"{name}.hidden_tau"]) < CLOSE
    assert worst(encoder.states(PROMPTS[name]), golden[f"{name}.hidden"]) < CLOSE  # the weakening is gone


def test_padding_changes_no_state(encoder: PromptEncoder):
    """The published code pads a batch; here every prompt is read by itself."""
    golden = tensors("text_encoder")
    for row, prompt in enumerate(PROMPTS.values()):
        length = int(golden["batch.mask"][row].sum())
        assert worst(encoder.states(prompt)[0], golden["batch.hidden"][row, :length]) < CLOSE


def test_long_prompts_keep_their_end_and_say_what_is_cut(encoder: PromptEncoder):
    long = ", ".join(["piano"] * 400)
    assert len(encoder.ids(long)) == MAX_TOKENS
    assert encoder.ids(long)[-1] == 1
    assert encoder.unread(long).endswith("piano")
    assert encoder.unread("piano") == ""


def test_the_embeddings_may_have_either_name():
    for stored in ("shared.weight", "encoder.embed_tokens.weight"):
        recipes = prompt_recipes([stored, "text.logit_scale"])
        assert {recipe.sources for recipe in recipes.values()} == {(stored,)}
        assert set(recipes) == {"shared.weight", "encoder.embed_tokens.weight"}


def test_the_size_of_the_network():
    assert prompt_parameters(tiny_weights().checkpoint) == 128_544
