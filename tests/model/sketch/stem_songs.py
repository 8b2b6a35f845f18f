"""Short multitrack songs with true stems, to measure the separation against.

They exist so that a test knows exactly what every stem should have been.
`TUNING` songs may be looked at while parameters are chosen; `NEVER_USED_FOR_TUNING` may only be reported.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from tests.model.sketch.stem_sounds import (
    KIT,
    RATE,
    Mono,
    Note,
    instrument_lead,
    pad_note,
    panned,
    singer,
    tone,
)

STEMS = ("vocals", "drums", "bass", "other")

Stereo = NDArray[np.float32]


@dataclass(frozen=True)
class StemSong:
    """A song and what it is made of. stems: float32 [frames, 2] for each of STEMS, all equally long."""

    name: str
    rate: int
    stems: dict[str, Stereo]

    @property
    def mix(self) -> Stereo:
        total = np.sum([stem.astype(np.float64) for stem in self.stems.values()], axis=0)
        return total.astype(np.float32)


@dataclass(frozen=True)
class Style:
    """What one song is written from.

    chords:  roots (semitones above C) and kinds, one bar each, repeated.
    drums:   pattern name, bass: sound name, comp: list of (sound, pan), lead: "voice", a lead sound or "".
    level:   decibels added to each stem's usual level.
    """

    tempo: float
    beats: int
    chords: tuple[tuple[int, str], ...]
    drums: str = ""
    bass: str = ""
    comp: tuple[tuple[str, float], ...] = ()
    lead: str = ""
    octave: int = 60
    swing: float = 0.0
    level: dict[str, float] = field(default_factory=dict)


POP = ((0, "maj"), (7, "maj"), (9, "min"), (5, "maj"))
STYLES = {
    "pop": Style(118, 4, POP, "rock", "finger", (("epiano", -0.4), ("pad", 0.0)), "voice", 64),
    "ballad": Style(
        72,
        4,
        ((9, "min"), (5, "maj"), (0, "maj"), (7, "maj")),
        "soft",
        "finger",
        (("piano", 0.25),),
        "voice",
        55,
    ),
    "swing": Style(
        140,
        4,
        ((2, "m7"), (7, "7"), (0, "maj7"), (9, "7")),
        "ride",
        "upright",
        (("piano", -0.5),),
        "voice",
        57,
        0.33,
    ),
    "waltz": Style(
        100,
        3,
        ((0, "maj"), (9, "min"), (2, "min"), (7, "maj")),
        "waltz",
        "upright",
        (("pluck", 0.5), ("pad", 0.0)),
        "voice",
        62,
    ),
    "ambient": Style(
        70, 4, ((0, "maj7"), (5, "maj7"), (9, "m7"), (7, "maj")), "", "sub", (("pad", 0.0), ("bell", 0.4))
    ),
    "saxophone": Style(
        100,
        4,
        ((9, "m7"), (2, "m7"), (7, "7"), (0, "maj7")),
        "rock",
        "finger",
        (("organ", -0.5),),
        "saxophone",
        60,
    ),
    "dance": Style(
        126,
        4,
        ((9, "min"), (5, "maj"), (0, "maj"), (7, "maj")),
        "four",
        "synth",
        (("pad", 0.0),),
        "sawlead",
        69,
    ),
    "folk": Style(
        92, 4, ((0, "maj"), (5, "maj"), (0, "maj"), (7, "maj")), "", "", (("pluck", 0.3),), "voice", 58
    ),
    "rock": Style(
        132,
        4,
        ((4, "5"), (0, "5"), (7, "5"), (2, "5")),
        "crash",
        "pick",
        (("fuzz", -0.7), ("fuzz", 0.7)),
        "voice",
        60,
    ),
    "kept_aside_soul": Style(
        88,
        4,
        ((5, "maj7"), (4, "m7"), (2, "m7"), (7, "7")),
        "hats16",
        "pick",
        (("organ", 0.4), ("epiano", -0.5)),
        "voice",
        61,
        0.15,
    ),
    "kept_aside_bossa": Style(
        124,
        4,
        ((2, "m7"), (7, "7"), (0, "maj7"), (0, "maj7")),
        "bossa",
        "upright",
        (("pluck", -0.3),),
        "flute",
        72,
    ),
}
NEVER_USED_FOR_TUNING = tuple(name for name in STYLES if name.startswith("kept_aside"))
TUNING = tuple(name for name in STYLES if name not in NEVER_USED_FOR_TUNING)

CHORDS = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "5": (0, 7, 12),
}
LEVELS = {"vocals": -18.0, "drums": -18.0, "bass": -19.0, "other": -20.0}
"""RMS of each stem in dB below full scale, before the style's own changes."""


