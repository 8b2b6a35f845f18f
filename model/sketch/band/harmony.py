"""Chooses chords for a melody: a small grammar of functional harmony and a Viterbi search.

In: what is sung in each slot (half a bar, or a whole one if bars are short) as pitch-class weights. Out: one chord per
slot. Positions are slots and bars; this file knows no seconds and no sounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.given_chord import GivenChord
from model.sketch.band.key_finding import SongKey

Floats = NDArray[np.float64]

QUALITIES: dict[str, tuple[int, ...]] = {"": (0, 4, 7), "m": (0, 3, 7), "dim": (0, 3, 6)}


@dataclass(frozen=True)
class Function:
    """A chord by its function in the key: semitones of its root above the tonic, quality, how common it is (nats)."""

    name: str
    root: int
    quality: str
    prior: float


@dataclass(frozen=True)
class Chord:
    """root: pitch class; quality: a name in QUALITIES; function: its name in the key ("I", "bVII", ...), "" if none.

    given: the producer's own chord, which is played as it is: nothing is added to it.
    """

    root: int
    quality: str
    function: str
    given: GivenChord | None = None

    @classmethod
    def of(cls, given: GivenChord) -> Chord:
        """The producer's chord."""
        return cls(given.root, "", "", given)

    @property
    def intervals(self) -> tuple[int, ...]:
        """Semitones of its notes above the root; () where no chord plays."""
        return QUALITIES[self.quality] if self.given is None else self.given.intervals

    @property
    def silent(self) -> bool:
        """Whether no chord plays here."""
        return not self.intervals

    @property
    def bass(self) -> int:
        """Pitch class of the lowest note."""
        return self.root if self.given is None else self.given.bass

    @property
    def tones(self) -> tuple[int, ...]:
        """Its pitch classes from the root up, each once."""
        return tuple(dict.fromkeys((self.root + step) % 12 for step in self.intervals))

    def name(self, key: SongKey) -> str:
        """ "F#m", spelled as the key does, or as the producer did."""
        return key.spell(self.root) + self.quality if self.given is None else self.given.name


FUNCTIONS: dict[str, tuple[Function, ...]] = {
    "major": (
        Function("I", 0, "", 0.85),
        Function("ii", 2, "m", -0.6),
        Function("iii", 4, "m", -1.3),
        Function("IV", 5, "", 0.2),
        Function("V", 7, "", 0.3),
        Function("vi", 9, "m", -0.5),
        Function("bVII", 10, "", -1.6),
    ),
    "minor": (
        Function("i", 0, "m", 0.85),
        Function("iv", 5, "m", -0.2),
        Function("v", 7, "m", -0.8),
        Function("V", 7, "", 0.15),
        Function("VI", 8, "", -0.3),
        Function("III", 3, "", -0.1),
        Function("VII", 10, "", 0.15),
    ),
    "dorian": (
        Function("i", 0, "m", 0.85),
        Function("ii", 2, "m", -1.4),
        Function("III", 3, "", -0.4),
        Function("IV", 5, "", -0.2),
        Function("v", 7, "m", -0.7),
        Function("VII", 10, "", 0.35),
    ),
    "mixolydian": (
        Function("I", 0, "", 0.85),
        Function("ii", 2, "m", -0.9),
        Function("IV", 5, "", 0.2),
        Function("v", 7, "m", -0.5),
        Function("vi", 9, "m", -0.6),
        Function("bVII", 10, "", 0.2),
    ),
}

