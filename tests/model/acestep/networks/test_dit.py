"""The transformer against the stored answers of the reference, block by block and whole."""

from __future__ import annotations

import copy
import math
from unittest.mock import patch

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.networks.attention import BlockShape
from model.acestep.networks.dit import Dit, DitConfig, DitLayer, modulate, sinusoids
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.tiny_models import BLOCK_TOLERANCE, DIT_TOLERANCE, TURBO, XL, networks, velocity

BLOCK = BlockShape(width=16, inner_width=16, heads=2, key_heads=1, head_width=8, window=2)


@pytest.fixture(name="dit", scope="module")
def _dit() -> Dit:
    return networks(TURBO).dit


# Angles reach 1000 radians: a rate that is off by the last bit of a float32 moves them by this much.
# The last bit of exp differs between processors (AVX512 and AVX2 give 3 of the 128 rates differently).
SINUSOID_TOLERANCE = 1000 * 2**-23


def exact_sinusoids(times: torch.Tensor) -> torch.Tensor:
    """The published formula in double precision: [B] -> [B, 256], cosines first."""
    rates = torch.exp(-math.log(10_000) * torch.arange(128, dtype=torch.float64) / 128)
    angles = 1000 * times.double()[:, None] * rates
    return torch.cat((angles.cos(), angles.sin()), dim=-1)


def test_time_embedding(dit: Dit) -> None:
    golden = tensors("timestep")
    gap = golden["t"] - golden["r"]
    for times, name in ((golden["t"], "sinusoid_t"), (gap, "sinusoid_t_minus_r")):
        for found in (sinusoids(times), golden[name]):
            assert worst(found.double(), exact_sinusoids(times)) <= SINUSOID_TOLERANCE
    for network, time, vector, rows in (
        (dit.time, golden["t"], "temb_t", "proj_t"),
        (dit.time_gap, gap, "temb_r", "proj_r"),
    ):
        ours = network(time)
        assert worst(ours[0], golden[vector]) <= BLOCK_TOLERANCE
        assert worst(ours[1], golden[rows]) <= BLOCK_TOLERANCE
    both = dit.embed_time(golden["t"], gap)
    assert worst(both[0], golden["temb"]) <= BLOCK_TOLERANCE
    assert worst(both[1], golden["timestep_proj"]) <= BLOCK_TOLERANCE


@pytest.mark.parametrize("index", [0, 1])
def test_layer_stage_by_stage(dit: Dit, index: int) -> None:
    golden = tensors("dit_layer")

    def check(ours: torch.Tensor, name: str) -> None:
        assert worst(ours, golden[f"layer{index}_{name}"]) <= BLOCK_TOLERANCE

    layer = dit.layers[index]
    assert isinstance(layer, DitLayer)
    plan, x = dit.plan(2 * 11), golden["hidden_in"]
    band = plan.band if dit.config.sliding[index] else None
    rows = (layer.shift_scale_gate + golden["timestep_proj"]).chunk(6, dim=1)
    normed = modulate(layer.self_norm(x), rows[0], rows[1])
    check(normed, "self_attn_in")
    attended = layer.self_attention(normed, plan.rotary, band)
    check(attended, "self_attn_out")
    x = x + rows[2] * attended
    check(x, "after_self_attn")
    seen = layer.cross_attention.keys_values(golden["encoder_hidden"])
    crossed = layer.cross_attention.across(layer.cross_norm(x), seen)
    check(crossed, "cross_attn_out")
    check(x + crossed, "after_cross_attn")
    check(layer(golden["hidden_in"], golden["timestep_proj"], seen, plan.rotary, band), "out")


@pytest.mark.parametrize("case", ["even", "odd", "short", "long", "meanflow"])
def test_whole_network(dit: Dit, case: str) -> None:
    golden = tensors("dit_forward")
    assert worst(velocity(dit, golden, f"{case}."), golden[f"{case}.out"]) <= DIT_TOLERANCE


