"""A song taken apart: exact sums, bounded blocks, odd inputs, and how close the
stems come to the true ones."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest

from model.engine import Progress, Samples
from model.errors import RenderStopped
from model.sketch.separation.separation import (
    Stems,
    cut,
    drums_and_bass,
    energy,
    own_part,
    rate_factor,
    separate,
)
from model.sketch.separation.separation_parameters import DEFAULT, STEM_NAMES, BlockParameters
from tests.model.sketch import stem_songs
from tests.model.sketch.stem_figures import measure, si_sdr

RATE = stem_songs.RATE
TARGETS = {"vocals": 8.0, "drums": 7.0, "bass": 6.0, "other": 4.0}
"""SI-SDR gain over the mix in dB, as an average over songs."""


def apart(samples: Samples, rate: int = RATE, **changes: object) -> Stems:
    parameters = dataclasses.replace(DEFAULT, **changes)
    return separate(samples, rate, lambda _: None, lambda: False, parameters)


def assert_sums(stems: Stems, source: Samples) -> None:
    total = np.sum([stems.named(stem).astype(np.float64) for stem in STEM_NAMES], axis=0)
    assert np.abs(total - source).max(initial=0.0) <= 1e-6
    assert all(stems.named(stem).shape == source.shape for stem in STEM_NAMES)
    assert all(np.isfinite(stems.named(stem)).all() for stem in STEM_NAMES)


@pytest.mark.parametrize(
    ("rate", "factor"), [(44100, 1), (48000, 1), (88200, 2), (96000, 2), (176400, 4), (192000, 4), (50001, 1)]
)
def test_high_rates_are_halved_or_quartered(rate: int, factor: int) -> None:
    assert rate_factor(rate, 50000) == factor


def test_stems_come_closer_to_the_true_ones_than_the_mix() -> None:
    figures = measure("pop", 12.0)
    assert figures.stems.has_vocal
    for stem, least in TARGETS.items():
        assert figures.gain[stem] >= least, stem


def test_a_kick_that_booms_on_is_drums_and_no_bass() -> None:
    """An 808: a sine that falls to one pitch and rings for a second, under a band without a bass."""
    band = stem_songs.make("pop", 12.0).stems
    seconds = np.arange(len(band["drums"])) / RATE % 1.017
    boom = np.exp(-seconds / 0.5) * np.sin(2 * np.pi * (54 * seconds + 1.5 * (1 - np.exp(-seconds / 0.02))))
    drums = (0.3 * boom[:, None] + band["drums"]).astype(np.float32)
    stems = apart(drums + band["other"])
    assert si_sdr(drums, stems.drums) >= si_sdr(drums, drums + band["other"]) + 2.0
    assert np.square(stems.bass).sum() < 0.1 * np.square(drums).sum()


def test_short_bass_notes_that_move_are_bass_beside_a_kick_that_does_not() -> None:
    """As sudden and as low as the kick, at twice its level, between its hits and on them."""
    band = stem_songs.make("pop", 12.0).stems
    seconds = np.arange(len(band["drums"])) / RATE
    beat, note = seconds % 0.5, seconds % 0.375
    kick = 0.15 * np.exp(-beat / 0.08) * np.sin(2 * np.pi * (52 * beat + 2 * (1 - np.exp(-beat / 0.02))))
    pitch = np.array([41.2, 61.7, 82.4, 73.4, 49.0, 65.4, 55.0])[(seconds // 0.375).astype(int) % 7]
    bass = 0.3 * np.exp(-note / 0.1) * np.sin(2 * np.pi * pitch * note)
    drums = kick[:, None] + band["drums"]
    mix = (drums + bass[:, None] + band["other"]).astype(np.float32)
    stems = apart(mix)
    true = np.broadcast_to(bass[:, None], mix.shape)
    assert si_sdr(true, stems.bass) >= si_sdr(true, mix) + 5.0


def tones(first: float, second: float, level: float) -> Samples:
    """A steady sine, and another one at `level`."""
    seconds = np.arange(6 * RATE) / RATE
    mono = np.sin(2 * np.pi * first * seconds) + level * np.sin(2 * np.pi * second * seconds)
    return mono.astype(np.float32)[:, None]


@pytest.mark.parametrize(("line", "beside", "kept"), [(55.0, 70.0, 1.0), (110.0, 60.0, 0.0)])
def test_without_drums_what_is_held_and_low_is_bass_under_a_line_no_guitar_plays(
    line: float, beside: float, kept: float
) -> None:
    _, bass, present = drums_and_bass(tones(line, beside, 0.05), RATE, DEFAULT, False, lambda: None)
    assert present == 0.0
    second = tones(line, beside, 0.05) - tones(line, beside, 0.0)
    assert float(np.sum(bass * second) / np.sum(second * second)) == pytest.approx(kept, abs=0.1)


def test_a_low_voice_that_glides_is_no_bass_where_somebody_sings() -> None:
    """Beside a kick that comes again and again."""
    seconds = np.arange(8 * RATE) / RATE
    beat = seconds % 0.5
    kick = np.exp(-beat / 0.08) * np.sin(2 * np.pi * (52 * beat + 2 * (1 - np.exp(-beat / 0.02))))
    pitch = 110 * 2 ** (0.3 * np.sin(2 * np.pi * 1.3 * seconds))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = np.sum([np.sin(number * phase) / number for number in range(1, 12)], axis=0)
    mix = (0.5 * kick + 0.3 * voice).astype(np.float32)[:, None]
    taken = [energy(drums_and_bass(mix, RATE, DEFAULT, sings, lambda: None)[1]) for sings in (False, True)]
    assert taken[1] < 0.5 * taken[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "names", [stem_songs.TUNING, stem_songs.NEVER_USED_FOR_TUNING], ids=["tuning", "aside"]
)
def test_every_kind_of_song_reaches_the_targets_on_average(names: tuple[str, ...]) -> None:
    figures = [measure(name, 14.0) for name in names]
    # A breathy flute kept aside from tuning is still taken for a voice; a voice must never be missed.
    assert all(row.stems.has_vocal for row in figures if row.sings)
    if names == stem_songs.TUNING:
        assert not any(row.stems.has_vocal for row in figures if not row.sings)
    for stem, least in TARGETS.items():
        assert np.nanmean([row.gain[stem] for row in figures]) >= least, stem
    assert all(gain > 1 for row in figures for gain in row.gain.values() if not np.isnan(gain))


def test_a_verse_after_a_long_introduction_is_still_sung() -> None:
    introduction, verse = stem_songs.make("ambient", 8.0).mix, stem_songs.make("pop", 12.0).mix[-8 * RATE :]
    stems = apart(np.concatenate([introduction, verse]), block=BlockParameters(core_seconds=8.0))
    assert stems.has_vocal
    assert not apart(introduction).has_vocal


def test_blocks_give_what_one_piece_gives() -> None:
    mix = stem_songs.make("pop", 12.0).mix
    whole = apart(mix, block=BlockParameters(core_seconds=60.0))
    blocks = apart(mix, block=BlockParameters(core_seconds=5.0))
    for stem in STEM_NAMES:
        assert si_sdr(whole.named(stem), blocks.named(stem)) > 18, stem


def test_gains_of_neighbouring_blocks_add_up_to_one() -> None:
    parameters = BlockParameters(core_seconds=2.0, context_seconds=0.5, fade_seconds=0.1)
    total = np.zeros(7123)
    for block in cut(len(total), 1000, parameters):
        total[block.first : block.last] += own_part(block, len(total), 1000, parameters)
    np.testing.assert_allclose(total, 1.0, atol=1e-6)


def noise(frames: int, channels: int = 2, level: float = 0.2) -> Samples:
    return (np.random.default_rng(5).standard_normal((frames, channels)) * level).astype(np.float32)


ODD_INPUTS = {
    "silence": np.zeros((RATE, 2), np.float32),
    "almost silence": noise(RATE, level=1e-5),
    "constant": np.full((RATE, 2), 0.4, np.float32),
    "noise": noise(RATE),
    "mono": noise(RATE, 1),
    "clipped": np.clip(noise(RATE, level=3.0), -1, 1),
    "one ear only": noise(RATE) * np.array([1, 0], np.float32),
    "opposite ears": noise(RATE, 1) * np.array([1, -1], np.float32),
    "two thousand frames": noise(2000),
    "one frame": noise(1),
    "nothing": noise(0),
}


@pytest.mark.parametrize("source", ODD_INPUTS.values(), ids=ODD_INPUTS.keys())
def test_odd_inputs_still_sum(source: Samples) -> None:
    assert_sums(apart(source), source)


def test_silence_gives_silence() -> None:
    stems = apart(ODD_INPUTS["silence"])
    assert not any(stems.named(stem).any() for stem in STEM_NAMES)
    assert not stems.has_vocal


@pytest.mark.parametrize("rate", [22050, 48000, 88200, 96000, 192000])
def test_every_rate_sums(rate: int) -> None:
    source = noise(rate // 2 + 3)
    assert_sums(apart(source, rate), source)


def test_stops_when_asked() -> None:
    asked = 0

    def after_a_while() -> bool:
        nonlocal asked
        asked += 1
        return asked > 5

    with pytest.raises(RenderStopped):
        separate(noise(3 * RATE), RATE, lambda _: None, after_a_while)


@pytest.mark.alone  # it keeps time
def test_asks_whether_to_stop_many_times_a_second() -> None:
    asked = 0

    def count() -> bool:
        nonlocal asked
        asked += 1
        return False

    apart(noise(RATE))  # scipy's first import is not what is measured
    began = time.thread_time()
    separate(noise(8 * RATE), RATE, lambda _: None, count)
    assert asked > 15 * (time.thread_time() - began)


def test_progress_rises_to_one_and_speaks_of_music() -> None:
    seen: list[Progress] = []
    separate(noise(3 * RATE), RATE, seen.append, lambda: False)
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert "finding the voice" in {progress.stage for progress in seen}