# Score of each change of function (nats); changes not listed score UNLISTED_MOVE.
MOVES: dict[str, dict[str, float]] = {
    "major": {
        "V I": 1.0,
        "IV I": 0.5,
        "IV V": 0.6,
        "I IV": 0.6,
        "I V": 0.6,
        "I vi": 0.1,
        "vi IV": 0.2,
        "vi ii": 0.2,
        "ii V": 0.8,
        "iii vi": 0.1,
        "iii IV": 0.1,
        "vi V": 0.1,
        "V vi": 0.0,
        "I ii": -0.1,
        "IV ii": -0.1,
        "bVII IV": 0.2,
        "bVII I": 0.2,
        "I bVII": -0.1,
        "I iii": -0.2,
        "IV vi": -0.2,
        "vi I": -0.2,
        "V IV": -0.5,
    },
    "minor": {
        "V i": 1.0,
        "iv V": 0.5,
        "iv i": 0.3,
        "i iv": 0.4,
        "i V": 0.5,
        "i VII": 0.5,
        "VII i": 0.5,
        "VII III": 0.5,
        "III VII": 0.5,
        "VI VII": 0.3,
        "VI V": 0.3,
        "i VI": 0.2,
        "i III": 0.2,
        "VI iv": 0.0,
        "III iv": 0.0,
        "v i": 0.2,
        "III i": 0.1,
        "VI III": 0.1,
        "III VI": 0.1,
        "III V": 0.0,
        "VII VI": 0.2,
        "i v": 0.0,
        "VII V": -0.2,
    },
    "dorian": {
        "i VII": 0.8,
        "VII i": 0.8,
        "i IV": 0.3,
        "IV i": 0.4,
        "III VII": 0.3,
        "i III": 0.2,
        "v i": 0.2,
        "III i": 0.2,
        "VII III": 0.1,
        "VII IV": 0.0,
        "III IV": 0.1,
        "IV VII": 0.1,
        "i v": 0.0,
        "ii i": -0.2,
        "v VII": -0.1,
    },
    "mixolydian": {
        "I bVII": 0.6,
        "bVII I": 0.7,
        "bVII IV": 0.5,
        "IV I": 0.6,
        "I IV": 0.6,
        "v I": 0.3,
        "I v": 0.1,
        "vi IV": 0.1,
        "I vi": 0.0,
        "ii IV": 0.0,
        "ii I": -0.1,
        "IV bVII": 0.1,
        "vi bVII": 0.0,
    },
}
UNLISTED_MOVE = -0.8

# The vamp before the singer enters: four bars, repeated.
VAMPS = {
    "major": ("I", "vi", "IV", "V"),
    "minor": ("i", "VI", "III", "VII"),
    "dorian": ("i", "VII", "i", "IV"),
    "mixolydian": ("I", "bVII", "IV", "I"),
}

CADENCES = {
    "major": ("V", "I"),
    "minor": ("V", "i", "VII"),
    "dorian": ("VII", "i"),
    "mixolydian": ("bVII", "I"),
}


@dataclass(frozen=True)
class Taste:
    """The harmoniser's weights; `favour` adds nats to functions, so that takes get different chords."""

    evidence: float = 2.9
    moves: float = 0.55
    change_in_bar: float = -1.1
    stay: float = 0.35
    ends_on_tonic: float = 1.5
    cadence: float = 0.4
    sharing: float = 0.5
    favour: Mapping[str, float] | None = None


# Probability of singing a note over a chord: root, third, fifth; other notes of the key; notes outside it.
ROOT, THIRD, FIFTH, SEVENTH, IN_SCALE, OUTSIDE = 0.275, 0.27, 0.27, 0.12, 0.05, 0.012

SIMILAR_BARS = 0.9


@dataclass(frozen=True)
class Slots:
    """The slots for chords and what is sung in them.

    weights:   [slots, 12], pitch classes sung, metrically weighted; each row sums to the fraction of the slot that is
               sung (0..1).
    bar:       [slots], index of the bar in the region, from 0.
    opens_bar: [slots], whether the slot begins its bar.
    """

    weights: Floats
    bar: NDArray[np.int64]
    opens_bar: NDArray[np.bool_]

    @property
    def sounding(self) -> NDArray[np.bool_]:
        """[slots], where enough is sung to infer the chord."""
        return np.asarray(self.weights.sum(axis=1) > 0.05)


def chord_of(function: Function, key: SongKey) -> Chord:
    """The function's chord in `key`."""
    return Chord((key.tonic + function.root) % 12, function.quality, function.name)


def note_probabilities(chord: Chord, key: SongKey) -> Floats:
    """[12], probability of each pitch class being sung over `chord`."""
    p = np.full(12, OUTSIDE)
    p[list(key.scale)] = IN_SCALE
    if chord.function == "V":
        p[(chord.root + 10) % 12] = SEVENTH
    for tone, probability in zip(chord.tones, (ROOT, THIRD, FIFTH), strict=True):
        p[tone] = probability
    return p


