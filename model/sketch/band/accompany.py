"""A backing for a solo voice or instrument: analyse, harmonise, arrange, play.

Tracks the melody, finds key and chords for it, has a small band play them on the host's grid at the singer's tuning,
and attaches the arrangement as a MIDI file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.blueprint import Blueprint, TimedChord
from model.dsp import loudness
from model.dsp.offset import is_quiet
from model.engine import (
    Attachment,
    OnProgress,
    Piece,
    Rendered,
    RenderRequest,
    Report,
    ShouldStop,
    Song,
)
from model.errors import CannotRender
from model.pace import Pace
from model.sketch.band import arrangement_file, arranger, harmony, melody, sung_bars
from model.sketch.band.arranger import Leadsheet
from model.sketch.band.harmony import Slots, Taste
from model.sketch.band.key_finding import FoundKey, find_key, parse_key
from model.sketch.band.melody import Melody
from model.sketch.band.performance import Performance
from model.sketch.band.presets import INSTRUMENTS
from model.sketch.band.style import BandStyle, instruments_for, read_caption
from model.sketch.band.voice_in_mix import SeparateVoice, voice_in
from model.sketch.captions import LABEL

__all__ = ["INSTRUMENTS", "render"]

LEAST_SECONDS = 0.2
"""Shorter ones have no note whose pitch could be found."""
SILENT_PEAK = 10.0 ** (-60.0 / 20.0)
BACKING_BELOW_VOICE_LU = 2.0
# Bounds on the backing's loudness, for voices that are very quiet or very loud.
MIN_LUFS, MAX_LUFS = -40.0, -14.0
CLEAR_MELODY = 0.05  # fraction of the song with a clear pitch; below it chords would be guesses
LINE_COVERAGE = (
    0.5  # below it the source is a mix or chords, not one line: those have a pitch 80 % of the time
)
SURE_KEY = 0.5
END_SLACK_SECONDS = 0.5  # a region that ends this close to the song's end, or after it, ends the song

METHOD = (
    "Sketch tracked the melody, chose chords for it by rules of functional harmony and played them with a "
    "small built-in band on the host's grid (no neural network)."
)


@dataclass(frozen=True)
class VoiceAnalysis:
    """The analysed voice: its melody, tuning (semitones), key, whether the host gave the key, and loudness.

    separated_by: the network that took the voice out of the mix; "" = the source is analysed as it is.
    """

    line: Melody
    tuning: float
    key: FoundKey
    key_given: bool
    lufs: float
    separated_by: str = ""


def render(
    request: RenderRequest,
    progress: OnProgress,
    should_stop: ShouldStop,
    separate: SeparateVoice | None = None,
) -> Iterator[Rendered]:
    """The backing as "mix" and one stem per instrument in blocks, the MIDI file, the blueprint, the report.

    separate: takes the voice out of a mix, if that is what the source is.

    Raises CannotRender for silence, a region without bars or a caption that leaves no instrument; RenderStopped on
    cancellation.
    """
    pace = Pace(progress, should_stop)
    pace.at("analysing the voice", 0.0)
    song = song_within_reach(request)
    refuse_silence(song)
    voice = listen(request, song, pace, separate)
    pace.at("choosing chords", 0.22)
    bars = bars_of(request)
    style = style_of(request, bars)
    instruments = instruments_for(style, request.stems)
    slots = sung_bars.sung_slots(voice.line, voice.tuning, request.grid, bars)
    chords = harmony.harmonise(slots, voice.key.key, Taste(favour=arranger.favour(request.take)))
    sung = sung_per_bar(slots, len(bars))
    sheet = Leadsheet(
        bars,
        sung_bars.slots_of(bars),
        chords,
        voice.key.key,
        request.grid.unit,
        sung,
        closing_bar(bars, sung, request.end / request.rate) if ends_the_song(request, song) else -1,
    )
    choice = arranger.choose(request.seed, request.take)
    events = arranger.arrange(sheet, style, instruments, choice)
    own_sounds = request.options.get("soundfont")
    performance = Performance(
        request, style.preset, instruments, events, voice.tuning, Path(own_sounds) if own_sounds else None
    )
    yield from played(request, performance, voice, pace.part(0.25, 1.0))
    marks = list(zip(sheet.slots, chords, strict=True))
    midi = arrangement_file.to_midi(
        request.grid, bars, events, voice.key.key, marks, style.preset, instruments
    )
    yield Attachment("arrangement.mid", "audio/midi", midi)
    yield blueprint(request, sheet)
    yield report(sheet, slots, voice, style, instruments, performance)


def song_within_reach(request: RenderRequest) -> Song:
    """The song, silenced outside the context the request allows."""
    song = request.song
    assert song is not None, "no voice to accompany"
    if request.context_seconds is None:
        return song
    reach = round(request.context_seconds * request.rate)
    samples = song.samples.copy()
    samples[: max(0, request.start - reach)] = 0.0
    samples[max(0, request.end + reach) :] = 0.0
    return Song(samples, song.rate, song.digest)


def refuse_silence(song: Song) -> None:
    """Raises CannotRender if there is nothing to accompany."""
    if song.frames < LEAST_SECONDS * song.rate:
        raise CannotRender(
            f"The song is too short to accompany: it has {song.frames} "
            f"sample{'s'[: song.frames - 1]} ({song.frames / song.rate:.3f} s).",
            "Bounce at least a bar of it.",
        )
    if is_quiet(song.samples, song.rate, SILENT_PEAK):
        raise CannotRender(
            "The voice to accompany is silent (nothing above -60 dBFS).",
            "Check that the right track was sent, or widen the region or the context.",
        )


def listen(
    request: RenderRequest, song: Song, pace: Pace, separate: SeparateVoice | None = None
) -> VoiceAnalysis:
    """Tracks the melody, in a mix that of its voice, and finds its tuning, key and loudness."""
    line = melody.track(song.samples, song.rate, pace.check)
    sung = voice_in(request, song, separate, pace) if line.coverage < LINE_COVERAGE else None
    if sung is not None:
        line = sung.line
    by = sung.by if sung is not None else ""
    pace.at("analysing the voice", 0.15)
    tuning = melody.tuning_semitones(line)
    lufs = loudness.integrated(song.samples, song.rate, pace.check)
    given = parse_key(request.key) if request.key is not None else None
    assert given is not None or request.key is None, request.key
    if given is not None:
        return VoiceAnalysis(line, tuning, FoundKey(given, 1.0), True, lufs, by)
    notes = sung_bars.long_notes(line, tuning)
    first, last = (notes[0][1], notes[-1][1]) if notes else (None, None)
    classes = sung_bars.histogram(line, tuning, request.grid)
    return VoiceAnalysis(line, tuning, find_key(classes, first, last), False, lufs, by)


def bars_of(request: RenderRequest) -> list[sung_bars.Bar]:
    """The bars the region touches. Raises CannotRender if the grid has none there."""
    bars = sung_bars.bars_between(request.grid, request.start / request.rate, request.end / request.rate)
    if not bars:
        raise CannotRender(
            "The host's tempo map has no whole bar in the region.", "Send a tempo map that covers the region."
        )
    return bars


def style_of(request: RenderRequest, bars: Sequence[sung_bars.Bar]) -> BandStyle:
    """The caption's style for this meter and tempo. Raises CannotRender if it leaves no instrument."""
    first = bars[0]
    pulses = first.beats * (2 if request.grid.unit == 2 else 1)
    style = read_caption(request.caption, pulses, float(request.grid.quarters_per_minute[first.first_beat]))
    if not instruments_for(style, request.stems):
        raise CannotRender(
            "The prompt excludes all instruments.", f"Keep at least one of: {', '.join(INSTRUMENTS)}."
        )
    return style


