"""The autoencoder in parts is the whole one, what is around a region is held, and what does not fit is refused."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("diffusers", reason="Stable Audio needs diffusers: pip install takebridge[stable-audio]")

import torch
from safetensors.torch import load_file, save_file

from model.errors import NotLoaded, RenderStopped
from model.pace import Pace
from model.stable_audio.audio_network import PART_FRAMES, AudioNetwork, SoundPlan
from model.stable_audio.published_stable_audio import StableAudioCheckpoint
from model.stable_audio.stable_audio_settings import StableAudioSettings

CPU = torch.device("cpu")
QUIET = Pace(lambda _: None, lambda: False)
NAME = "stable-audio-open-1.0"
FEW = StableAudioSettings(steps=10)
PLAN = SoundPlan("funk", 2.0, 3, 0)


def read(folder: Path) -> AudioNetwork:
    return AudioNetwork(StableAudioCheckpoint(folder, folder.name), CPU, lambda _: None)


@pytest.fixture(scope="module")
def network(stable_models: Path) -> AudioNetwork:
    return read(stable_models / NAME)


@pytest.fixture(scope="module")
def known(network: AudioNetwork) -> torch.Tensor:
    """Latents of a window full of noise."""
    rng = np.random.default_rng(1)
    samples = 0.2 * rng.standard_normal((network.frames * network.hop, network.channels))
    return network.encode(samples.astype(np.float32), QUIET)


def test_its_window_is_that_of_its_configs(network, stable_models):
    seconds = StableAudioCheckpoint(stable_models / NAME, NAME).window_seconds
    assert network.frames * network.hop == pytest.approx(seconds * network.rate)
    assert network.frames > PART_FRAMES, "so that there are parts"


def test_audio_becomes_latents_in_parts_as_it_does_whole(network, known):
    rng = np.random.default_rng(1)
    audio = torch.from_numpy(
        0.2 * rng.standard_normal((network.frames * network.hop, network.channels))
    ).float()
    with torch.no_grad():
        whole = network._pipeline.vae.encode(audio.T[None]).latent_dist.mean
    assert known.shape == whole.shape == (1, 8, network.frames)
    assert torch.allclose(known, whole, atol=1e-5)


@pytest.mark.parametrize(("first", "end"), [(0, None), (5, 6), (70_003, 150_001)])
def test_latents_become_audio_in_parts_as_they_do_whole(network, known, first, end):
    with torch.no_grad():
        whole = network._pipeline.vae.decode(known).sample[0].T.numpy()
    end = len(whole) if end is None else end
    pieces = list(network.decode(known, first, end, QUIET))
    assert len(pieces) == (2 if end - first > PART_FRAMES * network.hop else 1)
    assert np.allclose(np.concatenate(pieces), whole[first:end], atol=1e-5)


def test_around_the_region_the_old_sound_is_held_and_the_region_is_drawn_to_fit_it(network, known):
    plan = replace(PLAN, known=known, free=range(60, 100), noise=20.0)
    found = network.draw(plan, FEW, QUIET)
    assert torch.equal(found[..., :60], known[..., :60])
    assert torch.equal(found[..., 100:], known[..., 100:])
    assert not torch.isclose(found[..., 60:100], known[..., 60:100]).all(1).any()
    other = network.draw(replace(plan, known=known.flip(-1)), FEW, QUIET)
    assert not torch.allclose(found[..., 60:100], other[..., 60:100])


def test_the_old_sound_is_heard_through_little_noise_and_lost_in_much(network, known):
    everything = range(network.frames)

    def difference(noise: float) -> float:
        """Of what becomes of two old sounds under the same noise."""
        plan = replace(PLAN, known=known, free=everything, noise=noise)
        one, two = (network.draw(replace(plan, known=old), FEW, QUIET) for old in (known, known.flip(-1)))
        return float((one - two).square().mean() / (known - known.flip(-1)).square().mean())

    assert difference(0.5) > 0.1
    assert difference(500.0) < 0.01 * difference(0.5)


def test_a_level_that_the_checkpoint_lacks_is_the_nearest_of_its_own(network):
    assert [network.first_level(noise) for noise in (2.0, 1000.0)] == [2.0, 500.0]


def test_equal_numbers_give_equal_bits_and_torchs_own_stay_as_they_are(network):
    torch.manual_seed(99)
    expected = torch.rand(3)
    torch.manual_seed(99)
    first = network.draw(PLAN, FEW, QUIET)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(network.draw(PLAN, FEW, QUIET), first)
    for change in ({"seed": 4}, {"take": 1}, {"caption": "brushes"}, {"seconds": 1.0}):
        assert not torch.equal(network.draw(replace(PLAN, **change), FEW, QUIET), first), change
    for settings in (replace(FEW, avoid="rain"), replace(FEW, guidance=1.0), replace(FEW, steps=11)):
        assert not torch.equal(network.draw(PLAN, settings, QUIET), first), settings


@pytest.mark.parametrize("after", [0, 3, 60, 200])
def test_it_stops_in_the_middle_of_the_librarys_loop(network, known, after):
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    with pytest.raises(RenderStopped):
        network.draw(PLAN, FEW, Pace(lambda _: None, stop))
    assert asked == after + 1
    with pytest.raises(RenderStopped):
        list(network.decode(known, 0, 100, Pace(lambda _: None, lambda: True)))
    with pytest.raises(RenderStopped):
        network.encode(np.zeros((network.hop, 2), np.float32), Pace(lambda _: None, lambda: True))
    assert network.draw(PLAN, FEW, QUIET).isfinite().all()


def test_every_step_is_told(network):
    told: list[tuple[str, float]] = []
    pace = Pace(lambda update: told.append((update.stage, update.fraction)), lambda: False)
    network.draw(PLAN, FEW, pace)
    assert [fraction for stage, fraction in told if stage == "generating"] == pytest.approx(
        [(step + 1) / 10 for step in range(10)]
    )


def test_what_it_does_not_read_of_a_prompt(network):
    assert network.unread("funk brushes") == network.unread("") == ""
    words = ["funk", "rain"] * 20  # a token each, and one for the end
    assert network.unread(" ".join(words)) == " ".join(words[network.tokens - 1 :])
    assert network.unread(" ".join(words[: network.tokens - 1])) == ""
    assert network.draw(replace(PLAN, caption=" ".join(words * 300)), FEW, QUIET).isfinite().all()


def test_it_is_read_without_a_network_and_runs_none_of_the_checkpoints_own_code(
    stable_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = shutil.copytree(stable_models / NAME, tmp_path / NAME)
    (folder / "modeling.py").write_text("raise SystemExit('the checkpoint ran code')", encoding="utf-8")
    for config in ("transformer/config.json", "text_encoder/config.json", "tokenizer/tokenizer_config.json"):
        change(
            folder / config, auto_map={"AutoModel": "modeling.Any", "AutoTokenizer": ["modeling.Any", None]}
        )

    def refused(*_: object) -> None:
        raise AssertionError("it reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    found = read(folder)
    assert found.draw(PLAN, FEW, QUIET).isfinite().all()


def change(config: Path, **fields: object) -> None:
    old = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps({**old, **fields}), encoding="utf-8")


def lose_a_tensor(folder: Path) -> None:
    weights = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(weights)
    tensors.pop("proj_out.weight")
    save_file(tensors, weights, {"format": "pt"})


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    # what is done to the folder, and what is said of it
    "a part is missing": (lambda folder: shutil.rmtree(folder / "vae"), r"has no vae/config\.json"),
    "no tokenizer": (lambda folder: shutil.rmtree(folder / "tokenizer"), r"has no tokenizer/tokenizer\.json"),
    "no scheduler": (
        lambda folder: shutil.rmtree(folder / "scheduler"),
        r"scheduler_config\.json is missing",
    ),
    "cut weights": (
        lambda folder: (folder / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"not weights"),
        "cannot be read",
    ),
    "a pickle": (
        lambda folder: (folder / "text_encoder" / "model.safetensors").rename(
            folder / "text_encoder" / "pytorch_model.bin"
        ),
        r"has no text_encoder/\*\.safetensors",
    ),
    "a lost tensor": (lose_a_tensor, r"lack 1 tensors, the first is transformer\.proj_out"),
    "another size": (
        lambda folder: change(folder / "transformer" / "config.json", num_attention_heads=4),
        "cannot be read",
    ),
    "another text encoder": (
        lambda folder: change(folder / "projection_model" / "config.json", text_encoder_dim=12),
        "cannot be read|lack|do not fit",
    ),
    "another scheduler": (
        lambda folder: change(folder / "scheduler" / "scheduler_config.json", _class_name="DDIMScheduler"),
        "scheduler do not fit: DDIMScheduler",
    ),
    "levels that are none": (
        lambda folder: change(folder / "scheduler" / "scheduler_config.json", sigma_min="a little"),
        "cannot be read",
    ),
    "no window": (
        lambda folder: change(folder / "transformer" / "config.json", sample_size=0),
        "cannot be read",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_checkpoint_is_refused_with_its_name(stable_models: Path, tmp_path: Path, what: str):
    folder = shutil.copytree(stable_models / NAME, tmp_path / NAME)
    damage, said = BROKEN[what]
    damage(folder)
    with pytest.raises(NotLoaded, match=said) as refused:
        read(folder)
    assert refused.value.remedy
