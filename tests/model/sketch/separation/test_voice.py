"""The leading voice is followed through vibrato, preferred in the middle, and found when panned a little."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.separation.channel_spectra import Framing, Spectra, analyse, joint_magnitude
from model.sketch.separation.separation_parameters import DEFAULT
from model.sketch.separation.voice import (
    centredness,
    facing_voice,
    find_voice,
    voice_in_bass,
    voice_in_drums,
    voice_line,
)

RATE = 44100
FRAMING = Framing.of(RATE, DEFAULT.voice.window_seconds)
TIME = np.arange(3 * RATE) / RATE


def quiet() -> None:
    """A tick nobody listens to."""


def sung(frequency: float, vibrato: float = 0.02) -> np.ndarray:
    phase = (
        2
        * np.pi
        * (frequency * TIME - vibrato * frequency / (2 * np.pi * 5.5) * np.cos(2 * np.pi * 5.5 * TIME))
    )
    return np.sum([np.sin(h * phase) / h for h in range(1, 16)], axis=0)


def spectra(left: np.ndarray, right: np.ndarray) -> Spectra:
    return analyse(np.stack([left, right], axis=1).astype(np.float32), FRAMING, quiet)


def test_follows_a_voice_through_vibrato() -> None:
    voice = spectra(sung(247.0), sung(247.0))
    line = voice_line(joint_magnitude(voice)[:1000], FRAMING, DEFAULT.voice, quiet)
    assert line.sung[5:-5].all()
    assert np.abs(12 * np.log2(line.pitch[5:-5] / 247.0)).max() < 0.8


def test_prefers_the_middle_to_a_louder_side() -> None:
    middle, side = sung(247.0), 1.5 * sung(392.0, 0.0)
    line, mask = find_voice(spectra(middle + side, middle + 0.1 * side), FRAMING, DEFAULT.voice, quiet)
    assert np.median(np.abs(12 * np.log2(line.pitch[5:-5] / 247.0))) < 0.5
    assert mask.min() >= 0
    assert mask.max() <= 1


@pytest.mark.parametrize(("left", "right", "expected"), [(1.0, 1.0, 1.0), (1.0, 0.0, 0.0), (1.0, -1.0, 0.0)])
def test_centredness(left: float, right: float, expected: float) -> None:
    tone = sung(300.0)
    middle = centredness(spectra(left * tone, right * tone))
    assert middle[28, 20] == pytest.approx(expected, abs=1e-3)


def test_mono_is_all_middle() -> None:
    assert (centredness(spectra(sung(300.0), sung(300.0))[:1]) == 1).all()


def test_a_panned_voice_is_faced() -> None:
    voice = spectra(1.2 * sung(300.0), sung(300.0))
    faced = facing_voice(voice, np.ones(voice.shape[1:], dtype=np.float32), 1.6)
    assert centredness(voice)[28, 20] < 0.95
    assert centredness(faced)[28, 20] > 0.999


def test_facing_has_a_limit() -> None:
    voice = spectra(10 * sung(300.0), sung(300.0))
    faced = facing_voice(voice, np.ones(voice.shape[1:], dtype=np.float32), 1.6)
    assert np.abs(faced[0]).max() / np.abs(faced[1]).max() == pytest.approx(10 / 1.6, rel=0.01)


def share(mask: np.ndarray, heard: Spectra) -> float:
    power = joint_magnitude(heard)[:, 5:-5] ** 2
    return float(np.sum(mask[:, 5:-5] ** 2 * power) / power.sum())


def test_drums_give_back_a_voice_and_keep_their_hits() -> None:
    voice = 0.1 * sung(247.0)
    hits = np.random.default_rng(4).standard_normal(len(TIME)) * np.exp(-(TIME % 0.5) / 0.05)
    _, mask = find_voice(spectra(voice, voice), FRAMING, DEFAULT.voice, quiet)
    both = spectra(voice + hits, voice + hits)
    back = voice_in_drums(both, mask, FRAMING, DEFAULT.voice.ridge_hertz, quiet)
    assert share(back, spectra(hits, hits)) < 0.25 * share(mask, spectra(hits, hits))
    alone = voice_in_drums(spectra(voice, voice), mask, FRAMING, DEFAULT.voice.ridge_hertz, quiet)
    assert share(alone, spectra(voice, voice)) > 0.6


@pytest.mark.parametrize(("octave", "least", "most"), [(1.0, 0.4, 1.0), (0.5, 0.0, 0.02)])
def test_a_bass_line_gives_back_a_voice_unless_it_plays_below_it(
    octave: float, least: float, most: float
) -> None:
    voice = sung(147.0, 0.0)
    line, mask = find_voice(spectra(voice, voice), FRAMING, DEFAULT.voice, quiet)
    low = np.sin(2 * np.pi * 147.0 * octave * TIME)
    followed = spectra(low, low)
    assert least <= share(voice_in_bass(followed, mask, line.pitch, FRAMING), followed) <= most
