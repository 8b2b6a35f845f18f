"""Examples: the same ones for ever, every song once an epoch, regions and dropped prompts as often as asked for."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.training.examples import Examples
from model.acestep.weights.capabilities import ModelTask
from tests.model.acestep.training.small_training import material, small, song


def examples(**changed: Any) -> Examples:
    what = material(song(1), song(2), song(3, frames=10))
    return Examples(what.songs, what.silence, what.nothing, small(**changed))


def test_an_example_depends_on_its_number_alone() -> None:
    one, other = examples(), examples()
    later = [one[number] for number in (7, 3)]
    for found, again in zip(later, (other[7], other[3]), strict=True):
        assert torch.equal(found.latents, again.latents)
        assert torch.equal(found.noise, again.noise)
        assert torch.equal(found.context, again.context)
        assert (found.time, found.dropout_seed, found.region) == (
            again.time,
            again.dropout_seed,
            again.region,
        )
    assert not torch.equal(one[7].noise, examples(seed=1)[7].noise)


def test_each_epoch_has_every_song_once_in_another_order() -> None:
    found = examples()
    epochs = [tuple(found[3 * epoch + place].song for place in range(3)) for epoch in range(12)]
    assert all(sorted(epoch) == ["song 1", "song 2", "song 3"] for epoch in epochs)
    assert len(set(epochs)) > 1


def test_a_crop_is_a_stretch_of_its_song_and_a_short_song_is_whole() -> None:
    found, starts = examples(), set()
    songs = {one.name: one for one in (song(1), song(2), song(3, frames=10))}
    for number in range(60):
        one = found[number]
        of = songs[one.song]
        frames = min(of.frames, 24)
        assert one.latents.shape == one.noise.shape == (1, frames, 64)
        near = [
            first
            for first in range(of.frames - frames + 1)
            if (
                (one.latents[0] - of.mean[first : first + frames]).abs()
                <= 6 * of.deviation[first : first + frames] + 1e-6
            ).all()
        ]
        assert len(near) == 1
        starts.add((one.song, near[0]))
    assert len(starts) > 20


def test_a_region_is_silent_and_marked_and_the_rest_is_the_song() -> None:
    found, what = examples(region_share=1.0, condition_dropout=0.0), material()
    seen = set()
    for number in range(40):
        one = found[number]
        assert one.region is not None
        first, end = one.region
        frames = one.latents.shape[1]
        assert 0 <= first < end <= frames
        assert 1 <= end - first < frames
        source, mask = one.context[0, :, :64], one.context[0, :, 64:]
        assert torch.equal(source[first:end], what.silence[0, first:end])
        assert torch.equal(source[:first], one.latents[0, :first])
        assert torch.equal(source[end:], one.latents[0, end:])
        assert mask.sum() == 64 * (end - first)
        assert mask[first:end].all()
        assert torch.equal(one.states[0], song_states(one.song, ModelTask.REPAINT))
        seen.add((first == 0, end == frames))
    assert len(seen) > 1


def song_states(name: str, task: ModelTask) -> torch.Tensor:
    return song(int(name[-1]), 10 if name == "song 3" else 40).states[task]


def test_a_whole_example_has_silence_everywhere_and_the_prompt_of_a_new_song() -> None:
    one = examples(region_share=0.0, condition_dropout=0.0)[0]
    assert one.region is None
    assert torch.equal(one.context[0, :, :64], material().silence[0, : one.latents.shape[1]])
    assert one.context[0, :, 64:].all()
    assert torch.equal(one.states[0], song_states(one.song, ModelTask.TEXT2MUSIC))


def test_shares_and_times_are_those_asked_for() -> None:
    found = [examples(region_share=0.25, condition_dropout=0.5)[number] for number in range(400)]
    assert 0.15 <= sum(one.region is not None for one in found) / 400 <= 0.35
    assert 0.4 <= sum(one.states.shape[1] == 1 for one in found) / 400 <= 0.6
    times = torch.cat([one.time for one in found])
    assert times.min() > 0
    assert times.max() < 1
    assert 0.49 <= times.median() <= 0.59  # the larger of two: 0.54