def shared_weights(slots: Slots, part: float) -> Floats:
    """`slots.weights` with bars of similar melody averaged, so that they get the same chords."""
    bars: dict[int, list[int]] = {}
    for slot, bar in enumerate(slots.bar):
        bars.setdefault(int(bar), []).append(slot)
    shared = slots.weights.copy()
    for members in bars.values():
        own = slots.weights[members]
        twins = [
            slots.weights[others]
            for others in bars.values()
            if others is not members and len(others) == len(members) and alike(own, slots.weights[others])
        ]
        if twins:
            shared[members] = (1.0 - part) * own + part * np.mean(twins, axis=0)
    return shared


def alike(one: Floats, other: Floats) -> bool:
    """Whether two bars [slots, 12] have nearly the same notes in the same places."""
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return size > 1e-6 and float((one * other).sum()) / size > SIMILAR_BARS


def emissions(slots: Slots, key: SongKey, taste: Taste) -> Floats:
    """[slots, functions], how well every chord fits the singing and its place in the form (nats)."""
    functions = FUNCTIONS[key.mode]
    chords = [chord_of(function, key) for function in functions]
    logs = np.log([note_probabilities(chord, key) for chord in chords])
    # Relative to an average note, so that a busy slot is not penalised against a silent one.
    fit = taste.evidence * shared_weights(slots, taste.sharing) @ (logs - np.log(1.0 / 12.0)).T
    favour = taste.favour or {}
    fit += np.array([function.prior + favour.get(function.name, 0.0) for function in functions])
    return np.asarray(fit + form_bonus(slots, key, taste))


def form_bonus(slots: Slots, key: SongKey, taste: Taste) -> Floats:
    """[slots, functions], bonus for the place in the form: a vamp in rests, cadences, the tonic at both ends (nats)."""
    names = [function.name for function in FUNCTIONS[key.mode]]
    bonus = np.zeros((len(slots.bar), len(names)))
    sounding = slots.sounding
    first_sung_bar = int(slots.bar[int(np.argmax(sounding))]) if sounding.any() else 0
    cadence = [names.index(name) for name in CADENCES[key.mode]]
    for slot, bar in enumerate(slots.bar.tolist()):
        if not sounding[slot]:
            bonus[slot, names.index(VAMPS[key.mode][bar % 4])] += 1.0
        if (bar - first_sung_bar) % 4 == 3:
            bonus[slot, cadence] += taste.cadence
    for slot in edge_slots(slots):
        bonus[slot, 0] += taste.ends_on_tonic
    return bonus


def edge_slots(slots: Slots) -> set[int]:
    """Slots that call for the tonic: the first and the last sung one, and the very last of all."""
    count = len(slots.bar)
    sung = np.flatnonzero(slots.sounding)
    if len(sung) == 0:
        return {0, count - 1}
    return {int(sung[0]), int(sung[-1]), count - 1}


def move_matrix(key: SongKey, taste: Taste) -> Floats:
    """[functions, functions], score of each change (nats); the diagonal is 0."""
    functions = FUNCTIONS[key.mode]
    moves = MOVES[key.mode]
    matrix = np.array(
        [[moves.get(f"{a.name} {b.name}", UNLISTED_MOVE) for b in functions] for a in functions]
    )
    matrix *= taste.moves
    np.fill_diagonal(matrix, 0.0)
    return matrix


def harmonise(slots: Slots, key: SongKey, taste: Taste) -> list[Chord]:
    """One chord per slot."""
    fit = emissions(slots, key, taste)
    across_bars = move_matrix(key, taste)
    same = np.eye(len(fit[0]), dtype=bool)
    within_bar = np.where(same, taste.stay, across_bars + taste.change_in_bar)
    score = fit[0]
    origins = []
    for slot in range(1, len(fit)):
        reached = score[:, None] + (across_bars if slots.opens_bar[slot] else within_bar)
        origins.append(reached.argmax(axis=0))
        score = reached.max(axis=0) + fit[slot]
    path = [int(score.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    functions = FUNCTIONS[key.mode]
    return [chord_of(functions[state], key) for state in reversed(path)]


def chart(chords: Sequence[Chord], bar_of_chord: Sequence[int], key: SongKey) -> list[str]:
    """One entry per bar, as a musician writes it: "G", "Em C"."""
    bars: dict[int, list[str]] = {}
    for chord, bar in zip(chords, bar_of_chord, strict=True):
        names = bars.setdefault(int(bar), [])
        name = chord.name(key)
        if not names or names[-1] != name:
            names.append(name)
    return [" ".join(names) for _, names in sorted(bars.items())]
