"""Adapters against the stored answers of the reference, and files that must not pass for one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.acestep.networks.dit import Dit
from model.acestep.weights.adapted_weights import AppliedAdapter, adapted, dit_shapes
from model.acestep.weights.adapter_file import PEFT_CONFIG, Adapter, Kronecker, LowRank, read_adapter
from model.acestep.weights.checkpoint import Weights, open_weights
from model.acestep.weights.int8_linear import load_int8_dit
from model.acestep.weights.model_folders import recognise
from model.errors import CannotRender
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.stored_layouts import write_diffusers
from tests.model.acestep.tiny_models import DIT_TOLERANCE, TURBO, XL, networks, silence, velocity
from tests.places import TINY

ADAPTERS = TINY / "adapters"
PEFT = ADAPTERS / "lora_peft" / "adapter" / "adapter_model.safetensors"
SINGLE = ADAPTERS / "lora_single_file.safetensors"
LOKR = "lokr_weights.safetensors"
FILES = {
    "lora_scale1.0": (PEFT, 1.0),
    "lora_scale0.5": (PEFT, 0.5),
    "lokr": (ADAPTERS / "lokr" / LOKR, 1.0),
    "lokr_full": (ADAPTERS / "lokr_full" / LOKR, 1.0),
    "lokr_dora": (ADAPTERS / "lokr_dora" / LOKR, 1.0),
    "lokr_decompose_both": (ADAPTERS / "lokr_decompose_both" / LOKR, 1.0),
}


@pytest.fixture(name="weights", scope="module")
def _weights() -> Weights:
    return open_weights(recognise(TURBO))


def read(path: Path, weights: Weights) -> Adapter:
    return read_adapter(path, dit_shapes(weights))


def loaded(weights: Weights, path: Path, strength: float = 1.0) -> Dit:
    return adapted(weights, AppliedAdapter(read(path, weights), strength)).load_dit(torch.float32, "cpu")


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
    packed = load_int8_dit(adapted(weights, AppliedAdapter(read(PEFT, weights), 1.0)), torch.float32, "cpu")
    answer = velocity(packed, golden)
    near, far = distance(answer, golden["lora_scale1.0"]), distance(answer, golden["base"])
    assert near < 0.2 * far


def test_half_a_change_of_row_lengths_lies_half_way() -> None:
    source = torch.Generator().manual_seed(2)
    weight, lengths = torch.randn(6, 8, generator=source), torch.rand(6, 1, generator=source) + 1
    change = Kronecker(torch.randn(3, 2, generator=source), torch.randn(2, 4, generator=source), 0.3, lengths)
    whole, half = change.applied(weight, 1.0), change.applied(weight, 0.5)
    assert torch.allclose(whole.norm(dim=1), lengths[:, 0], atol=1e-6)
    assert torch.allclose(half, (weight + whole) / 2, atol=1e-6)
    assert change.applied(weight, 0.0) is weight


def test_a_convolution_is_changed_tap_by_tap() -> None:
    source = torch.Generator().manual_seed(3)
    coarse, fine = torch.randn(4, 3, generator=source), torch.randn(2, 10, generator=source)
    change = Kronecker(coarse, fine, 1.0)
    added = change.added(torch.Size((8, 15, 2)))
    assert added is not None
    taps = fine.reshape(2, 5, 2)
    assert torch.allclose(added[5, 7, 1], coarse[2, 1] * taps[1, 2, 1])


def test_the_digest_tells_one_adapter_from_another(weights: Weights, tmp_path: Path) -> None:
    once, again, other = (read(path, weights) for path in (PEFT, PEFT, ADAPTERS / "lokr" / LOKR))
    assert once == again
    assert once.digest == again.digest != other.digest
    assert (once.name, other.name, read(SINGLE, weights).name) == ("lora_peft", "lokr", "lora_single_file")
    copied = Path(shutil.copytree(PEFT.parent, tmp_path / "stronger")) / PEFT.name
    config = json.loads((copied.parent / PEFT_CONFIG).read_text())
    (copied.parent / PEFT_CONFIG).write_text(json.dumps(config | {"lora_alpha": 80}))
    assert read(copied, weights).digest != once.digest


@pytest.mark.parametrize(
    ("changed", "scale"),
    [
        ({}, 2.0),
        ({"use_rslora": True}, 4.0),
        ({"lora_alpha": 4}, 1.0),
        ({"alpha_pattern": {"layers.0.self_attn.q_proj": 32}}, 8.0),
        ({"alpha_pattern": {"v_proj": 32}}, 2.0),
    ],
)
def test_what_the_config_says_of_strength(
    weights: Weights, tmp_path: Path, changed: dict[str, object], scale: float
) -> None:
    copied = Path(shutil.copytree(PEFT.parent, tmp_path / "adapter")) / PEFT.name
    config = json.loads((copied.parent / PEFT_CONFIG).read_text())
    (copied.parent / PEFT_CONFIG).write_text(json.dumps(config | changed))
    change = read(copied, weights).changes["layers.0.self_attention.query.weight"]
    assert isinstance(change, LowRank)
    assert change.scale == pytest.approx(scale)


# --- what is refused ----------------------------------------------------------------------------------


def lost_half(found: dict[str, Tensor]) -> None:
    del found["diffusion_model.layers.1.cross_attn.q_proj.lora_A.weight"]


def stranger(found: dict[str, Tensor]) -> None:
    found["diffusion_model.layers.9.self_attn.q_proj.lora_A.weight"] = torch.zeros(4, 64)


def other_family(found: dict[str, Tensor]) -> None:
    found["lora_te_text_model_encoder.lora_down.weight"] = torch.zeros(4, 64)


def other_size(found: dict[str, Tensor]) -> None:
    found["diffusion_model.layers.1.cross_attn.q_proj.lora_A.weight"] = torch.zeros(4, 80)


def other_ranks(found: dict[str, Tensor]) -> None:
    found["diffusion_model.layers.1.cross_attn.q_proj.lora_A.weight"] = torch.zeros(3, 64)


def twice(found: dict[str, Tensor]) -> None:
    found["layers.1.cross_attn.q_proj.lora_down.weight"] = torch.zeros(4, 64)


def nothing(found: dict[str, Tensor]) -> None:
    found.clear()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lost_half, r"does not fit layers\.1\.cross_attn\.q_proj: it holds alpha, up, which make no change"),
        (stranger, r"no place in this checkpoint: diffusion_model\.layers\.9\.self_attn\.q_proj"),
        (other_family, "no place in this checkpoint: lora_te_text_model"),
        (other_size, r"does not fit layers\.1\.cross_attn\.q_proj: it makes \[64, 80\] of a weight that is"),
        (other_ranks, r"does not fit layers\.1\.cross_attn\.q_proj"),
        (twice, r"no place in this checkpoint: .*layers\.1\.cross_attn\.q_proj\.lora_"),
        (nothing, "changes nothing"),
    ],
)
def test_a_file_that_is_not_whole_is_named(
    weights: Weights, tmp_path: Path, spoil: Callable[[dict[str, Tensor]], None], words: str
) -> None:
    found = load_file(SINGLE)
    spoil(found)
    save_file(found, tmp_path / "spoilt.safetensors")
    with pytest.raises(CannotRender, match=words) as error:
        read(tmp_path / "spoilt.safetensors", weights)
    assert "spoilt" in error.value.sentence
    assert error.value.remedy


def test_an_adapter_of_another_size_of_model_is_refused() -> None:
    with pytest.raises(CannotRender, match=r"no place in this checkpoint|does not fit"):
        read(PEFT, open_weights(recognise(XL)))


def test_files_that_are_no_adapters(weights: Weights, tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(SINGLE.read_bytes()[:-100])
    (tmp_path / "adapter.bin").write_bytes(b"pickle")
    shutil.copy(PEFT, tmp_path / "alone.safetensors")
    for name, words in (
        ("cut.safetensors", "not a whole safetensors file"),
        ("adapter.bin", "may run code"),
        ("alone.safetensors", f"without its {PEFT_CONFIG}"),
        ("missing.safetensors", "not a whole safetensors file"),
    ):
        with pytest.raises(CannotRender, match=words):
            read(tmp_path / name, weights)
    with pytest.raises(CannotRender, match="no place in this checkpoint"):
        read(TURBO / "model.safetensors", weights)


@pytest.mark.parametrize("changed", [{"use_dora": True}, {"peft_type": "LOHA"}, {"lora_alpha": None}])
def test_a_config_that_means_something_else(
    weights: Weights, tmp_path: Path, changed: dict[str, object]
) -> None:
    copied = Path(shutil.copytree(PEFT.parent, tmp_path / "adapter")) / PEFT.name
    config = json.loads((copied.parent / PEFT_CONFIG).read_text())
    (copied.parent / PEFT_CONFIG).write_text(json.dumps(config | changed))
    with pytest.raises(CannotRender, match=r"is not supported|does not say"):
        read(copied, weights)


def test_the_metadata_of_a_kronecker_file_may_ask_for_another_scale(weights: Weights, tmp_path: Path) -> None:
    path = ADAPTERS / "lokr_decompose_both" / LOKR
    with safe_open(path, framework="pt") as opened:
        fields = json.loads(opened.metadata()["lokr_config"])
    save_file(load_file(path), tmp_path / LOKR, {"lokr_config": json.dumps(fields | {"rs_lora": True})})
    name = "layers.0.self_attention.query.weight"
    plain, rooted = read(path, weights).changes[name], read(tmp_path / LOKR, weights).changes[name]
    assert isinstance(plain, Kronecker)
    assert isinstance(rooted, Kronecker)
    assert (plain.scale, rooted.scale) == (2.0, pytest.approx(4 / 2**0.5))
