"""Which folders are Stable Audio Open checkpoints, how long their window is, and what is said of the published one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from model.stable_audio.published_stable_audio import (
    PUBLISHED_SECONDS,
    STABLE_AUDIO_MODELS,
    find_stable_audio,
)

CODEC = {"downsampling_ratios": [2, 4, 4, 8, 8], "sampling_rate": 44_100}


def written(
    folder: Path, kind: str = "StableAudioPipeline", weights: str = "a.safetensors", **parts: Any
) -> Path:
    for name in ("transformer", "vae"):
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text(json.dumps(parts.get(name)), encoding="utf-8")
    (folder / "model_index.json").write_text(json.dumps({"_class_name": kind}), encoding="utf-8")
    (folder / "transformer" / weights).write_bytes(b"")
    return folder


def test_others_are_passed_over(tmp_path):
    for name in ("stable-audio-open-1.0", "my-loops"):
        written(tmp_path / name)
    written(tmp_path / "pictures", "StableDiffusionPipeline")
    written(tmp_path / "only-a-pickle", weights="diffusion_pytorch_model.bin")
    written(tmp_path / "broken").joinpath("model_index.json").write_text("{", encoding="utf-8")
    written(tmp_path / ".downloads")
    (tmp_path / "a-file").write_text("")
    assert [one.name for one in find_stable_audio(tmp_path)] == ["my-loops", "stable-audio-open-1.0"]
    assert "takebridge models pull stable-audio-open" in find_stable_audio(tmp_path)[1].get_again
    assert "diffusers" in find_stable_audio(tmp_path)[0].get_again
    assert find_stable_audio(tmp_path / "absent") == ()


@pytest.mark.parametrize(
    ("transformer", "vae", "seconds"),
    [
        ({"sample_size": 1_024}, CODEC, PUBLISHED_SECONDS),
        ({"sample_size": 256}, CODEC, PUBLISHED_SECONDS / 4),
        ({"sample_size": "long"}, CODEC, PUBLISHED_SECONDS),
        ({"sample_size": 1e300}, CODEC, PUBLISHED_SECONDS),
        ({"sample_size": -3}, CODEC, PUBLISHED_SECONDS),
        ({"sample_size": float("nan")}, CODEC, PUBLISHED_SECONDS),
        ({"sample_size": None}, CODEC, PUBLISHED_SECONDS),
        ([], CODEC, PUBLISHED_SECONDS),
        ({"sample_size": 256}, {"downsampling_ratios": 3, "sampling_rate": 44_100}, PUBLISHED_SECONDS),
        ({"sample_size": 256}, CODEC | {"sampling_rate": 0}, PUBLISHED_SECONDS),
        ({"sample_size": 256}, {}, PUBLISHED_SECONDS),
    ],
)
def test_its_window_is_what_its_configs_say_or_as_published(tmp_path, transformer, vae, seconds):
    (found,) = find_stable_audio(written(tmp_path / "one", transformer=transformer, vae=vae))
    assert found.window_seconds == pytest.approx(seconds)


def test_the_published_one_says_whom_it_is_free_for_and_that_access_is_asked_for():
    (entry,) = STABLE_AUDIO_MODELS
    assert "1 million USD" in entry.licence
    assert "1 million USD" in entry.about
    assert entry.gated
    assert not any(file.name.endswith((".bin", ".ckpt", ".pt", ".py")) for file in entry.files)
