"""ACE-Step 1.5 in single files, as ComfyUI keeps it: recognised, loaded strictly, equal to the published folders."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.places import DEMO_SONG

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)

import soundfile
import torch

from model.acestep.conditioning.qwen_text_encoder import QwenTextEncoder, load_network, load_tokenizer
from model.acestep.conditioning.sound_latents import encode, silence_of
from model.acestep.delivered import MIX
from model.acestep.engine import AceStepEngine, EngineConfig
from model.acestep.networks.network_config import PUBLISHED, config_from_fields
from model.acestep.networks.vae import VaeConfig
from model.acestep.weights.checkpoint import load_vae, open_weights, vae_config
from model.acestep.weights.model_folders import (
    Layout,
    ModelFolder,
    Variant,
    find_models,
    recognise,
    what_it_is_instead,
)
from model.acestep.weights.single_files import music_fields, text_fields
from model.acestep.weights.tensor_files import SILENCE
from model.checkpoints import Kind, check_networks
from model.engine import Grid, Piece, RenderRequest, Song, Task
from model.errors import NotLoaded
from tests.model.acestep import repackaged
from tests.model.acestep.golden_data import table
from tests.model.acestep.tiny_folder import write_models

RATE = 48_000


@pytest.fixture(name="split", scope="module")
def _split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ComfyUI's folder of models, with a file for each network."""
    models = tmp_path_factory.mktemp("ComfyUI") / "models"
    repackaged.write_split(models)
    return models


@pytest.fixture(name="in_one", scope="module")
def _in_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A music model with everything it needs in one file, and ComfyUI's own tokenizer."""
    comfyui = tmp_path_factory.mktemp("ComfyUI")
    repackaged.write_merges(comfyui)
    file = comfyui / "models" / "checkpoints" / "ace_step_1.5_turbo_aio.safetensors"
    return repackaged.write_single(file, repackaged.all_in_one())


def lacking(found: ModelFolder) -> str:
    missing = found.what_is_missing()
    assert missing is not None
    return " ".join(missing)


# --- recognising --------------------------------------------------------------------------------------


def test_a_folder_of_comfyui_is_accepted_as_it_is(split: Path) -> None:
    for place in (split, split.parent, split / "diffusion_models" / "acestep_v1.5_turbo.safetensors"):
        found = recognise(place)
        assert (found.name, found.layout, found.variant) == (
            "acestep_v1.5_turbo",
            Layout.COMFYUI,
            Variant.TURBO,
        )
        assert found.vae == split / "vae" / "ace_1.5_vae.safetensors"
        assert found.text_encoder == split / "text_encoders" / "qwen_0.6b_ace15.safetensors"
        assert found.what_is_missing() is None
        assert "turbo, unpublished, ComfyUI layout" in found.describe()
        assert found.traits.untrained


