"""Renders from noise to latents through all networks of a checkpoint, against the reference's.

A plain Euler loop stands here instead of the product's sampler, so that this tests the networks alone.
"""

from __future__ import annotations

import itertools

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor

from model.acestep.networks.condition_encoder import Packed
from model.acestep.weights.checkpoint import open_weights
from model.acestep.weights.model_folders import recognise
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.tiny_models import (
    RENDER_TOLERANCE,
    TURBO,
    XL,
    Networks,
    all_valid,
    networks,
    silence,
)

INPUTS, GOLDEN = tensors("e2e_inputs"), tensors("e2e_turbo")
FRAMES = 33
NO_ITEM = torch.zeros(1, dtype=torch.long)


def shifted_times(shift: float, steps: int = 8) -> Tensor:
    even = torch.linspace(1, 0, steps + 1)
    return shift * even / (1 + (shift - 1) * even)


def rendered(loaded: Networks, noise: Tensor, context: Tensor, states: Tensor, times: Tensor) -> Tensor:
    plan, condition = loaded.dit.plan(noise.shape[1]), loaded.dit.condition(states)
    x = noise
    for time, following in itertools.pairwise(times):
        x = x + (following - time) * loaded.dit(x, context, time[None], condition, plan)
    return x


def condition_states() -> Tensor:
    encoder = networks(TURBO).conditions
    text, lyrics = all_valid(INPUTS["text_hidden"]), all_valid(INPUTS["lyric_hidden"])
    packed: Packed = encoder(text, lyrics, silence()[:, :750], NO_ITEM)
    return packed.states


def code_latents() -> Tensor:
    """The source through codes and back, as for a cover."""
    loaded = networks(TURBO)
    codes = loaded.tokenizer.encode(INPUTS["src_latents"], silence())
    return loaded.detokenizer(loaded.tokenizer.decode(codes))[:, :FRAMES]


def from_codes() -> Tensor:
    loaded = networks(TURBO)
    codes = GOLDEN["turbo.codes.codes"].long().reshape(1, -1)
    found = loaded.detokenizer(loaded.tokenizer.decode(codes))
    assert worst(found, GOLDEN["turbo.codes.hints_25hz"]) <= 1e-5
    return found[:, :FRAMES]


def test_condition() -> None:
    assert worst(condition_states(), GOLDEN["encoder_states"]) <= 1e-5


@pytest.mark.parametrize(
    ("case", "shift"),
    [
        ("text2music", 3.0),
        ("text2music_shift1", 1.0),
        ("cover", 3.0),
        ("cover_nofsq", 3.0),
        ("codes", 3.0),
        ("repaint_aggressive_explicit", 3.0),
    ],
)
def test_turbo(case: str, shift: float) -> None:
    quiet, source = silence()[:, :FRAMES], INPUTS["src_latents"]
    mask = torch.ones(1, FRAMES, 64)
    decoded = {
        "cover": code_latents,
        "codes": from_codes,
        "cover_nofsq": lambda: source,
        "repaint_aggressive_explicit": lambda: torch.cat(
            (source[:, :10], quiet[:, 10:22], source[:, 22:]), dim=1
        ),
    }.get(case, lambda: quiet)()
    if case.endswith("explicit"):
        mask[:, :10] = mask[:, 22:] = 0
    context = torch.cat((decoded, mask), dim=-1)
    assert worst(context, GOLDEN[f"turbo.{case}.context"]) <= 1e-5
    latents = rendered(networks(TURBO), INPUTS["noise"], context, condition_states(), shifted_times(shift))
    assert worst(latents, GOLDEN[f"turbo.{case}.final"]) <= RENDER_TOLERANCE


def test_base_without_guidance() -> None:
    golden = tensors("e2e_base")
    context = golden["base.text2music_noguidance.context"]
    latents = rendered(networks(TURBO), INPUTS["noise"], context, condition_states(), shifted_times(1.0, 6))
    assert worst(latents, golden["base.text2music_noguidance.final"]) <= RENDER_TOLERANCE


def test_xl() -> None:
    golden, loaded = tensors("xl"), networks(XL)
    first = {
        kind: Packed(golden[f"{kind}_hidden"][:1], golden[f"{kind}_mask"][:1].bool())
        for kind in ("text", "lyric")
    }
    states = loaded.conditions(first["text"], first["lyric"], silence()[:, :750], NO_ITEM).states
    context = torch.cat((silence()[:, :25], torch.ones(1, 25, 64)), dim=-1)
    latents = rendered(loaded, golden["noise"], context, states, shifted_times(3.0))
    assert worst(latents, golden["text2music"]) <= RENDER_TOLERANCE


def test_half_precision_stays_near() -> None:
    """bfloat16 keeps 8 bits: the networks accept float32 around them and lose a percent or so inside."""
    opened, dtype = open_weights(recognise(TURBO)), torch.bfloat16
    encoder, dit = opened.load_condition_encoder(dtype, "cpu"), opened.load_dit(dtype, "cpu")
    text, lyrics = all_valid(INPUTS["text_hidden"]), all_valid(INPUTS["lyric_hidden"])
    states = encoder(text, lyrics, silence()[:, :750], NO_ITEM).states
    assert states.dtype is dtype
    assert loss(states.float(), GOLDEN["encoder_states"]) < 0.03
    context = GOLDEN["turbo.text2music.context"]
    time = torch.tensor([0.9])
    half = dit(INPUTS["noise"], context, time, dit.condition(states), dit.plan(FRAMES))
    whole_dit = networks(TURBO).dit
    whole = whole_dit(
        INPUTS["noise"], context, time, whole_dit.condition(GOLDEN["encoder_states"]), whole_dit.plan(FRAMES)
    )
    assert half.dtype is torch.float32
    assert loss(half, whole) < 0.03
    detokenizer, codes = (
        opened.load_detokenizer(dtype, "cpu"),
        GOLDEN["turbo.codes.codes"].long().reshape(1, -1),
    )
    decoded = detokenizer(opened.load_tokenizer(dtype, "cpu").decode(codes))
    assert loss(decoded.float(), GOLDEN["turbo.codes.hints_25hz"]) < 0.03


def loss(ours: Tensor, theirs: Tensor) -> float:
    """Size of the difference as a share of the size of `theirs`."""
    return float((ours - theirs).norm() / theirs.norm())
