"""Keys and modes: parses the host's key, and finds the key of a melody if the host sends none.

A melody alone often fits several keys; the finder weighs its scale, the notes it dwells on and the note it rests on,
and reports its confidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}

# Other spellings by hosts and people; modes without a chord table map to the nearest one that has one.
MODE_WORDS = {
    **dict.fromkeys(("", "major", "maj", "ionian", "dur", "lydian"), "major"),
    **dict.fromkeys(("minor", "min", "m", "aeolian", "moll", "phrygian", "locrian"), "minor"),
    **dict.fromkeys(("dorian", "dor"), "dorian"),
    **dict.fromkeys(("mixolydian", "mixo", "mix"), "mixolydian"),
}

LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

# Distance in fifths of each mode's key signature from that of the major key on the same tonic.
SIGNATURE_SHIFT = {"major": 0, "minor": -3, "dorian": -2, "mixolydian": -1}
SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

# Probability of each degree in each mode, by semitone above the tonic: the tonic triad most often, the leading tone of
# minor rarely. Rounded from counts in folk song books.
PROFILES: dict[str, tuple[float, ...]] = {
    "major": (0.20, 0.006, 0.14, 0.006, 0.18, 0.09, 0.01, 0.20, 0.006, 0.10, 0.01, 0.052),
    "minor": (0.21, 0.006, 0.13, 0.17, 0.008, 0.11, 0.01, 0.19, 0.06, 0.012, 0.06, 0.035),
    "dorian": (0.21, 0.004, 0.11, 0.15, 0.006, 0.10, 0.006, 0.19, 0.006, 0.075, 0.13, 0.008),
    "mixolydian": (0.20, 0.004, 0.12, 0.006, 0.17, 0.10, 0.006, 0.18, 0.006, 0.10, 0.10, 0.008),
}
# Prior in the same units (nats): most songs are major or minor.
MODE_PRIOR = {"major": 0.0, "minor": -0.1, "dorian": -0.9, "mixolydian": -1.3}

EVIDENCE = (
    14.0  # weight of the whole histogram in nats; with more, one chromatic passing note would rule a key out
)
REST_ON_TONIC = 2.2  # the note a song ends on is likely the tonic

REST_ON_TRIAD = 0.7
START_ON_TRIAD = 0.5


@dataclass(frozen=True)
class SongKey:
    """tonic: pitch class, 0 = C; mode: a name in SCALES."""

    tonic: int
    mode: str

    @property
    def flat(self) -> bool:
        """Whether its notes are spelled with flats."""
        fifths = (self.tonic * 7 + 5) % 12 - 5 + SIGNATURE_SHIFT[self.mode]
        return fifths < 0 or fifths > 6

    def spell(self, pitch_class: int) -> str:
        """Name of a pitch class in this key."""
        return (FLAT_NAMES if self.flat else SHARP_NAMES)[pitch_class % 12]

    @property
    def name(self) -> str:
        """ "F# minor"."""
        return f"{self.spell(self.tonic)} {self.mode}"

    @property
    def scale(self) -> tuple[int, ...]:
        """Its pitch classes from the tonic up."""
        return tuple((self.tonic + step) % 12 for step in SCALES[self.mode])

    @property
    def is_minor(self) -> bool:
        """Whether the tonic chord is minor."""
        return 3 in SCALES[self.mode]


@dataclass(frozen=True)
class FoundKey:
    """A key and its confidence, 0..1 (1 if the host gave it)."""

    key: SongKey
    confidence: float


def parse_key(text: str) -> SongKey | None:
    """The key written as "G major", "F#m", "Bb", "D dorian", "a moll"; None if it cannot be parsed."""
    words = text.strip().replace("♯", "#").replace("♭", "b").replace("-", " ").split()
    if not words or words[0][0].upper() not in LETTERS:
        return None
    tonic = LETTERS[words[0][0].upper()]
    rest = words[0][1:]
    while rest[:1] in ("#", "b"):
        tonic += 1 if rest[0] == "#" else -1
        rest = rest[1:]
    mode = MODE_WORDS.get((rest + "".join(words[1:2])).lower() if rest != "M" else "major")
    return None if mode is None else SongKey(tonic % 12, mode)


def find_key(histogram: Floats, first: int | None, last: int | None) -> FoundKey:
    """The key of a melody.

    histogram: [12], how long each pitch class is sung, metrically weighted; any scale.
    first, last: pitch classes of the first and last long notes, None if there are none.
    """
    share = histogram / max(float(histogram.sum()), 1e-9)
    keys = [SongKey(tonic, mode) for mode in SCALES for tonic in range(12)]
    scores = np.array([key_score(key, share, first, last) for key in keys])
    best = int(np.argmax(scores))
    odds = np.exp(scores - scores[best])
    return FoundKey(keys[best], float(1.0 / odds.sum()))


def key_score(key: SongKey, share: Floats, first: int | None, last: int | None) -> float:
    """Log likelihood, up to a constant, of a melody's histogram [12] (sums to 1) and its ends."""
    profile = np.roll(PROFILES[key.mode], key.tonic)
    score = EVIDENCE * float(share @ np.log(profile)) + MODE_PRIOR[key.mode]
    triad = (key.tonic, (key.tonic + (3 if key.is_minor else 4)) % 12, (key.tonic + 7) % 12)
    if last is not None:
        score += REST_ON_TONIC if last == key.tonic else REST_ON_TRIAD if last in triad else 0.0
    if first is not None and first in triad:
        score += START_ON_TRIAD
    return score
