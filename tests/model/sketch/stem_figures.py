"""How close separated stems come to the true ones: the measure, and a table over all the songs.

    python -m tests.model.sketch.stem_figures

prints the SI-SDR gain over the mix in dB per song and stem; songs kept aside from tuning come last.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from model.engine import Samples
from model.sketch.separation.separation import Stems, separate
from model.sketch.separation.separation_parameters import STEM_NAMES
from tests.model.sketch import stem_songs


@dataclass(frozen=True)
class Figures:
    """gain: dB over the mix per stem, NaN where the song has no such stem. load:
    processor time / duration."""

    name: str
    gain: dict[str, float]
    stems: Stems
    sings: bool
    load: float


def si_sdr(truth: Samples, estimate: Samples) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019)."""
    reference, found = truth.ravel().astype(np.float64), estimate.ravel().astype(np.float64)
    target = (found @ reference) / (reference @ reference + 1e-20) * reference
    return float(10 * np.log10((target @ target + 1e-20) / (np.sum((found - target) ** 2) + 1e-20)))


def measure(name: str, seconds: float = 24.0) -> Figures:
    """Separates the named song and compares."""
    song = stem_songs.make(name, seconds)
    mix = song.mix
    began = time.process_time()
    stems = separate(mix, song.rate, lambda _: None, lambda: False)
    load = (time.process_time() - began) / seconds
    gain = {
        stem: si_sdr(truth, stems.named(stem)) - si_sdr(truth, mix) if truth.any() else float("nan")
        for stem, truth in song.stems.items()
    }
    return Figures(name, gain, stems, bool(song.stems["vocals"].any()), load)


def line(figures: Figures) -> str:
    gains = "".join(f"{figures.gain[stem]:8.1f}" for stem in STEM_NAMES)
    evidence = figures.stems.evidence
    found = "yes" if figures.stems.has_vocal else "no"
    return (
        f"{figures.name:18}{gains}   vocal {found:3} (share {evidence.share:.2f}, "
        f"movement {evidence.movement:.1f} dB, gliding {evidence.gliding:.2f})   {figures.load:.2f}x"
    )


def main() -> None:
    print(f"{'song':18}" + "".join(f"{stem:>8}" for stem in STEM_NAMES) + "   SI-SDR gain over the mix in dB")
    for names in (stem_songs.TUNING, stem_songs.NEVER_USED_FOR_TUNING):
        rows = [measure(name) for name in names]
        for row in rows:
            print(line(row))
        means = [np.nanmean([row.gain[stem] for row in rows]) for stem in STEM_NAMES]
        print(f"{'mean':18}" + "".join(f"{mean:8.1f}" for mean in means))


if __name__ == "__main__":
    main()