def test_the_folder_may_be_named_from_where_one_stands(split: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(split / "diffusion_models")
    for place in (Path("."), Path("acestep_v1.5_turbo.safetensors")):
        assert recognise(place).what_is_missing() is None


def test_one_file_may_hold_everything(in_one: Path) -> None:
    for place in (in_one, in_one.parent, in_one.parents[1], in_one.parents[2]):
        found = recognise(place)
        assert (found.path, found.vae, found.text_encoder) == (in_one, in_one, in_one)
        assert found.tokenizer == in_one.parents[2] / "comfy" / "text_encoders" / "qwen25_tokenizer"
        assert found.what_is_missing() is None


def test_folders_and_files_may_lie_side_by_side(tmp_path: Path) -> None:
    write_models(tmp_path, "acestep-v15-base")
    repackaged.write_single(tmp_path / "acestep_v1.5_sft.safetensors", repackaged.music_tensors())
    folder, single = find_models(tmp_path)
    assert (folder.name, single.name) == ("acestep-v15-base", "acestep_v1.5_sft")
    assert single.variant is Variant.SFT
    assert (single.vae, single.text_encoder) == (folder.vae, folder.text_encoder)
    assert single.what_is_missing() is None


@pytest.mark.parametrize("size", list(PUBLISHED))
def test_the_published_sizes_are_read_from_the_shapes(tmp_path: Path, size: str) -> None:
    keys = next(
        entry["keys"]
        for name, entry in table("checkpoint_keys").items()
        if ("xl" in name) == (size == "XL") and "v15" in name
    )
    path = header_only(
        tmp_path / "acestep_v1.5_base.safetensors", {name: row[0] for name, row in keys.items()}
    )
    assert config_from_fields(music_fields(path), str(path)) == PUBLISHED[size]


def test_the_published_autoencoder_is_read_from_the_shapes(tmp_path: Path) -> None:
    stored = repackaged.vae_tensors(repackaged.make_autoencoder((128, 128, 256, 512, 1024, 2048), "meta"))
    path = header_only(
        tmp_path / "ace_1.5_vae.safetensors", {name: list(value.shape) for name, value in stored.items()}
    )
    assert len(stored) == table("checkpoint_keys")["vae"]["tensors"]
    assert vae_config(path) == VaeConfig()


def test_the_published_text_encoder_is_read_from_the_shapes(tmp_path: Path) -> None:
    shapes = {
        "model.embed_tokens.weight": [151_669, 1024],
        "model.layers.0.post_attention_layernorm.weight": [1024],
        "model.layers.0.self_attn.q_proj.weight": [2048, 1024],
        "model.layers.0.self_attn.k_proj.weight": [1024, 1024],
        "model.layers.0.self_attn.q_norm.weight": [128],
        "model.layers.0.mlp.gate_proj.weight": [3072, 1024],
        **{f"model.layers.{index}.input_layernorm.weight": [1024] for index in range(28)},
    }
    fields = text_fields(header_only(tmp_path / "qwen.safetensors", shapes))
    published = {
        "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16,
        "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151_669,
    }  # fmt: skip
    assert published.items() <= fields.items()


def header_only(path: Path, shapes: dict[str, list[int]]) -> Path:
    """A file with these tensors in bfloat16 that takes no room on disk."""
    header, end = {}, 0
    for name, shape in shapes.items():
        begin, end = end, end + 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
    return path


# --- what is not there --------------------------------------------------------------------------------


def test_a_name_that_shows_no_training_is_asked_back(tmp_path: Path) -> None:
    repackaged.write_split(tmp_path, "my_favourite")
    assert "my_favourite.safetensors may be a turbo, base or sft checkpoint" in lacking(recognise(tmp_path))


def test_what_a_single_file_lacks_is_named(tmp_path: Path) -> None:
    music = repackaged.write_single(tmp_path / "ace_turbo.safetensors", repackaged.music_tensors())
    sentence = lacking(recognise(music))
    assert "missing its VAE and its text encoder" in sentence
    assert "ace_1.5_vae.safetensors" in sentence
    assert "qwen_0.6b_ace15.safetensors" in sentence
    repackaged.write_single(tmp_path / "ace_1.5_vae.safetensors", repackaged.vae_tensors())
    repackaged.write_single(tmp_path / "qwen_0.6b_ace15.safetensors", repackaged.text_tensors())
    sentence = lacking(recognise(music))
    assert "missing its tokenizer.json" in sentence
    assert "takebridge models pull tokenizer" in sentence
    repackaged.write_tokenizer(tmp_path / "Qwen3-Embedding-0.6B-tokenizer")
    assert recognise(music).what_is_missing() is None


def test_files_of_other_models_are_not_taken_for_its_own(tmp_path: Path) -> None:
    """Their shapes may be equal, and their weights are others."""
    music = repackaged.write_split(tmp_path)
    (tmp_path / "text_encoders" / "qwen_0.6b_ace15.safetensors").rename(
        tmp_path / "text_encoders" / "qwen_3_06b_base.safetensors"
    )
    (tmp_path / "vae" / "ace_1.5_vae.safetensors").rename(tmp_path / "vae" / "another_vae.safetensors")
    wide = repackaged.text_tensors() | {"model.embed_tokens.weight": torch.zeros(260, 48)}
    repackaged.write_single(tmp_path / "text_encoders" / "qwen_1.7b_ace15.safetensors", wide)
    found = recognise(music)
    assert (found.vae, found.text_encoder) == (None, None)


def test_a_file_that_came_only_half_says_so(tmp_path: Path, split: Path) -> None:
    whole = split / "diffusion_models" / "acestep_v1.5_turbo.safetensors"
    half = tmp_path / whole.name
    half.write_bytes(whole.read_bytes()[:-1000])
    with pytest.raises(NotLoaded, match="is incomplete or damaged"):
        recognise(half)
    for place in ("vae/ace_1.5_vae", "text_encoders/qwen_0.6b_ace15"):
        assert "not a music model" in what_it_is_instead(split / f"{place}.safetensors")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model.diffusion_model.decoder.extra": torch.zeros(2)}, "decoder.extra"),
        ({"something.else": torch.zeros(2)}, "something.else"),
        ({"model.diffusion_model.decoder.norm_out.weight": None}, "missing norm.weight"),
        ({"vae.decoder.layers.6.alpha": None}, "decoder.snake.frequency"),
        ({"vae.decoder.layers.9.weight_g": torch.zeros(2, 1, 1)}, "both map to decoder.last.weight_g"),
        ({"text_encoders.qwen3_06b.transformer.model.norm.weight": None}, "norm.weight"),
        ({"model.diffusion_model.decoder.layers.0.mlp.up_proj.scale_weight": torch.ones(1)}, "scale_weight"),
    ],
)  # fmt: skip
def test_tensors_too_few_or_too_many_are_named(
    tmp_path: Path, change: dict[str, torch.Tensor | None], sentence: str
) -> None:
    tensors = {name: value for name, value in (repackaged.all_in_one() | change).items() if value is not None}
    file = repackaged.write_single(tmp_path / "ace_step_1.5_turbo_aio.safetensors", tensors)
    problem = check_networks(file, Kind.MUSIC)
    assert sentence in problem


