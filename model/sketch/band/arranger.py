"""From chords to parts: which instrument plays which note on which beat.

Positions are beats (fractional indices into the request's grid), so the band follows any tempo change. This file knows
no audio; the styles are data in presets.py.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model.sketch.band.leadsheet import Cell, Leadsheet, cell_sizes, cells_of
from model.sketch.band.presets import Figure, Groove, Preset, Seat
from model.sketch.band.style import BandStyle
from model.sketch.band.sung_bars import Bar
from model.sketch.band.voicing import bass_note, bass_pitch, chord_classes, lead_voices, power_chord

VELOCITIES = {"X": 0.95, "x": 0.74, "o": 0.42}
DRUM_PANS = {"closed hat": 0.25, "open hat": 0.25, "ride": -0.25, "crash": -0.2, "high tom": 0.25}
DRUM_PANS.update({"low tom": -0.25, "shaker": 0.3})

PHRASE_BARS = 4
SECTION_BARS = 8

# Delay between strummed strings; the first is on the beat.
STRUM_SECONDS = 0.009
HUMAN_VELOCITY = 0.06  # variation either way; the timing stays on the grid
BREATHING_BAR = 0.15  # if less of a bar than this is sung, the band may answer
ANSWER = 1.08

# How the centre of the chord voicings moves from take to take, and the functions the harmoniser then prefers (nats).
TAKE_SHIFTS = (0, 4, -4, 2, -2, 6, -6, 1)
TAKE_FAVOURS: tuple[Mapping[str, float], ...] = (
    {},
    {"vi": 1.5, "ii": 1.2, "VI": 1.4, "III": 0.8},
    {"IV": 1.0, "iv": 1.0, "bVII": 0.8, "V": 0.5},
    {"ii": 2.0, "VII": 1.2, "bVII": 1.8, "v": 1.0},
    {"iii": 2.4, "vi": 1.0, "III": 1.6},
    {"V": 1.2, "v": 1.6, "VII": 0.8},
    {"ii": 2.2, "IV": 0.6, "VI": 1.6, "iv": 1.2},
    {"vi": 2.2, "VI": 2.0, "iii": 1.0},
)


@dataclass(frozen=True)
class Event:
    """One note of the arrangement.

    sound: a name in synth.SOUNDS; pitch: MIDI number (drums: 0); beat, beats: position and length on the
    grid; velocity 0..1; late: seconds after the beat (strumming).
    """

    instrument: str
    sound: str
    pitch: int
    beat: float
    beats: float
    velocity: float
    pan: float = 0.0
    late: float = 0.0


@dataclass(frozen=True)
class Variation:
    """What distinguishes a take: variants, the pitch of the voicings, and small variations of velocity."""

    groove: int
    bass: int
    chords: int
    guitar: int
    shift: int
    random: np.random.RandomState

    def human(self, velocity: float) -> float:
        """`velocity` with a small random variation, 0.05..1."""
        return float(np.clip(velocity * (1 + HUMAN_VELOCITY * self.random.uniform(-1, 1)), 0.05, 1.0))


def choose(seed: int, take: int) -> Variation:
    """The choices of a take; takes of one seed step through the variants in order, so they always differ."""
    offsets = np.random.RandomState(zlib.crc32(f"variants {seed}".encode())).randint(60, size=4)
    # Steps of one, plus one more every second or third take: no two of the first eight takes share all variants.
    steps = np.array([take, take + take // 2, take + take // 3, take + take // 2])
    random = np.random.RandomState(zlib.crc32(f"hands {seed} {take}".encode()))
    groove, bass, chords, guitar = (int(offset) for offset in offsets + steps)
    return Variation(groove, bass, chords, guitar, TAKE_SHIFTS[take % len(TAKE_SHIFTS)], random)


def favour(take: int) -> Mapping[str, float]:
    """Functions that take prefers, for the harmoniser."""
    return TAKE_FAVOURS[take % len(TAKE_FAVOURS)]


def arrange(sheet: Leadsheet, style: BandStyle, instruments: Sequence[str], choice: Variation) -> list[Event]:
    """All notes of all instruments, in order of their beats."""
    players = {
        "drums": drum_events,
        "bass": bass_events,
        "keys": keys_events,
        "guitar": guitar_events,
        "pad": pad_events,
    }
    events = [event for name in instruments for event in players[name](sheet, style, choice)]
    last = sheet.bars[sheet.closing]  # the very last bar (index -1) without a closing bar
    end = last.first_beat + last.beats
    return sorted((event for event in events if event.beat < end), key=lambda event: event.beat)


def swung(pulse: float, swing: float) -> float:
    """A position in pulses with the off-beat delayed by `swing` of a pulse."""
    whole = np.floor(pulse)
    part = pulse - whole
    middle = 0.5 + swing
    bent = part * middle / 0.5 if part < 0.5 else middle + (part - 0.5) * (1 - middle) / 0.5
    return float(whole + bent)


def figure_events(
    cell: Cell, figure: Figure, sheet: Leadsheet, swing: float
) -> Iterator[tuple[float, float, str, float]]:
    """(beat, beats, what, accent) of a figure's notes inside a cell."""
    for start, length, what in figure:
        if start >= cell.pulses:
            continue
        begin = swung(start, swing)
        end = min(swung(start + length, swing), cell.pulses)
        accent = (1.0 if cell.opens_bar else 0.94) if start == 0 else 0.88 if start % 1 == 0 else 0.82
        per_pulse = sheet.beats_per_pulse
        yield cell.beat + begin * per_pulse, (end - begin) * per_pulse, what, accent