def sung_per_bar(slots: Slots, bars: int) -> NDArray[np.float64]:
    """[bars], fraction of each bar that is sung, 0..1."""
    total = np.bincount(slots.bar, slots.weights.sum(axis=1), bars)
    return np.asarray(total / np.maximum(np.bincount(slots.bar, minlength=bars), 1))


def ends_the_song(request: RenderRequest, song: Song) -> bool:
    """Whether the region reaches the end of the song, so that the band plays an ending."""
    return request.ending or request.end / request.rate >= song.frames / song.rate - END_SLACK_SECONDS


def closing_bar(bars: Sequence[sung_bars.Bar], sung: NDArray[np.float64], end: float) -> int:
    """The bar of the last chord: the one after the singing if it fits before `end` seconds, else the last sung one.

    Recordings usually run on a little after the last note, and a chord half a second before the end is no ending.
    """
    sounding = np.flatnonzero(sung > arranger.BREATHING_BAR)
    last = int(sounding[-1]) if len(sounding) else len(bars) - 1
    if last + 1 < len(bars) and bars[last + 1].end <= end + sung_bars.EDGE_SECONDS:
        return last + 1
    return last


def played(
    request: RenderRequest, performance: Performance, voice: VoiceAnalysis, pace: Pace
) -> Iterator[Piece]:
    """The audio in blocks: "mix" first, then the stems; the handles last, if requested."""
    target = float(np.clip(voice.lufs - BACKING_BELOW_VOICE_LU, MIN_LUFS, MAX_LUFS))
    performance.set_level(target, pace.part(0.0, 0.45))
    whole = []
    for done, block in performance.blocks(pace.part(0.45, 1.0)):
        pace.check()
        if request.handle:
            whole.append(block.mix)
        inside = block.within(request.start, request.end)
        if inside is None:
            continue
        yield Piece("mix", inside.start, inside.mix)
        for name, samples in inside.stems.items():
            yield Piece(name, inside.start, samples)
        pace.at("playing the backing", 0.45 + 0.55 * done)
    if request.handle:
        yield Piece("handles", request.start - request.handle, np.concatenate(whole))


