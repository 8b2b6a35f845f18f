"""Measures Sketch's stems of real mixes against the true ones, beside the best that any mask could do."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from benchmarks.real_music.multitracks import RATE, SECONDS, Multitrack
from benchmarks.sketch_columns import Column, Columns
from model.engine import Samples
from model.sketch.separation.channel_spectra import Framing, analyse, joint_magnitude, synthesise
from model.sketch.separation.separation import separate
from model.sketch.separation.separation_parameters import STEM_NAMES
from tests.model.sketch.stem_figures import si_sdr

OURS, BEST = "Sketch", "best mask"
LEAST_DB = -50.0
"""Below the mix: a reference with less is silence, of which a ratio says nothing."""
_MASK_SECONDS = 0.093
STEMS = (*STEM_NAMES, "band", "guitar", "rest")


def measure(make: Callable[[], Multitrack]) -> Columns:
    """The gain over the mix of each stem that the mix has. May raise NotToBeHad."""
    made = make()
    mix = made.mix
    began = time.thread_time()
    found = separate(mix, RATE, lambda _: None, lambda: False, somebody_sings="vocals" in made.stems)
    columns: Columns = {OURS: Column(), BEST: Column()}
    columns[OURS].add("extraction time", (time.thread_time() - began) / SECONDS)
    estimates = {stem: found.named(stem) for stem in STEM_NAMES}
    estimates |= {
        "band": found.bass + found.other,
        "guitar": found.other + found.vocals,
        "rest": found.drums + found.bass,
    }
    heard = {stem: truth for stem, truth in made.stems.items() if level_db(truth) > level_db(mix) + LEAST_DB}
    ideal = ideal_stems(made.stems, mix)
    for stem, truth in heard.items():
        floor = si_sdr(truth, mix)
        for heading, estimate in ((OURS, estimates[stem]), (BEST, ideal[stem])):
            gain = si_sdr(truth, estimate) - floor if estimate.any() else 0.0
            columns[heading].add(f"gain {stem}", gain)
    return columns


def level_db(samples: Samples) -> float:
    """Mean power in dB; -200 for silence."""
    return 10.0 * float(np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-20))


def ideal_stems(stems: dict[str, Samples], mix: Samples) -> dict[str, Samples]:
    """Stems by the ratio of the true powers: about what a mask of this resolution can reach (Wiener)."""

    def tick() -> None:
        return None

    framing = Framing.of(RATE, _MASK_SECONDS)
    spectra = analyse(mix, framing, tick)
    power = {stem: joint_magnitude(analyse(truth, framing, tick)) ** 2 for stem, truth in stems.items()}
    whole = np.sum(list(power.values()), axis=0) + np.float32(1e-12)
    return {stem: synthesise(spectra, part / whole, framing, len(mix), tick) for stem, part in power.items()}
