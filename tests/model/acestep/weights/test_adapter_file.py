"""Adapter files: what each kind says of the weights it changes, and files that must not pass for one."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from functools import reduce
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.acestep.weights.adapter_file import PEFT_CONFIG, Kronecker, LowRank
from model.acestep.weights.checkpoint import Weights, open_weights
from model.acestep.weights.model_folders import recognise
from model.errors import CannotRender
from tests.model.acestep.adapters import ADAPTERS, LOKR, PEFT, SINGLE, read
from tests.model.acestep.tiny_models import TURBO, XL


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


def test_the_digest_distinguishes_adapters(weights: Weights, tmp_path: Path) -> None:
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


DIFFUSERS_NAMES = (("q_proj", "to_q"), ("k_proj", "to_k"), ("v_proj", "to_v"), ("o_proj", "to_out.0"))
HALVES = {
    "official": ("lora_A", "lora_B"),
    "kohya": ("lora_down", "lora_up"),
    "old": ("lora.down", "lora.up"),
}


def renamed(
    prefix: str, halves: str = "official", diffusers: bool = False, dots: bool = True
) -> dict[str, Tensor]:
    """The tensors of the PEFT file by other names."""
    found = {}
    for name, tensor in load_file(PEFT).items():
        module, half, _ = name.removeprefix("base_model.model.").rsplit(".", 2)
        if diffusers:
            module = reduce(lambda text, pair: text.replace(*pair), DIFFUSERS_NAMES, module)
        if not dots:
            module = module.replace(".", "_")
        found[f"{prefix}{module}.{HALVES[halves][half == 'lora_B']}.weight"] = tensor
    return found


def with_alphas(found: dict[str, Tensor]) -> dict[str, Tensor]:
    modules = {re.split(r"\.lora[_.]", name)[0] for name in found}
    return found | {f"{module}.alpha": torch.tensor(8.0) for module in modules}


@pytest.mark.parametrize(
    ("found", "inside"),
    [
        (renamed("", diffusers=True), ""),
        (renamed("transformer.", diffusers=True), "transformer."),
        (renamed("decoder."), ""),
        (with_alphas(renamed("decoder.")), None),
        (with_alphas(renamed("diffusion_model.")), None),
        (with_alphas(renamed("model.diffusion_model.decoder.", "kohya")), None),
        (with_alphas(renamed("transformer.", "old", diffusers=True)), None),
        (with_alphas(renamed("lora_unet_", "kohya", dots=False)), None),
        (with_alphas(renamed("lora_unet_decoder_", "kohya", dots=False)), None),
        (with_alphas(renamed("lora_transformer_", "kohya", diffusers=True, dots=False)), None),
    ],
)  # fmt: skip
def test_every_programs_names_and_strength(
    weights: Weights, tmp_path: Path, found: dict[str, Tensor], inside: str | None
) -> None:
    """inside: the prefix of PEFT's fields in the metadata, as diffusers writes them; None = there is none."""
    config = json.loads((PEFT.parent / PEFT_CONFIG).read_text())
    metadata = {"format": "pt"}
    if inside is not None:
        metadata["lora_adapter_metadata"] = json.dumps(
            {inside + name: value for name, value in config.items()}
        )
    save_file(found, tmp_path / "pytorch_lora_weights.safetensors", metadata)
    theirs, ours = (
        read(PEFT, weights).changes,
        read(tmp_path / "pytorch_lora_weights.safetensors", weights).changes,
    )
    assert ours.keys() == theirs.keys()
    for name, change in theirs.items():
        other = ours[name]
        assert isinstance(change, LowRank)
        assert isinstance(other, LowRank)
        assert (other.scale, other.lengths) == (change.scale, change.lengths)
        assert torch.equal(other.up, change.up)
        assert torch.equal(other.down, change.down)


def test_the_config_next_to_a_file_counts_whatever_its_tensors_are_called(
    weights: Weights, tmp_path: Path
) -> None:
    save_file(renamed("decoder."), tmp_path / PEFT.name)
    shutil.copy(PEFT.parent / PEFT_CONFIG, tmp_path)
    change = read(tmp_path / PEFT.name, weights).changes["layers.0.self_attention.query.weight"]
    assert isinstance(change, LowRank)
    assert change.scale == pytest.approx(2.0)


@pytest.mark.parametrize("text", ["{", "[]", '{"r": 4}', '{"lora_alpha": 8, "use_dora": true}'])
def test_metadata_that_says_no_strength(weights: Weights, tmp_path: Path, text: str) -> None:
    save_file(renamed(""), tmp_path / "spoilt.safetensors", {"lora_adapter_metadata": text})
    with pytest.raises(CannotRender, match=r"spoilt.* (unreadable|no valid lora_alpha|use_dora)"):
        read(tmp_path / "spoilt.safetensors", weights)


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
        (lost_half, r"does not fit layers\.1\.cross_attn\.q_proj: its tensors \(alpha, up\) do not form"),
        (stranger, r"do not belong to this checkpoint: diffusion_model\.layers\.9\.self_attn\.q_proj"),
        (other_family, "do not belong to this checkpoint: lora_te_text_model"),
        (other_size, r"does not fit layers\.1\.cross_attn\.q_proj: its shape is \[64, 80\], the weight"),
        (other_ranks, r"does not fit layers\.1\.cross_attn\.q_proj"),
        (twice, r"do not belong to this checkpoint: .*layers\.1\.cross_attn\.q_proj\.lora_"),
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
    with pytest.raises(CannotRender, match=r"do not belong to this checkpoint|does not fit"):
        read(PEFT, open_weights(recognise(XL)))


def test_files_that_are_no_adapters(weights: Weights, tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(SINGLE.read_bytes()[:-100])
    (tmp_path / "adapter.bin").write_bytes(b"pickle")
    shutil.copy(PEFT, tmp_path / "alone.safetensors")
    for name, words in (
        ("cut.safetensors", "not a complete safetensors file"),
        ("adapter.bin", "could run code"),
        ("alone.safetensors", f"missing its {PEFT_CONFIG}"),
        ("missing.safetensors", "not a complete safetensors file"),
    ):
        with pytest.raises(CannotRender, match=words):
            read(tmp_path / name, weights)
    with pytest.raises(CannotRender, match="do not belong to this checkpoint"):
        read(TURBO / "model.safetensors", weights)


@pytest.mark.parametrize(
    "changed",
    [
        {"use_dora": True}, {"peft_type": "LOHA"}, {"lora_alpha": None}, {"lora_alpha": 10**400},
        {"alpha_pattern": {"[": 1}}, {"alpha_pattern": {"[[": 1}},
        {"alpha_pattern": {"(a+)+$": 1}}, {"alpha_pattern": {".*.*.*.*x": 1}},
        {"alpha_pattern": [1]},
    ],
)  # fmt: skip
def test_a_config_that_means_something_else(
    weights: Weights, tmp_path: Path, changed: dict[str, object]
) -> None:
    copied = Path(shutil.copytree(PEFT.parent, tmp_path / "adapter")) / PEFT.name
    config = json.loads((copied.parent / PEFT_CONFIG).read_text())
    (copied.parent / PEFT_CONFIG).write_text(json.dumps(config | changed))
    with pytest.raises(CannotRender, match=r"is not supported|has no valid"):
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
