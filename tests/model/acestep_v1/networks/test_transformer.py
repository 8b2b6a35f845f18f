"""Every part of the transformer against the published code's numbers, and the whole of it."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

import torch

from model.acestep_v1.networks.transformer import plain_norm, time_features
from tests.model.acestep_v1.golden_v1 import tensors, tiny_transformer, worst

CLOSE = 1e-5


def test_time():
    golden, network = tensors("timestep"), tiny_transformer()
    assert worst(time_features(golden["t"]), golden["sinusoid"]) < 1e-4  # a frequency's last bit, times 1000
    embedded, blocks = network.embedded(golden["t"], torch.float32)
    assert worst(embedded, golden["embedded_timestep"]) < CLOSE
    assert worst(blocks.flatten(1), golden["temb"]) < CLOSE


def test_the_stem_normalises_over_the_whole_window():
    golden, stem = tensors("patch_and_head"), tiny_transformer().proj_in
    first = stem.early_conv_layers[0](golden["latents"])
    assert worst(first[:, :64, 0], golden["conv1"]) < CLOSE
    assert worst(stem.early_conv_layers[1](first)[:, :64, 0], golden["group_norm"]) < CLOSE
    assert worst(stem(golden["latents"]), golden["tokens"]) < CLOSE


def test_the_head():
    golden, head = tensors("patch_and_head"), tiny_transformer().final_layer
    assert worst(head(golden["head_hidden"], golden["head_embedded_timestep"]), golden["head_out"]) < CLOSE


@pytest.mark.parametrize(("tau", "name"), [(1.0, "out"), (0.01, "out_tau")])
def test_a_block(tau: float, name: str):
    golden, network = tensors("dit_block"), tiny_transformer()
    block = network.transformer_blocks[0]
    visible = golden["encoder_mask"].bool()[:, None, None]
    condition = block.cross_attn.prepare(golden["encoder_hidden"], visible, network.rotary(25))
    time = golden["temb"].unflatten(1, (6, -1))
    found = block(golden["hidden_in"], time, condition, network.rotary(13), tau)
    assert worst(found, golden[name]) < CLOSE
    shift, scale = (block.scale_shift_table + time)[:, 3:5].unsqueeze(2).unbind(1)
    between = golden["after_self_attn"] + golden["cross_attn_out"]
    assert worst(plain_norm(between) * (1 + scale) + shift, golden["ff_in"]) < CLOSE
    assert worst(block.ff(golden["ff_in"]), golden["ff_out"]) < CLOSE


@pytest.mark.parametrize("case", ["short", "normal", "long"])
def test_the_whole_network(case: str):
    golden, network = tensors("dit_forward"), tiny_transformer()
    given = {name: golden[f"{case}.{name}"] for name in ("x", "t", "encoder_hidden", "encoder_mask", "out")}
    condition = network.prepare(given["encoder_hidden"], given["encoder_mask"])
    rotary = network.rotary(given["x"].shape[-1])
    with torch.no_grad():
        assert worst(network(given["x"], given["t"], condition, rotary), given["out"]) < CLOSE


def test_the_weakened_blocks_and_the_states_between():
    golden, network = tensors("dit_forward"), tiny_transformer()
    condition = network.prepare(golden["normal.encoder_hidden"], golden["normal.encoder_mask"])
    seen: dict[int, torch.Tensor] = {}
    hooks = [
        network.transformer_blocks[index].register_forward_hook(
            lambda _block, _into, out, index=index: seen.__setitem__(index, out)
        )
        for index in (0, 7, 15, 23)
    ]
    given = golden["normal.x"], golden["normal.t"], condition, network.rotary(13)
    with torch.no_grad():
        network(*given)
        for hook in hooks:
            hook.remove()
        assert worst(network(*given, 0.01), golden["normal.out_tau"]) < CLOSE
    for index, state in seen.items():
        assert worst(state, golden[f"normal.after_block{index}"]) < CLOSE
