"""A transformer with an adapter laid over it, against the stored answers of the reference."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
import torch
from torch import Tensor

from model.acestep.networks.dit import Dit
from model.acestep.weights.adapted_weights import AppliedAdapter, AppliedAdapters, adapted, switch
from model.acestep.weights.checkpoint import Weights, open_weights
from model.acestep.weights.int8_linear import load_int8_dit
from model.acestep.weights.model_folders import recognise
from tests.model.acestep.adapters import ADAPTERS, LOKR, OTHER, PEFT, SINGLE, read
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.stored_layouts import write_diffusers
from tests.model.acestep.tiny_models import DIT_TOLERANCE, TURBO, networks, silence, velocity

FILES = {
    "lora_scale1.0": (PEFT, 1.0),
    "lora_scale0.5": (PEFT, 0.5),
    "lokr": (ADAPTERS / "lokr" / LOKR, 1.0),
    "lokr_full": (ADAPTERS / "lokr_full" / LOKR, 1.0),
    "lokr_dora": (ADAPTERS / "lokr_dora" / LOKR, 1.0),
    "lokr_decompose_both": (ADAPTERS / "lokr_decompose_both" / LOKR, 1.0),
}


def loaded(weights: Weights, path: Path, strength: float = 1.0) -> Dit:
    return adapted(weights, (AppliedAdapter(read(path, weights), strength),)).load_dit(torch.float32, "cpu")


def distance(one: Tensor, other: Tensor) -> float:
    """How far apart two answers are that need not agree."""
    return float((one - other).abs().max())


@pytest.mark.parametrize("case", FILES)
def test_the_changed_transformer_answers_as_the_reference_does(weights: Weights, case: str) -> None:
    golden = tensors("adapters")
    path, strength = FILES[case]
    answer = velocity(loaded(weights, path, strength), golden)
    assert worst(answer, golden[case]) <= DIT_TOLERANCE
    assert distance(answer, golden["base"]) > 100 * DIT_TOLERANCE  # and it is not the unchanged one


def test_one_file_and_two_say_the_same(weights: Weights) -> None:
    one, two = loaded(weights, PEFT), loaded(weights, SINGLE)
    for (name, value), other in zip(one.state_dict().items(), two.state_dict().values(), strict=True):
        assert torch.allclose(value, other, atol=1e-7), name
    golden = tensors("adapters")
    assert worst(velocity(two, golden), golden["lora_scale1.0"]) <= DIT_TOLERANCE


def test_without_the_adapter_every_bit_is_as_before(weights: Weights) -> None:
    loaded(weights, PEFT)
    plain = weights.load_dit(torch.float32, "cpu").state_dict()
    nothing = loaded(weights, PEFT, strength=0.0).state_dict()
    for name, value in networks(TURBO).dit.state_dict().items():
        assert torch.equal(plain[name], value), name
        assert torch.equal(nothing[name], value), name
    golden = tensors("adapters")
    assert worst(velocity(networks(TURBO).dit, golden), golden["base"]) <= DIT_TOLERANCE


def test_only_what_the_file_names_changes(weights: Weights) -> None:
    changed = loaded(weights, ADAPTERS / "lokr" / LOKR).state_dict()
    for name, value in networks(TURBO).dit.state_dict().items():
        is_projection = "_attention." in name and "norm" not in name
        assert torch.equal(changed[name], value) != is_projection, name


def test_a_checkpoint_in_the_other_layout_takes_the_same_adapter(weights: Weights, tmp_path: Path) -> None:
    other = open_weights(recognise(write_diffusers(TURBO, tmp_path / "model", silence())))
    golden = tensors("adapters")
    for path in (PEFT, ADAPTERS / "lokr_dora" / LOKR):
        once, twice = (velocity(loaded(each, path), golden) for each in (weights, other))
        assert torch.equal(once, twice)


def test_packed_weights_hold_the_change_too(weights: Weights) -> None:
    golden = tensors("adapters")
    packed = load_int8_dit(
        adapted(weights, (AppliedAdapter(read(PEFT, weights), 1.0),)), torch.float32, "cpu"
    )
    answer = velocity(packed, golden)
    near, far = distance(answer, golden["lora_scale1.0"]), distance(answer, golden["base"])
    assert near < 0.2 * far


TWO = {
    "both.a1.0_b1.0": ((PEFT, 1.0), (OTHER, 1.0)),
    "both.a0.7_b0.4": ((PEFT, 0.7), (OTHER, 0.4)),
    "both.a-0.5_b1.25": ((PEFT, -0.5), (OTHER, 1.25)),
    "b_alone": ((OTHER, 1.0),),
    "base": (),
    "lora_a0.6_lokr0.5": ((PEFT, 0.6), (ADAPTERS / "lokr_decompose_both" / LOKR, 0.5)),
    "dora_then_lora": ((ADAPTERS / "lokr_dora" / LOKR, 1.0), (PEFT, 1.0)),
}
# Changes computed from changed weights: an order that has no reference, and is not used.
NOT_COMPARED = {"lora_then_dora"}


def of(weights: Weights, *files: tuple[Path, float]) -> AppliedAdapters:
    return tuple(AppliedAdapter(read(path, weights), strength) for path, strength in files)


def test_every_pair_is_compared() -> None:
    inputs = {"x", "t", "encoder", "context"}
    assert set(tensors("two_adapters")) - inputs == {*TWO, *NOT_COMPARED}


@pytest.mark.parametrize("case", TWO)
def test_several_at_once_answer_as_the_reference_does(weights: Weights, case: str) -> None:
    golden = tensors("two_adapters")
    network = adapted(weights, of(weights, *TWO[case])).load_dit(torch.float32, "cpu")
    assert worst(velocity(network, golden), golden[case]) <= 1e-4


def test_their_order_is_no_matter(weights: Weights) -> None:
    three = of(weights, (PEFT, 0.7), (OTHER, 0.4), (ADAPTERS / "lokr_dora" / LOKR, 0.5))
    one, other = (
        adapted(weights, order).load_dit(torch.float32, "cpu").state_dict() for order in (three, three[::-1])
    )
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


@pytest.mark.parametrize("int8", [False, True], ids=["plain", "packed"])
def test_a_switch_is_a_new_transformer_without_loading_one(weights: Weights, int8: bool) -> None:
    """Bit for bit, through every change; what neither adapter touches stays the very tensor it was."""

    def load(source: Weights) -> Dit:
        return load_int8_dit(source, torch.float32, "cpu") if int8 else source.load_dit(torch.float32, "cpu")

    steps = [
        (),
        of(weights, (PEFT, 1.0)),
        of(weights, (PEFT, 0.5), (OTHER, 1.0)),
        of(weights, (OTHER, -1.0)),
        (),
    ]
    network, before = load(weights), weights
    embedding = network.patchify.weight
    for applied in steps:
        after = adapted(weights, applied)
        switch(network, before, after, torch.float32, int8)
        for (name, value), fresh in zip(
            network.state_dict().items(), load(after).state_dict().values(), strict=True
        ):
            assert torch.equal(value, fresh), (name, applied)
        assert network.patchify.weight is embedding
        assert not any(value.requires_grad for value in network.parameters())
        before = after


def nothing(found: dict[str, Tensor]) -> None:
    found.clear()