def reverberated(
    dry: NDArray[np.float64], rng: np.random.Generator, seconds: float, wet: float
) -> NDArray[np.float64]:
    """With a tail of decaying noise, different left and right."""
    length = int(seconds * RATE)
    fall = np.exp(-6.9 * np.arange(length) / length)[:, None]
    tail = rng.standard_normal((length, 2)) * fall
    tail /= np.sqrt(np.sum(tail**2, axis=0))
    return dry + wet * np.asarray(oaconvolve(dry, tail, axes=0))[: len(dry)]


def add(track: NDArray[np.float64], at: float, sound: NDArray[np.float64]) -> None:
    first = max(int(at * RATE), 0)
    room = max(min(len(sound), len(track) - first), 0)
    track[first : first + room] += sound[:room]


def beat_time(style: Style, beat: float) -> float:
    """Seconds of a beat; off-beats come late in swing."""
    whole, part = divmod(beat, 1)
    late = style.swing / 2 if abs(part - 0.5) < 0.01 else 0.0
    return float((whole + part + late) * 60 / style.tempo)


@functools.cache
def struck(sound: Callable[[np.random.Generator], Mono], variant: int) -> Mono:
    """One of a few recordings of the same hit: noise differs from hit to hit, as with a real drum."""
    return sound(np.random.default_rng(variant))