def test_state_after_every_layer(dit: Dit) -> None:
    golden = {name.removeprefix("odd."): value for name, value in tensors("dit_forward").items()}
    x = dit._tokens(golden["x"], golden["context"])
    assert worst(x, golden["patchified"]) <= BLOCK_TOLERANCE
    _, modulation = dit.embed_time(golden["t"])
    plan, condition = dit.plan(25), dit.condition(golden["encoder"])
    for index, (layer, seen) in enumerate(zip(dit.layers, condition.layers, strict=True)):
        x = layer(x, modulation, seen, plan.rotary, plan.band if dit.config.sliding[index] else None)
        assert worst(x, golden[f"after_layer{index}"]) <= BLOCK_TOLERANCE


def test_xl() -> None:
    golden = tensors("xl")
    assert worst(velocity(networks(XL).dit, golden), golden["out"]) <= DIT_TOLERANCE


def test_a_batch_of_takes_equals_takes_one_by_one(dit: Dit) -> None:
    golden = tensors("dit_forward")
    x = golden["long.x"].repeat(2, 1, 1) * torch.tensor([1.0, 1.0, 0.5, -1.0])[:, None, None]
    context, time = golden["long.context"][:1], golden["long.t"][:1]
    plan, condition = dit.plan(x.shape[1]), dit.condition(golden["long.encoder"][:1])
    together = dit(x, context, time, condition, plan)
    for index, take in enumerate(x):
        alone = dit(take[None], context, time, condition, plan)
        assert worst(together[index : index + 1], alone) <= DIT_TOLERANCE


def test_the_gap_embedding_at_zero_is_part_of_the_result(dit: Dit) -> None:
    with_gap, _ = dit.embed_time(torch.tensor([0.5]))
    without, _ = dit.time(torch.tensor([0.5]))
    assert worst(with_gap, without) > 0.01


def test_context_comes_before_the_noisy_channels(dit: Dit) -> None:
    weight = dit.patchify.weight
    noisy, context = torch.randn(1, 4, 64), torch.randn(1, 4, 128)
    tokens = dit._tokens(noisy, context)
    first = torch.einsum("ock,kc->o", weight[:, :128], context[0, :2])
    first = first + torch.einsum("ock,kc->o", weight[:, 128:], noisy[0, :2]) + dit.patchify.bias
    assert worst(tokens[0, 0], first) <= 1e-4


def test_a_plan_of_another_length_is_refused(dit: Dit) -> None:
    golden = tensors("dit_forward")
    condition = dit.condition(golden["even.encoder"])
    with pytest.raises(ValueError, match="for 25 latent frames, the latents have 24"):
        dit(golden["even.x"], golden["even.context"], golden["even.t"], condition, dit.plan(25))


def test_impossible_configs() -> None:
    with pytest.raises(ValueError, match="at least one layer, got 0"):
        DitConfig(BLOCK, (), 8)
    with pytest.raises(ValueError, match=r"context_channels \(100\) must be twice latent_channels \(64\)"):
        DitConfig(BLOCK, (True,), 8, context_channels=100)


@pytest.mark.parametrize(
    ("time", "name", "noisy"), [(0.125, "attention", "noised"), (1.0, "attention_pure_noise", "noise")]
)
def test_attention_to_the_condition(time: float, name: str, noisy: str) -> None:
    golden = {key.removeprefix("dit."): value for key, value in tensors("lyric_times").items()}
    dit = copy.deepcopy(networks(TURBO).dit)
    for layer in dit.layers:
        assert isinstance(layer, DitLayer)
        layer.cross_attention.query_norm.weight.data *= 8  # as the stored case did
    heads = [(layer, head) for layer in range(4) for head in range(4)]
    frames = golden["latents"].shape[1]
    asked = (
        golden[noisy],
        golden["context"],
        torch.tensor([time]),
        dit.condition(golden["encoder"]),
        dit.plan(frames),
    )
    for entries in (slice(0, 114), slice(13, 40)):
        for found, (layer, head) in zip(dit.attention_to(*asked, heads, entries), heads, strict=True):
            assert worst(found[0], golden[name][layer, head][:, entries]) <= 1e-4
    with patch.object(dit.layers[3], "forward", side_effect=AssertionError("computed for nothing")):
        (only,) = dit.attention_to(*asked, [(2, 1)], slice(0, 114))
    assert worst(only[0], golden[name][2, 1]) <= 1e-4
