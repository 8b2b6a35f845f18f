"""Which folders are MusicGen Melody checkpoints, and what is said of the published ones."""

from __future__ import annotations

import json
from pathlib import Path

from model.musicgen.published_musicgen import MUSICGEN_MODELS, find_musicgen


def written(folder: Path, kind: str = "musicgen_melody", weights: str = "model.safetensors") -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": kind}), encoding="utf-8")
    (folder / weights).write_bytes(b"")
    return folder


def test_stereo_comes_first_and_others_are_passed_over(tmp_path):
    for name in ("musicgen-melody", "musicgen-stereo-melody", "a-tune"):
        written(tmp_path / name)
    written(tmp_path / "acestep-v15-turbo", "acestep")
    written(tmp_path / "only-a-pickle", weights="pytorch_model.bin")
    written(tmp_path / "broken").joinpath("config.json").write_text("{", encoding="utf-8")
    written(tmp_path / ".downloads")
    assert [one.name for one in find_musicgen(tmp_path)] == [
        "musicgen-stereo-melody", "a-tune", "musicgen-melody",
    ]  # fmt: skip


def test_a_checkpoints_own_folder_will_do_and_what_is_not_there_is_none(tmp_path):
    (found,) = find_musicgen(written(tmp_path / "tuned"))
    assert (found.name, found.untrained) == ("tuned", False)
    assert "pull" not in found.get_again, "nobody publishes it"
    assert find_musicgen(tmp_path / "absent") == ()


def test_every_published_one_says_that_it_is_not_for_commercial_use():
    for entry in MUSICGEN_MODELS:
        assert "not for commercial use" in entry.licence
        assert "not for commercial use" in entry.about
