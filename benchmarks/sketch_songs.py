"""The songs the sketch engine is measured on: verses, choruses and bridges of different sound, all made here.

Sounds come from the tests' instruments, notes from a seeded generator. A song named `held_out_...` was never
listened to or measured while a value of model/sketch/ was chosen; its figures may only be reported.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.model.sketch.songs import Generated, beats_at, grid_of, song_of
from tests.model.sketch.stem_songs import CHORDS, add, levelled, struck
from tests.model.sketch.stem_sounds import KIT, RATE, pad_note, panned, singer, tone

PHRASE_BARS = 4
FRESH = 0.2
"""Part of the bars in which a player does not play the figure of the section."""

Track = NDArray[np.float64]
Chord = tuple[int, str]

I_V_VI_IV: tuple[Chord, ...] = ((0, "maj"), (7, "maj"), (9, "min"), (5, "maj"))
VI_IV_I_V: tuple[Chord, ...] = ((9, "min"), (5, "maj"), (0, "maj"), (7, "maj"))
DOO_WOP: tuple[Chord, ...] = ((0, "maj"), (9, "min"), (5, "maj"), (7, "maj"))
MINOR: tuple[Chord, ...] = ((9, "min"), (2, "min"), (4, "maj"), (9, "min"))
JAZZ: tuple[Chord, ...] = ((2, "m7"), (7, "7"), (0, "maj7"), (9, "7"))
WANDERING: tuple[Chord, ...] = (
    *((0, "maj"), (5, "maj"), (7, "maj"), (9, "min"), (2, "min"), (7, "maj"), (4, "min"), (9, "min")),
    *((5, "maj"), (10, "maj"), (3, "maj"), (0, "min"), (2, "maj"), (7, "maj"), (11, "min"), (4, "min")),
)

# Section -> bars, and who plays how loud in it: this is what makes the texture change.
SECTIONS: dict[str, tuple[int, dict[str, float]]] = {
    "i": (4, {"comp": 0.8}),
    "v": (8, {"drums": 0.6, "bass": 0.9, "comp": 1.0}),
    "c": (8, {"drums": 1.0, "bass": 1.0, "comp": 0.9, "wide": 1.0, "lead": 1.0}),
    "b": (4, {"bass": 0.7, "wide": 0.9, "lead": 0.8}),
}
LEVELS = {"drums": -19.0, "bass": -20.0, "comp": -22.0, "wide": -24.0, "lead": -21.0}
"""RMS of each stem in dB below full scale."""


@dataclass(frozen=True)
class Score:
    """What a song is written from.

    tempos:   BPM, spread evenly over the beats.
    comp, wide, lead: sounds of tests' stem_sounds; "voice" is its singer; "" leaves the stem out.
    late, jitter, drift: seconds the playing lies behind the grid, scatters about it and slowly wanders.
    loop:     the first bars are repeated sample by sample.
    """

    tempos: tuple[float, ...]
    seed: int
    beats: int = 4
    form: str = "ivcvcbc"
    kit: str = "rock"
    bass: str = "finger"
    comp: str = "epiano"
    wide: str = "pad"
    lead: str = "piano"
    verse: tuple[Chord, ...] = I_V_VI_IV
    chorus: tuple[Chord, ...] = VI_IV_I_V
    swing: float = 0.0
    late: float = 0.0
    jitter: float = 0.002
    drift: float = 0.0
    loop: int = 0
    alone: str = ""

    @property
    def bars(self) -> int:
        return sum(SECTIONS[name][0] for name in self.form)


def ramp(first: float, last: float, bars: int = 48, beats: int = 4) -> tuple[float, ...]:
    """A tempo for every beat."""
    return tuple(np.linspace(first, last, bars * beats))


SCORES: dict[str, Score] = {
    "pop120": Score((120.0,), 1, lead="voice"),
    "pop92": Score((92.0,), 2, kit="soft", comp="piano", lead="bell", verse=DOO_WOP),
    "steps": Score((100.0, 108.0, 126.0), 3, kit="hats16", comp="organ"),
    "ramp": Score(ramp(96.0, 120.0), 4, comp="pluck", lead="epiano"),
    "waltz96": Score((96.0,), 5, 3, kit="waltz", bass="upright", comp="pluck", verse=DOO_WOP),
    "swing140": Score(
        (140.0,), 6, kit="ride", bass="upright", comp="piano", verse=JAZZ, chorus=JAZZ, swing=0.16
    ),
    "ambient70": Score((70.0,), 7, form="vcvcbc", kit="", bass="sub", comp="bell", lead=""),
    "through104": Score((104.0,), 8, verse=WANDERING, chorus=WANDERING[::-1], comp="organ"),
    "human96": Score((96.0,), 9, comp="piano", jitter=0.009, drift=0.028),
    "solo84": Score((84.0,), 10, lead="voice", alone="lead"),
    "loop116": Score((116.0,), 11, form="cccc", kit="four", bass="synth", loop=4),
    "held_out_minor132": Score(
        (132.0,), 31, kit="crash", bass="pick", comp="fuzz", verse=MINOR, chorus=MINOR
    ),
    "held_out_human102": Score((102.0,), 32, kit="hats16", comp="epiano", jitter=0.009, drift=0.028),
    "held_out_solo76": Score((76.0,), 33, lead="voice", alone="lead", verse=DOO_WOP),
    "held_out_late112": Score((112.0,), 34, kit="bossa", bass="upright", comp="pluck", late=0.04),
    "held_out_waltz150": Score((150.0,), 35, 3, kit="waltz", bass="upright", comp="piano", chorus=DOO_WOP),
    "held_out_ramp": Score(ramp(124.0, 104.0), 36, kit="four", bass="synth", comp="organ"),
    "held_out_swing126": Score(
        (126.0,), 37, kit="ride", bass="upright", comp="organ", verse=JAZZ, chorus=DOO_WOP, swing=0.16
    ),
}
QUICK = ("pop120", "waltz96", "human96", "held_out_minor132")


@dataclass
class Writer:
    """Puts notes of one song in place."""

    score: Score
    times: NDArray[np.float64]
    rng: np.random.Generator
    tracks: dict[str, Track] = field(default_factory=dict)

    @property
    def length(self) -> int:
        return round(float(self.times[-1]) * RATE)

    def second(self, beat: float) -> float:
        """When somebody plays at `beat`."""
        score = self.score
        exact = float(np.interp(beat, np.arange(len(self.times)), self.times))
        gap = float(np.diff(self.times)[min(int(beat), len(self.times) - 2)])
        swung = score.swing * gap if abs(beat % 1 - 0.5) < 0.01 else 0.0
        wander = score.drift * np.sin(2 * np.pi * exact / 17.0 + score.seed)
        return exact + swung + score.late + float(wander) + float(self.rng.normal(0.0, score.jitter))

    def seconds(self, beat: float, count: float) -> float:
        """Length of `count` beats, to 50 ms, so that few lengths of note exist."""
        gap = float(np.diff(self.times)[min(int(beat), len(self.times) - 2)])
        return max(round(count * gap * 20) / 20, 0.1)

    def play(self, track: str, beat: float, sound: Track, gain: float) -> None:
        stem = self.tracks.setdefault(track, np.zeros((self.length, 2)))
        add(stem, self.second(beat), sound * gain * float(np.exp(self.rng.normal(0.0, 0.12))))

    def decisions(self, part: int, section: str, bar: int) -> np.random.Generator:
        """What decides the notes of a bar: the same each time the section comes round, as bands play; at times anew."""
        if self.rng.random() < FRESH:
            return self.rng
        return np.random.default_rng([self.score.seed, part, ord(section), bar % PHRASE_BARS])


def bars_of(score: Score) -> list[tuple[str, Chord]]:
    """Section and chord of each bar."""
    bars = []
    for name in score.form:
        chords = score.chorus if name in "cb" else score.verse
        bars += [(name, chords[bar % len(chords)]) for bar in range(SECTIONS[name][0])]
    return bars


def write_drums(writer: Writer, start: int, gain: float) -> None:
    rng, beats = writer.rng, writer.score.beats
    for sound, beat, strength, pan in KIT[writer.score.kit]:
        if beat < beats and rng.random() > 0.07:
            hit = panned(struck(sound, int(rng.integers(6))), pan)
            writer.play("drums", start + beat, hit, strength * gain)
    if rng.random() < 0.2:  # a hit nobody expects
        sound, _, strength, pan = KIT[writer.score.kit][int(rng.integers(len(KIT[writer.score.kit])))]
        at = start + beats - float(rng.choice([0.25, 0.5, 0.75]))
        writer.play("drums", at, panned(struck(sound, 6), pan), 0.7 * strength * gain)


def write_bass(writer: Writer, start: int, chord: Chord, gain: float, rng: np.random.Generator) -> None:
    score = writer.score
    low = 28 + (chord[0] - 4) % 12
    for beat in range(score.beats):
        steps = (*CHORDS[chord[1]], 12) if score.bass == "upright" else (0, 0, 7, 12)
        step = steps[int(rng.integers(len(steps)))] if beat else 0
        half = 0.5 if score.bass == "synth" or (beat and rng.random() < 0.25) else 0.0
        sound = tone(score.bass, float(low + step), writer.seconds(start + beat, 0.9 - half))
        writer.play("bass", start + beat + half, panned(sound, 0.0), gain)


def write_comp(writer: Writer, start: int, chord: Chord, gain: float, rng: np.random.Generator) -> None:
    score = writer.score
    pitches = sorted(52 + (chord[0] + step - 52) % 12 for step in CHORDS[chord[1]])
    if score.comp in ("pluck", "bell"):
        for eighth in range(2 * score.beats):
            pitch = pitches[int(rng.integers(len(pitches)))] + 12 * int(rng.random() < 0.3)
            sound = tone(score.comp, float(pitch), writer.seconds(start, 1.2))
            writer.play("comp", start + eighth / 2, panned(sound, 0.3), gain)
        return
    half = score.beats / 2
    figures = ((0.0, half + 0.5, half), (0.0, 1.0, half), (0.0, half - 0.5))
    for beat in figures[int(rng.integers(3))]:
        for pitch in pitches:
            sound = tone(score.comp, float(pitch), writer.seconds(start, float(rng.choice([0.9, 1.4]))))
            writer.play("comp", start + beat, panned(sound, -0.3), gain)


def write_wide(writer: Writer, start: int, chord: Chord, gain: float) -> None:
    for step in CHORDS[chord[1]]:
        pitch = 60 + (chord[0] + step) % 12
        writer.play("wide", start, pad_note(pitch, writer.seconds(start, 0.98 * writer.score.beats)), gain)


def lead_notes(
    writer: Writer, start: int, chord: Chord, rng: np.random.Generator
) -> list[tuple[float, float, float]]:
    """(beat, beats, pitch): chord tones on strong beats, scale steps between, and rests."""
    notes: list[tuple[float, float, float]] = []
    at = float(rng.choice([0.0, 0.5]))
    while at < writer.score.beats - 0.4:
        pool = (
            [(chord[0] + step) % 12 for step in CHORDS[chord[1]]] if at % 2 < 0.1 else (0, 2, 4, 5, 7, 9, 11)
        )
        count = float(rng.choice([0.5, 1.0, 1.0, 1.5]))
        if rng.random() < 0.85:
            pitch = float(62 + (int(rng.choice(pool)) - 62) % 12)
            notes.append((start + at, min(count, writer.score.beats - at), pitch))
        at += count
    return notes


def write_lead(writer: Writer, notes: list[tuple[float, float, float]], gains: NDArray[np.float64]) -> None:
    """All lead notes at once: a singer glides from one to the next."""
    if not notes:
        return
    if writer.score.lead != "voice":
        for beat, count, pitch in notes:
            sound = tone(writer.score.lead, pitch + 12, writer.seconds(beat, 0.9 * count))
            writer.play("lead", beat, panned(sound, 0.2), gains[int(beat) // writer.score.beats])
        return
    timed = [(writer.second(beat), writer.seconds(beat, 0.92 * count), pitch) for beat, count, pitch in notes]
    timed = [note for note in timed if note[0] + note[1] < writer.length / RATE - 0.2]
    writer.tracks["lead"] = panned(singer(timed, writer.length, writer.rng), 0.0)


def write(score: Score) -> Generated:
    """The song of a score."""
    times = beats_at(score.tempos, score.bars * score.beats)
    writer = Writer(score, times, np.random.default_rng(score.seed))
    notes, gains = [], np.zeros(score.bars)
    for bar, (section, chord) in enumerate(bars_of(score)):
        start, playing = bar * score.beats, SECTIONS[section][1]
        if score.alone == "lead":
            playing = {"lead": 1.0}
        if score.kit and "drums" in playing:
            write_drums(writer, start, playing["drums"])
        if score.bass and "bass" in playing:
            write_bass(writer, start, chord, playing["bass"], writer.decisions(0, section, bar))
        if "comp" in playing:
            write_comp(writer, start, chord, playing["comp"], writer.decisions(1, section, bar))
        if score.wide and "wide" in playing:
            write_wide(writer, start, chord, playing["wide"])
        if score.lead and "lead" in playing:
            notes += lead_notes(writer, start, chord, writer.decisions(2, section, bar))
            gains[bar] = playing["lead"]
    write_lead(writer, notes, gains)
    stems = {name: levelled(track, LEVELS[name]) for name, track in writer.tracks.items()}
    if score.loop:
        stems = {name: looped(stem, times, score) for name, stem in stems.items()}
    chords = [root + 12 * kind.startswith(("min", "m7")) for _, (root, kind) in bars_of(score)]
    peak = float(np.abs(np.sum(list(stems.values()), axis=0)).max())
    stems = {name: stem * np.float32(0.9 / peak) for name, stem in stems.items()}
    mix = np.sum(list(stems.values()), axis=0)
    return Generated(
        song_of(mix, RATE), grid_of(times, score.beats), stems, np.repeat(np.array(chords), score.beats)
    )


def looped(stem: NDArray[np.float32], times: NDArray[np.float64], score: Score) -> NDArray[np.float32]:
    """The stem's first bars again and again, as a sampler plays them (which lets no note ring into the next round)."""
    bar = score.loop * score.beats
    block = round(float(times[bar]) * RATE)
    out = np.zeros_like(stem)
    for beat in range(0, len(times) - 1, bar):
        first = round(float(times[beat]) * RATE)
        out[first : first + block] = stem[:block][: len(out) - first]
    return out


@functools.lru_cache(maxsize=2)
def song(name: str) -> Generated:
    """The named song (a key of SCORES), equal at every call."""
    return write(SCORES[name])