def variant(figures: Mapping[int, tuple[Figure, ...]], pulses: float, number: int) -> Figure:
    """The chosen figure for a cell; a cell of one pulse uses the start of a two-pulse figure."""
    choices = figures[3 if pulses == 3 else 2]
    return choices[number % len(choices)]


def energy(sheet: Leadsheet, bar: int) -> float:
    """How hard a bar is played: softer before the singer enters, slightly harder while the singer pauses."""
    sung = np.flatnonzero(sheet.sung > BREATHING_BAR)
    if len(sung) == 0:
        return 0.9
    if bar < sung[0]:
        return 0.8
    return ANSWER if sheet.sung[bar] < BREATHING_BAR and bar < sung[-1] else 1.0


# --- Drums
# -----------------------------------------------------------------------------------------------------


def drum_events(sheet: Leadsheet, style: BandStyle, choice: Variation) -> Iterator[Event]:
    """A groove for every bar, a fill at the end of every phrase, a crash at the start of every section."""
    sung = np.flatnonzero(sheet.sung > BREATHING_BAR)
    entry = int(sung[0]) if len(sung) else 0
    for index, bar in enumerate(sheet.bars):
        if index == sheet.closing:
            groove: Groove = {"kick": "X", "crash": "x"}
        else:
            groove = bar_groove(sheet, style, choice, index, entry)
        yield from groove_events(groove, bar, energy(sheet, index), style.preset.swing, sheet, choice)
        if index > entry and (index - entry) % SECTION_BARS == 0 and not style.sparse:
            yield drum_hit("crash", float(bar.first_beat), 0.55, choice)


