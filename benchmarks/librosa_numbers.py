"""Writes the numbers of librosa that tests compare the sketch engine's analysis with.

    pip install "takebridge[oracles]"
    python -m benchmarks.librosa_numbers

The suite reads them from tests/golden/librosa.json and needs no librosa, whose compiler (numba) takes half a minute to
start. Run it again after changing the songs of `tests/model/sketch/folk_songs.py` or how they are sung.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import librosa
import numpy as np

from tests.model.sketch.analysis.test_spectrum import BINS, COLUMNS, noise
from tests.model.sketch.band.test_melody import COMPARED, RATE, sung, truth_at
from tests.places import LIBROSA_NUMBERS

HOP = 220


def pitch_share(song, cents):
    """How much of the sung time librosa's probabilistic YIN finds within half a semitone."""
    voice, line = sung(song, cents)
    pitch, _, _ = librosa.pyin(voice[:, 0], fmin=65, fmax=1000, sr=RATE, hop_length=HOP, frame_length=2048)
    truth = truth_at(line, len(pitch), HOP / RATE)
    return float(np.mean(np.abs(69 + 12 * np.log2(pitch / 440) - truth)[np.isfinite(truth)] < 0.5))


def main() -> None:
    columns = librosa.stft(noise(), n_fft=2048, hop_length=512, window="hann", pad_mode="constant")[
        BINS, COLUMNS
    ]
    numbers = {
        "librosa": librosa.__version__,
        "numpy": np.__version__,
        "pyin": {song.name: pitch_share(song, cents) for song, cents in COMPARED},
        "stft": {
            part: np.round(getattr(columns, part).astype(float), 6).tolist() for part in ("real", "imag")
        },
    }
    LIBROSA_NUMBERS.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    print(f"written: {LIBROSA_NUMBERS}, pyin {numbers['pyin']}")


if __name__ == "__main__":
    main()