def test_whole_files_pass_the_check(split: Path, in_one: Path) -> None:
    assert check_networks(split / "diffusion_models" / "acestep_v1.5_turbo.safetensors", Kind.MUSIC) == ""
    assert check_networks(in_one, Kind.MUSIC) == ""


# --- numbers ------------------------------------------------------------------------------------------


def test_the_autoencoder_does_what_it_did_where_it_was_stored(split: Path) -> None:
    stored, ours = (
        repackaged.make_autoencoder(),
        load_vae(split / "vae" / "ace_1.5_vae.safetensors", torch.float32, "cpu"),
    )
    source = torch.Generator().manual_seed(1)
    audio = torch.randn(1, 2, 8 * 1920, generator=source) * 0.1
    latents = torch.randn(1, 64, 8, generator=source)
    with torch.no_grad():
        mean = stored["encoder"](audio).chunk(2, dim=1)[0]
        torch.testing.assert_close(encode(ours, audio).mean, mean, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(ours.decode(latents), stored["decoder"](latents), rtol=1e-4, atol=1e-5)


def test_the_text_encoder_reads_alike_from_a_file(split: Path, in_one: Path, tmp_path: Path) -> None:
    write_models(tmp_path)
    folder = tmp_path / "Qwen3-Embedding-0.6B"
    prompt = "# Instruction\nÄ quiet, brushed drum — 90 bpm"
    read = []
    for network, words in (
        (folder, folder),
        (split / "text_encoders" / "qwen_0.6b_ace15.safetensors", split / "Qwen3-Embedding-0.6B-tokenizer"),
        (in_one, in_one.parents[2] / "comfy" / "text_encoders" / "qwen25_tokenizer"),
    ):
        encoder = QwenTextEncoder(load_network(network, torch.float32, "cpu"), load_tokenizer(words))
        read.append((encoder.states(prompt), encoder.embeddings(prompt)))
    for states, rows in read[1:]:
        assert torch.equal(states, read[0][0])
        assert torch.equal(rows, read[0][1])


def test_silence_is_made_where_none_is_stored(split: Path) -> None:
    vae = load_vae(split / "vae" / "ace_1.5_vae.safetensors", torch.float32, "cpu")
    with torch.no_grad():
        whole = encode(vae, torch.zeros(1, 2, 60 * 1920)).mean.transpose(1, 2)
    made = silence_of(vae, 60)
    torch.testing.assert_close(made, whole, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(made[:, 0], made[:, 30]), "the first frame knows that nothing comes before it"
    assert silence_of(vae).shape == (1, 15_000, 64)


def rendered(models: Path) -> np.ndarray:
    """A repaint with the only checkpoint there, [frames, channels]."""
    samples, _ = soundfile.read(DEMO_SONG, frames=6 * RATE, dtype="float32")
    beats = np.arange(64)
    grid = Grid(beats * 0.5, beats % 4, np.full(64, 4), beats // 4 + 1, np.full(64, 120.0))
    request = RenderRequest(
        Task.REPAINT, Song(samples, RATE, "demo"), RATE, 2, 2 * RATE, 3 * RATE, grid, seed=4, options={"steps": 2}
    )  # fmt: skip
    engine = AceStepEngine(EngineConfig(str(models), device="cpu", memory_gb=100))
    try:
        found = list(engine.render(request, lambda _: None, lambda: False))
    finally:
        engine.unload()
    return np.concatenate(
        [piece.samples for piece in found if isinstance(piece, Piece) and piece.stem == MIX]
    )


def test_every_way_of_keeping_it_renders_the_same(split: Path, in_one: Path) -> None:
    """Each network in a file, or all in one: bit for bit."""
    sound = rendered(split)
    assert np.abs(sound).max() > 0
    assert np.array_equal(rendered(in_one.parents[2]), sound)


def test_a_single_file_renders_as_its_published_folder_does(tmp_path: Path) -> None:
    folder = write_models(tmp_path / "folders", "acestep-v15-turbo") / "acestep-v15-turbo"
    fields = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps(fields | {"sliding_window": 128})
    )  # as every published one has
    vae = load_vae(folder.parent / "vae", torch.float32, "cpu")
    torch.save(silence_of(vae).transpose(1, 2).contiguous(), folder / SILENCE)
    files = tmp_path / "files"
    for name in ("vae", "Qwen3-Embedding-0.6B"):
        shutil.copytree(folder.parent / name, files / name)
    repackaged.write_single(files / "acestep-v15-turbo.safetensors", repackaged.music_tensors())
    assert open_weights(recognise(files)).folder.config == replace(recognise(folder)).config
    assert np.array_equal(rendered(files), rendered(folder))
