"""How well sound follows words, with a network of a few thousand random weights."""

import json

import numpy as np
import pytest

from model import prompt_match
from model.errors import NotLoaded
from model.prompt_match import MATCH_MODELS, MAX_WINDOWS, RATE, Clip, PromptMatcher, match_folder, windows
from tests.model.tiny_clap import tiny_clap


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    for name in ("torch", "transformers"):
        pytest.importorskip(name, reason=f"SKIPPED: {name} is not installed (extra ears)")
    return tiny_clap(tmp_path_factory.mktemp("models") / MATCH_MODELS[0].folder)


@pytest.fixture(scope="module")
def matcher(folder):
    return PromptMatcher(folder)


def sound(seed, seconds=1.0, rate=RATE):
    return np.random.default_rng(seed).standard_normal((round(seconds * rate), 2)).astype(np.float32) * 0.1


def test_scores_are_cosines_that_depend_on_nothing_else(matcher):
    clips = [Clip(sound(seed), RATE, "warm pad") for seed in range(3)]
    first = [matcher.score(clip) for clip in clips]
    again = [matcher.score(clip) for clip in reversed(clips)]
    assert first == again[::-1]
    assert all(-1.0 <= score <= 1.0 for score in first)
    assert len(set(first)) == 3
    assert matcher.score(Clip(sound(0), RATE, "hard drums")) != first[0]


def test_long_clips_and_other_rates_are_heard_whole_and_the_same_each_time(matcher, monkeypatch):
    monkeypatch.setattr(prompt_match, "MAX_WINDOWS", 2)
    clip = Clip(sound(1, 25.0, 8_000), 8_000, "warm pad")
    assert matcher.score(clip) == matcher.score(clip)


def test_silence_follows_nothing(matcher):
    assert matcher.score(Clip(np.zeros((100, 2), np.float32), RATE, "warm pad")) == 0.0


def test_windows_cover_a_clip_evenly():
    samples = np.arange(100 * 20, dtype=np.float32)
    parts = list(windows(samples, 20))
    assert [len(part) for part in parts] == [480_000] * 10
    assert len(list(windows(np.zeros(100 * 500, np.float32), 50))) == MAX_WINDOWS
    assert [len(part) for part in windows(sound(1, 0.5), RATE)] == [24_000]


def test_without_weights_or_packages_it_says_what_to_get(tmp_path, monkeypatch, folder):
    assert match_folder(folder.parent) == folder
    for models in (None, tmp_path):
        with pytest.raises(NotLoaded, match="weights of CLAP are not here") as caught:
            match_folder(models)
        assert "takebridge models pull prompt-match" in caught.value.remedy
        assert "780 MB" in caught.value.remedy
    monkeypatch.setattr(prompt_match, "PACKAGES", ("no_such_package",))
    with pytest.raises(NotLoaded, match="no_such_package") as caught:
        match_folder(folder.parent)
    assert "takebridge[ears]" in caught.value.remedy


def test_damaged_weights_are_named(tmp_path, folder):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clap", "text_config": 3}))
    with pytest.raises(NotLoaded, match="cannot be read") as caught:
        PromptMatcher(tmp_path)
    assert "models pull prompt-match" in caught.value.remedy
