"""Scores of stored clips: what the network is given, and in which order its answers come back."""

from bridge_server.engines import clip_scoring
from bridge_server.engines.clip_scoring import score_clips
from clip_store.audio.audio_file import write_wav
from tests.clip_store.sounds import song


def test_each_clip_is_scored_against_its_prompt(tmp_path, monkeypatch):
    given = []

    class Matcher:
        def __init__(self, folder):
            given.append(folder)

        def score(self, clip):
            given.append((clip.samples.shape, clip.rate, clip.prompt))
            return len(clip.samples) / 10_000

    monkeypatch.setattr(clip_scoring, "PromptMatcher", Matcher)
    monkeypatch.setattr(clip_scoring, "match_folder", lambda models: models / "weights")
    clips = []
    for frames, prompt in ((4_800, "warm"), (2_400, "dark")):
        clips.append((tmp_path / f"{frames}.wav", prompt))
        write_wav(clips[-1][0], song(frames, 2, 48_000))
    assert score_clips(tmp_path, clips) == [0.48, 0.24]
    assert given == [tmp_path / "weights", ((4_800, 2), 48_000, "warm"), ((2_400, 2), 48_000, "dark")]
