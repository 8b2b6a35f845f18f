"""Songs become latents and prompts once; a change of song, words, length or checkpoint prepares them again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.training.preparation import MIN_SECONDS, TrainingSong, prepare
from model.acestep.training.prepared_song import PreparedSong
from model.acestep.weights.capabilities import ModelTask
from model.engine import Samples
from model.errors import CannotRender, RenderStopped
from tests.model.acestep.small_parts import SmallParts

SONG = TrainingSong(
    "one.wav", "digest", "warm tape", lyrics="la la", language="en", bpm=96, meter="4", key="C major"
)
RATE = 16_000


def read(seconds: float = 5.3) -> Samples:
    samples: Samples = np.random.default_rng(3).normal(0, 0.1, (round(seconds * RATE), 1)).astype(np.float32)
    return samples


def prepared(
    folder: Path, song: TrainingSong = SONG, parts: SmallParts | None = None, crop: int = 50, of: str = "tiny"
) -> PreparedSong:
    (found,) = prepare(
        parts or SmallParts(keeps_loaded=False), [song], lambda _song: (read(), RATE), crop, of, folder,
        lambda _phase, _share: None, lambda: False,
    )  # fmt: skip
    return found


def test_a_song_is_prepared_with_the_prompts_of_renders(tmp_path: Path) -> None:
    parts = SmallParts(keeps_loaded=False)
    found = prepared(tmp_path, parts=parts)
    assert found.mean.shape == found.deviation.shape == (132, 64)  # whole frames of 40 ms
    assert (found.deviation > 0).all()
    lyrics, whole, region = parts.text.read
    assert lyrics == "# Languages\nen\n\n# Lyric\nla la<|endoftext|>"
    assert "- bpm: 96\n- timesignature: 4\n- keyscale: C major\n- duration: 2 seconds\n" in whole
    assert whole.startswith("# Instruction\nFill the audio semantic mask")
    assert region.startswith("# Instruction\nRepaint the mask area")
    words = [len(text.split()) for text in (lyrics, whole, region)]
    assert found.states[ModelTask.TEXT2MUSIC].shape[0] == words[0] + 1 + words[1]
    assert found.states[ModelTask.REPAINT].shape[0] == words[0] + 1 + words[2]


def test_only_what_changed_is_prepared_again(tmp_path: Path) -> None:
    first = prepared(tmp_path)
    parts = SmallParts(keeps_loaded=False)
    again = prepared(tmp_path, replace(SONG, name="renamed.wav"), parts)
    assert not parts.opened
    assert again.name == "renamed.wav"
    assert torch.equal(again.mean, first.mean)
    for song, crop, of in (
        (replace(SONG, caption="cold tape"), 50, "tiny"),
        (replace(SONG, digest="other"), 50, "tiny"),
        (SONG, 75, "tiny"),
        (SONG, 50, "other"),
    ):
        parts = SmallParts(keeps_loaded=False)
        prepared(tmp_path, song, parts, crop, of)
        assert parts.opened["vae"] == 1


def test_a_preparation_that_was_stopped_goes_on_with_the_next_song(tmp_path: Path) -> None:
    songs = [SONG, replace(SONG, name="two.wav", digest="other")]

    def both(folder: Path, heard: list[str], stops: bool = False) -> list[PreparedSong]:
        def listened(song: TrainingSong) -> tuple[Samples, int]:
            heard.append(song.name)
            return read(5.3 if song is SONG else 5.6), RATE

        return prepare(
            SmallParts(keeps_loaded=False), songs, listened, 50, "tiny", folder,
            lambda _phase, _share: None, lambda: stops and len(heard) == 2,
        )  # fmt: skip

    heard: list[str] = []
    with pytest.raises(RenderStopped):
        both(tmp_path / "stopped", heard, stops=True)
    resumed = both(tmp_path / "stopped", heard)
    assert heard == ["one.wav", "two.wav", "two.wav"]
    whole = both(tmp_path / "whole", [])
    for one, other in zip(resumed, whole, strict=True):
        assert torch.equal(one.mean, other.mean)
        assert torch.equal(one.deviation, other.deviation)
        assert all(torch.equal(one.states[task], other.states[task]) for task in other.states)
    files = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    assert len(files) == 2
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "stopped").iterdir()}


def test_a_song_of_a_second_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CannotRender, match=r"one\.wav lasts 1\.0 s; .* 5\.1 s or more"):
        prepare(
            SmallParts(), [SONG], lambda _song: (read(1.0), RATE), 50, "tiny", tmp_path,
            lambda _phase, _share: None, lambda: False,
        )  # fmt: skip
    assert MIN_SECONDS == 5.12
    assert not list(tmp_path.iterdir())
