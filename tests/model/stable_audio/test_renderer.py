"""From the network's rate to the project's: every sample in its place, whatever the rate, the region and the song."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("diffusers", reason="Stable Audio needs diffusers: pip install takebridge[stable-audio]")

import torch

from model.engine import Piece, Song, Task
from model.errors import CannotRender
from model.pace import Pace
from model.stable_audio.published_stable_audio import StableAudioCheckpoint
from model.stable_audio.renderer import NOT_AVOIDED, StableAudioRenderer
from model.stable_audio.stable_audio_settings import StableAudioSettings
from tests.model.stable_audio.sound_requests import request

QUIET = Pace(lambda _: None, lambda: False)


class Mirror:
    """Has the network's shape; its latents are the audio itself, and what it draws is what it heard."""

    rate, hop, channels, frames, tokens = 44_100, 1_024, 2, 172, 24

    def encode(self, samples, pace):
        assert samples.shape == (self.frames * self.hop, 2)
        return torch.from_numpy(samples)

    def draw(self, plan, settings, pace):
        self.plan = plan
        return plan.known

    def decode(self, latents, first, end, pace):
        assert 0 <= first < end <= self.frames * self.hop
        for at in range(first, end, 50_000):
            yield latents[at : min(end, at + 50_000)].numpy()

    def first_level(self, noise):
        return min(noise, 100.0)

    def unread(self, words):
        return ""


@pytest.fixture(scope="module")
def renderer(stable_models: Path) -> StableAudioRenderer:
    name = "stable-audio-open-1.0"
    checkpoint = StableAudioCheckpoint(stable_models / name, name)
    found = StableAudioRenderer(checkpoint, torch.device("cpu"), "cpu", lambda _: None)
    found._network = Mirror()  # type: ignore[assignment]
    return found


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 44_101, 48_000, 96_000, 192_000])
def test_what_it_heard_comes_back_where_it_was_heard(renderer, rate):
    """A click in the region, and one in the handle before it, are on their very samples."""
    start, click = 4 * rate + 37, 4 * rate + rate // 4
    samples = np.zeros((10 * rate, 2), np.float32)
    samples[click] = samples[start - rate // 8] = 0.5
    asked = request(
        rate=rate, song=Song(samples, rate, f"clicks {rate}"), start=start, end=start + rate, handle=rate // 4
    )
    found = list(renderer.render(asked, StableAudioSettings(), QUIET))
    handles = np.concatenate(
        [each.samples for each in found if isinstance(each, Piece) and each.stem == "handles"]
    )
    inside = np.concatenate(
        [each.samples for each in found if isinstance(each, Piece) and each.stem == "mix"]
    )
    assert len(handles) == rate + 2 * (rate // 4)
    assert len(inside) == rate
    assert int(np.abs(inside[:, 0]).argmax()) == click - start
    assert int(np.abs(handles[: rate // 4, 0]).argmax()) == rate // 4 - rate // 8
    free = renderer._network.plan.free
    assert len(free) in (44, 45)  # a second of frames, and one more where it begins inside one


@pytest.mark.parametrize("rate", [44_100, 48_000, 192_000])
@pytest.mark.parametrize(("start", "end"), [(0, 1), (-1, 1), (-1, 0), (-2, -1), (0.5, 0.5), (0.25, 0.75)])
def test_regions_at_the_songs_ends_and_of_one_sample(renderer, rate, start, end):
    """start, end: of the song's ten seconds in parts; a whole number is a sample from its beginning or its end."""
    song = request(rate=rate).song

    def frame(at: float) -> int:
        return round(at * song.frames) if isinstance(at, float) else (song.frames + at if at < 0 else at)

    first = frame(start)
    last = max(first + 1, min(frame(end) if end else song.frames, first + 3 * rate))
    asked = request(rate=rate, start=first, end=last)
    found = list(renderer.render(asked, StableAudioSettings(), QUIET))
    inside = np.concatenate([each.samples for each in found if isinstance(each, Piece)])
    assert len(inside) == last - first
    # All but what the resampler takes of the highest notes.
    assert np.abs(inside - song.samples[first:last]).max() < (1e-6 if rate == 44_100 else 0.3)
    assert renderer._network.plan.free.stop <= Mirror.frames


def test_a_mono_project_gets_mono_and_the_network_hears_both_sides(renderer):
    asked = request(channels=1)
    found = list(renderer.render(asked, StableAudioSettings(), QUIET))
    inside = np.concatenate([each.samples for each in found if isinstance(each, Piece)])
    assert inside.shape == (asked.length, 1)
    assert np.allclose(inside, asked.song.samples[asked.start : asked.end], atol=1e-6)


@pytest.mark.parametrize(
    ("strength", "options", "noise"), [(0.0, {}, 0.5), (0.95, {}, 354.0), (1.0, {"noise": 2.0}, 2.0)]
)
def test_how_far_it_goes_from_the_old_sound_is_the_requests(renderer, strength, options, noise):
    settings = StableAudioSettings(**options)
    (*_, report) = renderer.render(request(strength=strength), settings, QUIET)
    assert renderer._network.plan.noise == pytest.approx(noise, rel=1e-3)
    assert report.figures["noise"] == pytest.approx(min(noise, 100.0)), "the level it really began at"


@pytest.mark.parametrize(("guidance", "noted"), [(1.0, True), (1.5, False)])
def test_without_guidance_a_note_says_that_nothing_is_avoided(renderer, guidance, noted):
    (*_, report) = renderer.render(request(), StableAudioSettings(guidance, avoid="hiss"), QUIET)
    assert (NOT_AVOIDED in report.notes) is noted


def test_how_much_it_hears_around_is_the_requests(renderer):
    (*_, report) = renderer.render(request(), StableAudioSettings(), QUIET)
    heard = report.figures["heard_before_seconds"] + report.figures["heard_after_seconds"]
    assert heard == pytest.approx(172 * 1_024 / 44_100 - 1.5, abs=0.1)
    (*_, report) = renderer.render(request(context_seconds=0.5), StableAudioSettings(), QUIET)
    assert report.figures["heard_before_seconds"] == report.figures["heard_after_seconds"] == 0.5
    assert renderer._network.plan.seconds == pytest.approx(2.5)


def test_a_song_is_heard_once_for_all_takes(renderer, monkeypatch):
    heard = []
    encode = Mirror.encode
    monkeypatch.setattr(Mirror, "encode", lambda *args: heard.append(1) or encode(*args))
    asked = request(start=3 * 44_100, end=4 * 44_100)
    for take in range(3):
        list(
            renderer.render(
                request(start=asked.start, end=asked.end, takes=(take,)), StableAudioSettings(), QUIET
            )
        )
    assert len(heard) == 1
    list(renderer.render(request(start=asked.start + 1, end=asked.end), StableAudioSettings(), QUIET))
    assert len(heard) == 2


@pytest.mark.parametrize("task", [Task.REPAINT, Task.GENERATE])
def test_what_is_longer_than_its_window_is_refused_with_a_remedy(renderer, task):
    with pytest.raises(CannotRender, match=r"at most 3\.9 s at once.*has 4\.0 s") as refused:
        list(
            renderer.render(
                request(task, start=0, end=4 * 44_100 - 900, handle=450), StableAudioSettings(), QUIET
            )
        )
    assert "shorter" in refused.value.remedy