def blueprint(request: RenderRequest, sheet: Leadsheet) -> Blueprint:
    """What the band was given to play: tempo and meter of the first bar, key, and every change of chord."""
    first, grid = sheet.bars[0], request.grid
    chords: list[TimedChord] = []
    for (_, beat, _), chord in zip(sheet.slots, sheet.chords, strict=True):
        name = chord.name(sheet.key)
        if not chords or chords[-1].name != name:
            chords.append(TimedChord(name, float(grid.seconds[beat])))
    return Blueprint(
        tempo=float(grid.quarters_per_minute[first.first_beat]),
        key=sheet.key.name,
        meter=f"{first.beats}/{grid.unit}",
        chords=tuple(chords),
    )


def report(
    sheet: Leadsheet,
    slots: Slots,
    voice: VoiceAnalysis,
    style: BandStyle,
    instruments: Sequence[str],
    performance: Performance,
) -> Report:
    """The report, for the recipe and the producer."""
    chart = harmony.chart(sheet.chords, slots, sheet.key)
    figures = {
        "key": sheet.key.name,
        "key_given": voice.key_given,
        "key_confidence": round(voice.key.confidence, 2),
        "tuning_cents": round(100.0 * voice.tuning, 1),
        "melody_coverage": round(voice.line.coverage, 2),
        **({"voice_separated_by": voice.separated_by} if voice.separated_by else {}),
        "preset": style.preset.name,
        "instruments": list(instruments),
        "first_bar": sheet.bars[0].number,
        "chords": chart,
        "chord_chart": " | ".join(chart),
        "notes_played": len(performance.events),
        "voice_lufs": round(max(voice.lufs, loudness.FLOOR_LUFS), 1),
        "backing_lufs": round(performance.target_lufs, 1),
    }
    method = METHOD
    if voice.separated_by:
        told = f"the voice separated by {voice.separated_by}, a neural network"
        method = method.replace("no neural network", told)
    return Report(method, figures, tuple(notes_for_the_producer(voice, style)))


def notes_for_the_producer(voice: VoiceAnalysis, style: BandStyle) -> Iterator[str]:
    """What the producer should know about this take."""
    if voice.separated_by:
        yield f"The source is a mix. {voice.separated_by} separated its voice, and the chords follow that."
    elif voice.line.coverage < CLEAR_MELODY:
        yield "No clear melody was found: the chords are a vamp in the key and do not follow the singing."
    elif voice.line.coverage < LINE_COVERAGE:
        yield (
            f"The source has one clear pitch only {100 * voice.line.coverage:.0f} % of the time: it is a mix or chords "
            "rather than a sung or played line, so the chords may clash with it. Send the melody alone."
        )
    if not voice.key_given:
        name = voice.key.key.name
        if voice.key.confidence < SURE_KEY:
            yield f"The key is a guess ({name}); set the key if the chords sound wrong."
        else:
            yield f"Detected key: {name}."
    if note := style.reading.note(LABEL):
        yield note