def write_drums(style: Style, bars: int, length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    track = np.zeros((length, 2))
    for bar in range(bars):
        for sound, beat, gain, pan in KIT.get(style.drums, ()):
            if rng.random() < 0.06:
                continue
            at = beat_time(style, bar * style.beats + beat) + rng.normal(0, 0.004)
            add(track, at, panned(struck(sound, int(rng.integers(4))) * gain * rng.uniform(0.8, 1.0), pan))
    return reverberated(track, rng, 0.5, 0.08) if style.drums else track


def bass_notes(style: Style, bars: int, rng: np.random.Generator) -> list[Note]:
    notes: list[Note] = []
    beat = 60 / style.tempo
    for bar in range(bars):
        root, kind = style.chords[bar % len(style.chords)]
        low = 28 + (root - 4) % 12
        steps: list[tuple[float, float, float]] = {
            "upright": [
                (k, 0.95, low + (*CHORDS[kind], 12)[int(rng.integers(0, 4))] * (k > 0))
                for k in range(style.beats)
            ],
            "synth": [(k + 0.5, 0.45, low + 12 * (k % 2)) for k in range(4)],
            "sub": [(0, 3.9, low)],
        }.get(
            style.bass, [(0, 1.4, low), (1.5, 0.45, low), (2, 0.9, low + 7), (3, 0.9, low + 12 * (bar % 2))]
        )
        notes += [
            (beat_time(style, bar * style.beats + b), n * beat, float(p))
            for b, n, p in steps
            if b < style.beats
        ]
    return notes


def write_bass(style: Style, bars: int, length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    track = np.zeros((length, 2))
    if style.bass:
        for start, seconds, pitch in bass_notes(style, bars, rng):
            add(track, start + rng.normal(0, 0.003), panned(tone(style.bass, pitch, seconds), 0.0))
    return track


def comp_rhythm(sound: str, beats: int) -> list[tuple[float, float]]:
    """Beats and lengths in beats of a chord instrument."""
    if sound in ("pad", "organ"):
        return [(0, beats * 0.98)]
    if sound in ("pluck", "bell"):
        return [(k / 2, 1.2) for k in range(2 * beats)]
    if sound == "fuzz":
        return [(k / 2, 0.48) for k in range(2 * beats)]
    return [(0, 1.9), (1.5, 0.9), (2.5, 1.4)] if beats == 4 else [(0, 1), (1, 0.9), (2, 0.9)]


def write_comp(style: Style, bars: int, length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    track = np.zeros((length, 2))
    beat = 60 / style.tempo
    for sound, pan in style.comp:
        part = np.zeros((length, 2))
        for bar in range(bars):
            root, kind = style.chords[bar % len(style.chords)]
            base = 40 if sound == "fuzz" else 52
            pitches = sorted(base + (root + interval - base) % 12 for interval in CHORDS[kind])
            for number, (at, size) in enumerate(comp_rhythm(sound, style.beats)):
                broken = sound in ("pluck", "bell")
                chosen = [pitches[number % len(pitches)] + 12 * (number % 4 == 3)] if broken else pitches
                for pitch in chosen:
                    when = beat_time(style, bar * style.beats + at) + abs(rng.normal(0, 0.004))
                    note = (
                        pad_note(pitch, size * beat)
                        if sound == "pad"
                        else panned(tone(sound, pitch, size * beat) * rng.uniform(0.8, 1), pan)
                    )
                    add(part, when, note)
        track += part / max(float(np.sqrt(np.mean(part**2))), 1e-9)
    return reverberated(track, rng, 1.2, 0.12)


def melody(style: Style, bars: int, rng: np.random.Generator) -> list[Note]:
    """Phrases of two bars, chord tones on the strong beats, scale steps between, a rest at each end."""
    scale = np.array([0, 2, 4, 5, 7, 9, 11])
    beat, notes, at, pitch = 60 / style.tempo, [], 0.5 * style.beats, float(style.octave + 4)
    while at < bars * style.beats - 1:
        root, kind = style.chords[int(at // style.beats) % len(style.chords)]
        pool = (root + np.array(CHORDS[kind])) % 12 if at % 2 < 0.1 else scale
        options = np.array([p for p in range(style.octave - 5, style.octave + 14) if p % 12 in pool])
        pitch = float(rng.choice(options, p=_nearby(options, pitch)))
        size = float(rng.choice([0.5, 0.5, 1.0, 1.5, 2.0]))
        notes.append((beat_time(style, at), size * beat * 0.94, pitch))
        at += size
        if at % (2 * style.beats) > 2 * style.beats - 1.6:
            at = (at // (2 * style.beats) + 1) * 2 * style.beats
    return notes


def _nearby(options: NDArray[np.int64], pitch: float) -> Mono:
    weight = np.exp(-np.abs(options - pitch) / 2.5)
    return np.asarray(weight / weight.sum())


def levelled(track: NDArray[np.float64], decibels: float) -> Stereo:
    power = float(np.sqrt(np.mean(track**2)))
    return (track * (10 ** (decibels / 20) / power if power > 1e-9 else 0.0)).astype(np.float32)


@functools.lru_cache(maxsize=4)
def make(name: str, seconds: float = 24.0) -> StemSong:
    """The named song (a key of STYLES), equal at every call."""
    style = STYLES[name]
    rng = np.random.default_rng(sum(map(ord, name)))
    length = int(seconds * RATE)
    bars = int(seconds * style.tempo / 60 / style.beats) + 1
    lines = {
        "drums": write_drums(style, bars, length, rng),
        "bass": write_bass(style, bars, length, rng),
        "other": write_comp(style, bars, length, rng),
        "vocals": np.zeros((length, 2)),
    }
    notes = [note for note in melody(style, bars, rng) if note[0] < seconds - 0.5]
    if style.lead == "voice":
        lines["vocals"] = reverberated(panned(singer(notes, length, rng), 0.0), rng, 1.0, 0.12)
    elif style.lead:
        lead = panned(instrument_lead(style.lead, notes, length, rng), 0.0)
        comp = lines["other"] / max(float(np.sqrt(np.mean(lines["other"] ** 2))), 1e-9)
        lead /= max(float(np.sqrt(np.mean(lead**2))), 1e-9)
        lines["other"] = comp + reverberated(1.2 * lead, rng, 1.0, 0.12)
    level = {stem: LEVELS[stem] + style.level.get(stem, 0.0) for stem in STEMS}
    return StemSong(name, RATE, {stem: levelled(lines[stem], level[stem]) for stem in STEMS})
