"""One window by the library: what is kept of it is what it decoded, prompts are gone on from, melodies are heard."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("transformers", reason="MusicGen needs transformers: pip install takebridge[musicgen]")

import torch
from safetensors.torch import load_file, save_file

from model.errors import NotLoaded, RenderStopped
from model.musicgen.melody_network import MelodyNetwork, WindowPlan
from model.musicgen.musicgen_settings import MusicgenSettings
from model.musicgen.published_musicgen import MusicgenCheckpoint
from model.pace import Pace

CPU = torch.device("cpu")
QUIET = Pace(lambda _: None, lambda: False)
PLAN = WindowPlan("funk", None, None, 20, 3, 0, 0)


@pytest.fixture(scope="module", params=["musicgen-melody", "musicgen-stereo-melody"])
def network(musicgen_models: Path, request: pytest.FixtureRequest) -> MelodyNetwork:
    return MelodyNetwork(MusicgenCheckpoint(musicgen_models / request.param, request.param), CPU)


def noise(network: MelodyNetwork, frames: int, channels: int = 2) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (0.2 * rng.standard_normal((frames * network.frame, channels))).astype(np.float32)


def decoded(network: MelodyNetwork, codes: torch.Tensor) -> np.ndarray:
    """By the library's codec, left and right by turns."""
    with torch.no_grad():
        sides = [
            network._network.audio_encoder.decode(codes[None, None, side :: network.channels], [None])
            for side in range(network.channels)
        ]
    return np.concatenate([side.audio_values[0].numpy() for side in sides]).T


def test_the_codes_it_keeps_are_those_the_library_decoded(network):
    codes, audio = network.generate(PLAN, MusicgenSettings(), QUIET)
    assert codes.shape == (4 * network.channels, PLAN.frames)
    assert audio.shape == (PLAN.frames * network.frame, network.channels)
    assert np.array_equal(decoded(network, codes), audio)


def test_a_prompt_is_the_beginning_and_is_gone_on_from(network):
    prompt = network.encode(noise(network, 12), QUIET)
    assert prompt.shape == (4 * network.channels, 12)
    codes, audio = network.generate(replace(PLAN, prompt=prompt), MusicgenSettings(), QUIET)
    assert torch.equal(codes[:, :12], prompt)
    assert np.array_equal(decoded(network, codes), audio), "the library's own prompt is another"
    alone, _ = network.generate(PLAN, MusicgenSettings(), QUIET)
    assert not torch.equal(codes[:, 12:], alone)


def test_left_and_right_are_heard_apart_and_mono_as_both(network):
    stereo, mono = noise(network, 10), noise(network, 10, 1)
    codes = network.encode(stereo, QUIET)
    other = network.encode(np.ascontiguousarray(stereo[:, ::-1]), QUIET)
    if network.channels == 2:
        assert torch.equal(codes[::2], other[1::2])
        assert torch.equal(codes[1::2], other[::2])
        assert not torch.equal(codes, other)
        both = network.encode(mono, QUIET)
        assert torch.equal(both[::2], both[1::2])
    else:
        assert torch.equal(codes, other)


def test_the_melody_changes_what_is_played(network):
    tone = np.sin(2 * np.pi * 440 * np.arange(2 * network.rate) / network.rate)[:, None].astype(np.float32)
    high = np.sin(2 * np.pi * 622 * np.arange(2 * network.rate) / network.rate)[:, None].astype(np.float32)
    made = [
        network.generate(replace(PLAN, chroma=network.melody(each)), MusicgenSettings(), QUIET)[0]
        for each in (tone, high)
    ]
    assert not torch.equal(*made)


def test_equal_numbers_give_equal_bits_and_torchs_own_stay_as_they_are(network):
    torch.manual_seed(99)
    expected = torch.rand(3)
    torch.manual_seed(99)
    first, _ = network.generate(PLAN, MusicgenSettings(), QUIET)
    assert torch.equal(torch.rand(3), expected)
    again, _ = network.generate(PLAN, MusicgenSettings(), QUIET)
    assert torch.equal(first, again)
    for change in ({"seed": 4}, {"take": 1}, {"index": 1}):
        assert not torch.equal(network.generate(replace(PLAN, **change), MusicgenSettings(), QUIET)[0], first)


@pytest.mark.parametrize("after", [0, 40, 400])
def test_it_stops_in_the_middle_of_the_librarys_loop(network, after):
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    with pytest.raises(RenderStopped):
        network.generate(PLAN, MusicgenSettings(), Pace(lambda _: None, stop))
    assert asked == after + 1
    network.generate(PLAN, MusicgenSettings(), QUIET)


def test_the_older_names_of_the_codecs_tensors_are_read_too(musicgen_models, tmp_path):
    """Weights saved before torch renamed those of weight norm, as the published ones may be."""
    folder = tmp_path / "musicgen-melody"
    shutil.copytree(musicgen_models / folder.name, folder)
    new = load_file(folder / "model.safetensors")
    names = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    older = {}
    for key, value in new.items():
        for later, earlier in names.items():
            key = key.replace(later, earlier)
        older[key] = value
    assert older.keys() != new.keys()
    save_file(older, folder / "model.safetensors", {"format": "pt"})
    music = [
        MelodyNetwork(MusicgenCheckpoint(place, "any"), CPU).generate(PLAN, MusicgenSettings(), QUIET)[1]
        for place in (folder, musicgen_models / folder.name)
    ]
    assert np.array_equal(*music)


def test_weights_that_cannot_be_used_are_refused_with_their_name(musicgen_models, tmp_path):
    folder = tmp_path / "musicgen-melody"
    checkpoint = MusicgenCheckpoint(folder, folder.name)
    shutil.copytree(musicgen_models / folder.name, folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(NotLoaded, match="musicgen-melody cannot be read") as refused:
        MelodyNetwork(checkpoint, CPU)
    assert "takebridge models pull musicgen-melody" in refused.value.remedy
    shutil.copy(musicgen_models / folder.name / "tokenizer.json", folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["decoder"]["num_hidden_layers"] = 2
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(NotLoaded, match=r"lack \d+ tensors, the first is decoder"):
        MelodyNetwork(checkpoint, CPU)
    (folder / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(NotLoaded, match="musicgen-melody cannot be read"):
        MelodyNetwork(checkpoint, CPU)