def bar_groove(sheet: Leadsheet, style: BandStyle, choice: Variation, index: int, entry: int) -> Groove:
    """The drum pattern of one bar."""
    preset, bar = style.preset, sheet.bars[index]
    pulses = round(bar.beats / sheet.beats_per_pulse)
    known = (pulses in (3, 4) and not sheet.compound) or (pulses == 6 and sheet.compound)
    variants = preset.grooves[pulses] if known else (plain_groove(sheet, bar),)
    groove = variants[choice.groove % len(variants)]
    if (index - entry) % PHRASE_BARS == PHRASE_BARS - 1 and known and not style.sparse:
        fills = preset.fills[pulses]
        groove = fills[(choice.groove + index // PHRASE_BARS) % len(fills)]
    if index < entry:
        groove = {drum: steps for drum, steps in groove.items() if drum not in ("kick", "snare", "clap")}
    if style.half_time and pulses == 4 and "snare" in groove:
        groove = {**groove, "snare": "........X......."}
    if style.sparse:
        groove = {drum: steps.replace("o", ".") for drum, steps in groove.items()}
    return groove


def plain_groove(sheet: Leadsheet, bar: Bar) -> Groove:
    """Kick and snare alternating on the cells and a hat on every pulse, for meters without a groove in the style."""
    sizes = []
    for group in bar.groups:
        sizes += cell_sizes(round(group / sheet.beats_per_pulse), sheet.compound)
    kick = "".join(("X" if number % 2 == 0 else ".") + "." * (size - 1) for number, size in enumerate(sizes))
    snare = "".join(("x" if number % 2 else ".") + "." * (size - 1) for number, size in enumerate(sizes))
    return {"kick": kick, "snare": snare, "closed hat": "".join("x" + "o" * (size - 1) for size in sizes)}


def groove_events(
    groove: Groove, bar: Bar, strength: float, swing: float, sheet: Leadsheet, choice: Variation
) -> Iterator[Event]:
    """The hits of one bar."""
    for drum, steps in groove.items():
        for step, mark in enumerate(steps):
            if mark == ".":
                continue
            pulse = step / len(steps) * bar.beats / sheet.beats_per_pulse
            beat = bar.first_beat + swung(pulse, swing) * sheet.beats_per_pulse
            yield drum_hit(drum, beat, VELOCITIES[mark] * strength, choice)


def drum_hit(drum: str, beat: float, velocity: float, choice: Variation) -> Event:
    """One hit."""
    return Event("drums", drum, 0, beat, 0.25, choice.human(min(1.0, velocity)), DRUM_PANS.get(drum, 0.0))


# --- Bass and chords
# -------------------------------------------------------------------------------------------


def bass_events(sheet: Leadsheet, style: BandStyle, choice: Variation) -> Iterator[Event]:
    """The bass line."""
    part = style.preset.parts["bass"]
    for cell in cells_of(sheet):
        chord = sheet.chords[cell.slot]
        if chord.silent:
            continue
        if cell.bar == sheet.closing:
            if cell.begins_chord:
                yield held(sheet, part, "bass", bass_pitch(chord.bass), cell, choice)
            continue
        following = sheet.chords[min(cell.slot + 1, len(sheet.chords) - 1)]
        figure: Figure = ((0.0, cell.most, "R"),)
        if not style.sparse and not cell.is_short:
            figure = variant(style.preset.bass, cell.pulses, choice.bass)
        for beat, beats, degree, accent in figure_events(cell, figure, sheet, style.preset.swing):
            pitch = bass_note(degree, chord, following, sheet.key)
            velocity = choice.human(0.78 * accent * energy(sheet, cell.bar))
            yield Event("bass", part.sound, pitch, beat, beats, velocity, part.pan)


def held(sheet: Leadsheet, part: Seat, instrument: str, pitch: int, cell: Cell, choice: Variation) -> Event:
    """A note over the whole last bar, or as much of it as its chord lasts."""
    beats = 0.92 * sheet.held_beats(cell.slot)
    return Event(instrument, part.sound, pitch, cell.beat, beats, choice.human(0.75), part.pan)


def hands(sheet: Leadsheet, preset: Preset, instrument: str, choice: Variation) -> list[tuple[int, ...]]:
    """The voicing of every slot for an instrument that plays chords."""
    part = preset.parts[instrument]
    if part.sound == "crunch":
        return [power_chord(chord, part.low) for chord in sheet.chords]
    classes = [chord_classes(chord, sheet.key, preset.color) for chord in sheet.chords]
    # The pad leaves the middle register to keys and guitar, so it follows their shift only slightly.
    shift = choice.shift / 3 if instrument == "pad" else choice.shift
    return lead_voices(classes, part.low, part.high, (part.low + part.high) / 2 + shift)


def keys_events(sheet: Leadsheet, style: BandStyle, choice: Variation) -> Iterator[Event]:
    """The keyboard's chords."""
    yield from chord_events(sheet, style, choice, "keys", style.preset.chords, choice.chords, 0.0)


def guitar_events(sheet: Leadsheet, style: BandStyle, choice: Variation) -> Iterator[Event]:
    """The guitar's picking or strumming."""
    yield from chord_events(sheet, style, choice, "guitar", style.preset.guitar, choice.guitar, STRUM_SECONDS)


def chord_events(
    sheet: Leadsheet,
    style: BandStyle,
    choice: Variation,
    instrument: str,
    figures: Mapping[int, tuple[Figure, ...]],
    number: int,
    strum: float,
) -> Iterator[Event]:
    """Figures of chord notes under every cell; the last bar's chord is held."""
    part = style.preset.parts[instrument]
    voicings = hands(sheet, style.preset, instrument, choice)
    for cell in cells_of(sheet):
        voicing = voicings[cell.slot]
        if not voicing:  # no chord plays here
            continue
        if cell.bar == sheet.closing:
            if cell.begins_chord:
                yield from (held(sheet, part, instrument, pitch, cell, choice) for pitch in voicing)
            continue
        figure: Figure = ((0.0, cell.most, "*"),)
        if not style.sparse and not cell.is_short:
            figure = variant(figures, cell.pulses, number)
        for beat, beats, what, accent in figure_events(cell, figure, sheet, style.preset.swing):
            pitches = voicing if what == "*" else (by_rank(voicing, int(what)),)
            for order, pitch in enumerate(pitches):
                velocity = choice.human(0.68 * accent * energy(sheet, cell.bar))
                late = order * strum
                yield Event(instrument, part.sound, pitch, beat, beats, velocity, part.pan, late)


def by_rank(voicing: tuple[int, ...], rank: int) -> int:
    """The rank-th note from the bottom; past the top it continues an octave higher."""
    return voicing[rank % len(voicing)] + 12 * (rank // len(voicing))


def pad_events(sheet: Leadsheet, style: BandStyle, choice: Variation) -> Iterator[Event]:
    """Held chords; repeated chords within a bar are tied."""
    part = style.preset.parts["pad"]
    voicings = hands(sheet, style.preset, "pad", choice)
    slot = 0
    while slot < len(sheet.slots):
        bar, first, beats = sheet.slots[slot]
        after = slot + 1
        while (
            after < len(sheet.slots)
            and sheet.slots[after][0] == bar
            and sheet.chords[after] == sheet.chords[slot]
        ):
            beats += sheet.slots[after][2]
            after += 1
        for pitch in voicings[slot]:
            velocity = choice.human(0.7 * energy(sheet, bar))
            yield Event("pad", part.sound, pitch, float(first), 0.98 * beats, velocity, part.pan)
        slot = after
