"""Networks that stay and networks that come and go, over a folder of untrained models on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)

import torch
from safetensors.torch import load_file, save_file

from model.acestep.device.cpu_kernels import CpuKernels, fastest_kernels
from model.acestep.device.devices import Device, choose_device
from model.acestep.device.memory_plan import Placement
from model.acestep.device.parts import StoredParts, neighbours
from model.acestep.weights.adapted_weights import AppliedAdapter
from model.acestep.weights.checkpoint import open_weights
from model.acestep.weights.half_copy import write_half_copy
from model.acestep.weights.int8_linear import Int8Linear
from model.acestep.weights.model_folders import find_models, recognise
from model.engine import Progress
from model.errors import NotLoaded
from tests.model.acestep.adapters import PEFT, read
from tests.model.acestep.tiny_folder import (
    TEXT,
    write_checkpoint,
    write_models,
    write_text_encoder,
    write_vae,
)
from tests.model.acestep.tiny_models import TURBO, networks, silence

CPU = torch.device("cpu")
STAYS, GOES = Placement(4), Placement(4, offload=True)


def parts_of(models: Path, placement: Placement) -> StoredParts:
    return StoredParts(
        open_weights(recognise(models / "acestep-v15-turbo")), choose_device("cpu", "float32"), placement
    )


@pytest.mark.parametrize("placement", [STAYS, GOES])
def test_each_part_is_the_network_of_its_file(tiny_models: Path, placement: Placement) -> None:
    parts = parts_of(tiny_models, placement)
    assert torch.equal(parts.silence[:, :800], silence())
    assert (parts.vae_frames, parts.keeps_loaded) == (512, not placement.offload)
    expected = networks(TURBO)
    with parts.dit() as dit:
        found = [value.to_dense() if value.is_mkldnn else value for value in dit.state_dict().values()]
        assert all(map(torch.equal, found, expected.dit.state_dict().values()))
    with parts.condition_encoder() as conditions:
        assert torch.equal(conditions.no_condition, expected.conditions.no_condition)
    with parts.audio_codes() as (tokenizer, detokenizer):
        assert torch.equal(tokenizer.latents_in.weight, expected.tokenizer.latents_in.weight)
        assert torch.equal(detokenizer.latents_out.weight, expected.detokenizer.latents_out.weight)
    with parts.vae() as vae:
        assert vae.decode(torch.zeros(1, 64, 2)).shape == (1, 2, 2 * 1920)
    with parts.text_encoder() as text:
        assert text.states("la").shape == (1, 3, 32)


def test_what_stays_is_loaded_once(tiny_models: Path) -> None:
    parts = parts_of(tiny_models, STAYS)
    with parts.dit() as first:
        pass
    with parts.dit() as second:
        assert second is first
    parts.release()
    assert first.patchify.weight.is_meta, "its memory is free although somebody still holds it"
    with parts.dit() as third:
        assert torch.equal(third.patchify.weight, networks(TURBO).dit.patchify.weight)


def test_what_goes_leaves_no_weights_behind(tiny_models: Path) -> None:
    parts = parts_of(tiny_models, GOES)
    with parts.vae() as vae, parts.dit() as dit:
        held = [*vae.parameters(), *dit.parameters()]
        assert not any(value.is_meta for value in held)
    assert all(value.is_meta for network in (vae, dit) for value in network.state_dict().values())
    with pytest.raises(ZeroDivisionError), parts.condition_encoder() as conditions:
        raise ZeroDivisionError
    assert conditions.no_condition.is_meta, "a failed phase leaves nothing either"


def test_another_placement_releases_only_where_it_must(tiny_models: Path) -> None:
    parts = parts_of(tiny_models, STAYS)
    with parts.dit() as dit:
        pass
    parts.arrange(Placement(4, vae_frames=128))
    assert parts.vae_frames == 128
    assert not dit.patchify.weight.is_meta
    parts.arrange(GOES)
    assert dit.patchify.weight.is_meta
    assert not parts.keeps_loaded
    parts.arrange(Placement(4, offload=True, int8=True))
    with parts.dit() as packed:
        assert any(isinstance(layer, Int8Linear) for layer in packed.modules())


@pytest.mark.parametrize("placement", [STAYS, GOES])
def test_loading_everything_says_how_far_it_is(tiny_models: Path, placement: Placement) -> None:
    reported: list[Progress] = []
    parts_of(tiny_models, placement).load_all(reported.append)
    fractions = [each.fraction for each in reported]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {each.stage for each in reported} == {"loading acestep-v15-turbo"}


def test_a_broken_file_is_found_while_loading(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "acestep-v15-turbo")
    write_text_encoder(tmp_path / TEXT)
    weights = write_vae(tmp_path / "vae") / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5])
    with pytest.raises(NotLoaded, match="not a complete safetensors file"):
        parts_of(tmp_path, GOES).load_all(lambda _: None)


def test_neighbours_that_are_missing_are_named(tmp_path: Path) -> None:
    (found,) = find_models(write_checkpoint(tmp_path / "acestep-v15-turbo"))
    with pytest.raises(NotLoaded, match="acestep-v15-turbo is missing its VAE and its text encoder") as error:
        neighbours(found)
    assert "models pull turbo" in error.value.remedy


def test_the_transformer_comes_from_its_copy_in_half_precision_while_that_is_its_own(tmp_path: Path) -> None:
    folder = write_models(tmp_path, "acestep-v15-turbo") / "acestep-v15-turbo"
    file = folder / "model.safetensors"
    save_file({name: tensor.float() * 1.001 for name, tensor in load_file(file).items()}, file)
    weights = open_weights(recognise(folder))
    adapter = read(PEFT, weights)

    def found(dtype: torch.dtype, adapted: bool = False) -> dict[str, torch.Tensor]:
        parts = StoredParts(weights, Device(CPU, torch.float32, "cpu", dtype), GOES)
        parts.adapt((AppliedAdapter(adapter, 1.0),) if adapted else ())
        with parts.dit() as dit:
            state = {name: value.clone() for name, value in dit.state_dict().items()}
        notes.extend(parts.news()[1])
        return state

    def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
        return all(torch.equal(one[name], other[name]) for name in one)

    notes: list[str] = []
    half, changed, whole = found(torch.bfloat16), found(torch.bfloat16, True), found(torch.float32)
    place = write_half_copy(weights)
    assert same(found(torch.bfloat16), half)
    assert same(found(torch.bfloat16, True), changed)
    assert same(found(torch.float32), whole)
    with place.open("r+b") as copy:  # so that it shows where the numbers are from
        copy.seek(-2, os.SEEK_END)
        copy.write(b"\x00\x41")
    assert not same(found(torch.bfloat16), half)
    assert same(found(torch.float32), whole)
    os.utime(file, ns=(1, 1))  # as if the file was written anew
    assert not notes
    assert same(found(torch.bfloat16), half)
    (told,) = notes
    assert "written anew" in told
    assert place.exists()


@pytest.mark.parametrize("half", [False, True], ids=["float32", "bfloat16"])
def test_packed_weights_follow_adapters_and_give_the_bits_of_plain_ones(
    tiny_models: Path, half: bool
) -> None:
    """Loaded, adapted, adapted again and without: packed layers equal plain ones, and nothing stays plain."""
    if not fastest_kernels().packs:
        pytest.skip("SKIPPED: this torch cannot keep weights in oneDNN's order")
    weights = open_weights(recognise(tiny_models / "acestep-v15-turbo"))
    adapter = read(PEFT, weights)
    dtype = torch.bfloat16 if half else torch.float32
    every = [
        StoredParts(
            weights, Device(CPU, torch.float32, "cpu", dtype, CpuKernels(True, half, packs=packs)), STAYS
        )
        for packs in (False, True)
    ]
    answers: list[torch.Tensor] = []
    for applied in ((), (AppliedAdapter(adapter, 1.0),), (AppliedAdapter(adapter, 0.5),), ()):
        found = []
        for parts in every:
            parts.adapt(applied)
            with parts.dit() as dit, torch.no_grad():
                width, channels = dit.config.condition_width, dit.config.latent_channels
                x, context, states = (
                    torch.linspace(-1, 1, frames * count).reshape(1, frames, count)
                    for frames, count in ((20, channels), (20, 2 * channels), (7, width))
                )
                found.append(dit(x, context, torch.tensor([0.5]), dit.condition(states), dit.plan(20)))
                layers = [layer for layer in dit.layers.modules() if isinstance(layer, torch.nn.Linear)]
                assert layers
                assert {layer.weight.is_mkldnn for layer in layers} == {parts is every[1]}
        if half:  # torch's own product of so few numbers takes another way than of many
            torch.testing.assert_close(*found, rtol=0, atol=0.02)
        else:
            assert torch.equal(*found)
        answers.append(found[1])
    assert torch.equal(answers[0], answers[3])
    assert not torch.equal(answers[0], answers[1])
    assert not torch.equal(answers[1], answers[2])
    every[1].release()
    assert all(value.is_meta for value in dit.parameters())
