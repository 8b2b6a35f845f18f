"""A backing for a solo voice or instrument: analyse, harmonise, arrange, play.

Tracks the melody, finds key and chords for it, has a small band play them on the host's grid at the singer's tuning,
and attaches the arrangement as a MIDI file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
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
from model.sketch.band import (
    arrangement_file,
    arranger,
    harmony,
    leadsheet,
    melody,
    sung_bars,
)
from model.sketch.band.harmony import Chord, Slots, Taste
from model.sketch.band.heard_harmony import harmonise_heard, hear
from model.sketch.band.leadsheet import Leadsheet, Slot
from model.sketch.band.melody import Melody
from model.sketch.band.performance import Performance
from model.sketch.band.presets import INSTRUMENTS
from model.sketch.band.style import BandStyle, instruments_for, read_caption
from model.sketch.band.voice_analysis import CLEAR_MELODY, VoiceAnalysis, listen
from model.sketch.band.voice_in_mix import SeparateVoice
from model.sketch.captions import LABEL

__all__ = ["INSTRUMENTS", "render"]

LEAST_SECONDS = 0.2
"""Shorter ones have no note whose pitch could be found."""
SILENT_PEAK = 10.0 ** (-60.0 / 20.0)
BACKING_BELOW_VOICE_LU = 2.0
# Bounds on the backing's loudness, for voices that are very quiet or very loud.
MIN_LUFS, MAX_LUFS = -40.0, -14.0
# Contrast of a recording's chords: below the first there are none in it (noise has 0.1), below the second they are hard
# to read (drums alone and distorted guitars have 0.15 to 0.25, clear bands 0.4 to 0.55).
LEAST_CONTRAST, CLEAR_CONTRAST = 0.13, 0.25
SURE_KEY = 0.5
END_SLACK_SECONDS = 0.5  # a region that ends this close to the song's end, or after it, ends the song

METHOD_GIVEN = (
    "Sketch had a small built-in band play the given chords on the host's grid (no neural network)."
)
METHOD_HEARD = (
    "Sketch read the chords from the harmony of the recording, weighed with its melody, and played them with a small "
    "built-in band on the host's grid (no neural network)."
)
METHOD = (
    "Sketch tracked the melody, chose chords for it by rules of functional harmony and played them with a "
    "small built-in band on the host's grid (no neural network)."
)


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
    voice, plan, chords = chords_for(request, voice, slots, bars, pace)
    sung = sounding_per_bar(voice.source_line, bars) if voice.is_mix else sung_per_bar(slots, len(bars))
    sheet = Leadsheet(
        bars,
        plan,
        chords,
        voice.key.key,
        request.grid.unit,
        sung,
        ending_bar(request, song, bars, sung),
    )
    choice = arranger.choose(request.seed, request.take)
    events = arranger.arrange(sheet, style, instruments, choice)
    own_sounds = request.options.get("soundfont")
    performance = Performance(
        request, style.preset, instruments, events, voice.tuning, Path(own_sounds) if own_sounds else None
    )
    yield from played(request, performance, voice, pace.part(0.25, 1.0))
    marks = list(zip(sheet.slots, chords, strict=True))
    midi = arrangement_file.to_midi(request.grid, bars, events, sheet.key, marks, style.preset, instruments)
    yield Attachment("arrangement.mid", "audio/midi", midi)
    chord_track = arrangement_file.chords_to_midi(request.grid, bars, sheet.key, marks)
    yield Attachment("chords.mid", "audio/midi", chord_track)
    yield blueprint(request, sheet)
    yield report(sheet, voice, style, instruments, performance)


def chords_for(
    request: RenderRequest,
    voice: VoiceAnalysis,
    slots: Slots,
    bars: Sequence[sung_bars.Bar],
    pace: Pace,
) -> tuple[VoiceAnalysis, list[Slot], list[Chord]]:
    """The chords of every slot, given, heard or chosen for the melody; and what is known of the source by then."""
    if request.chords:
        plan, chords = leadsheet.slots_for(bars, request.chords)
        if voice.is_mix:  # its tuning is that of all that sounds
            voice = replace(voice, tuning=hear(voice.spectra, request.grid, (), voice.key.key, pace).tuning)
        return voice if voice.key_given else replace(voice, key=leadsheet.key_of(plan, chords)), plan, chords
    whole = sung_bars.slots_of([*bars])
    if not voice.is_line:
        heard = hear(voice.spectra, request.grid, whole, voice.key.key if voice.key_given else None, pace)
        if heard.contrast >= LEAST_CONTRAST:
            voice = replace(voice, key=heard.key, tuning=heard.tuning, heard=heard)
            return voice, [*whole], harmonise_heard(slots, heard.key.key, heard.evidence, Taste())
    favour = arranger.favour(request.take)
    return voice, [*whole], harmony.harmonise(slots, voice.key.key, Taste(favour=favour))


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
            f"sample{'' if song.frames == 1 else 's'} ({song.frames / song.rate:.3f} s).",
            "Bounce at least a bar of it.",
        )
    if is_quiet(song.samples, song.rate, SILENT_PEAK):
        raise CannotRender(
            "The voice to accompany is silent (nothing above -60 dBFS).",
            "Check that the right track was sent, or widen the region or the context.",
        )


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


def sounding_per_bar(line: Melody, bars: Sequence[sung_bars.Bar]) -> NDArray[np.float64]:
    """[bars], fraction of each bar in which a mix is near its usual level, 0..1: its pitch says nothing about that."""
    assert line.loud is not None, "a tracked melody knows it"
    spans = [(round(bar.start / melody.HOP_SECONDS), round(bar.end / melody.HOP_SECONDS)) for bar in bars]
    parts = [line.loud[max(start, 0) : max(end, 0)] for start, end in spans]
    return np.array([float(np.mean(part)) if len(part) else 0.0 for part in parts])


def ending_bar(
    request: RenderRequest, song: Song, bars: Sequence[sung_bars.Bar], sung: NDArray[np.float64]
) -> int:
    """The bar that holds the last chord; -1 if the song continues. Chords that were given are played to their end."""
    if not ends_the_song(request, song):
        return -1
    return len(bars) - 1 if request.chords else closing_bar(bars, sung, request.end / request.rate)


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
            chords.append(TimedChord(name, sung_bars.beat_time(grid, beat)))
    return Blueprint(
        tempo=float(grid.quarters_per_minute[first.first_beat]),
        key=sheet.key.name,
        meter=f"{first.beats}/{grid.unit}",
        chords=tuple(chords),
    )


def report(
    sheet: Leadsheet,
    voice: VoiceAnalysis,
    style: BandStyle,
    instruments: Sequence[str],
    performance: Performance,
) -> Report:
    """The report, for the recipe and the producer."""
    given = any(chord.given is not None for chord in sheet.chords)
    chart = harmony.chart(sheet.chords, [bar for bar, _, _ in sheet.slots], sheet.key)
    figures = {
        "key": sheet.key.name,
        "key_given": voice.key_given,
        "key_confidence": round(voice.key.confidence, 2),
        "tuning_cents": round(100.0 * voice.tuning, 1),
        "melody_coverage": round(voice.source_line.coverage, 2),
        "line_share": round(voice.line_share, 2),
        "source": "mix" if voice.is_mix else "line",
        "chords_from": "the request" if given else "the recording" if voice.heard else "the melody",
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
    method = METHOD_GIVEN if given else METHOD_HEARD if voice.heard else METHOD
    if voice.separated_by:
        told = f"the voice separated by {voice.separated_by}, a neural network"
        method = method.replace("no neural network", told)
    return Report(method, figures, tuple(notes_for_the_producer(voice, style, instruments, given)))


def notes_for_the_producer(
    voice: VoiceAnalysis, style: BandStyle, instruments: Sequence[str], given: bool
) -> Iterator[str]:
    """What the producer should know about this take."""
    if voice.separated_by:
        yield f"The source is a mix. {voice.separated_by} separated its voice, and the chords follow that, too."
    elif voice.is_mix:
        follows = (
            "The band plays along with it." if given else "The chords are read from the recording itself."
        )
        yield (
            f"The source is a mix or plays chords: only {100 * voice.line_share:.0f} % of what sounds belongs to one "
            f"clear pitch; of a sung or played line nearly all does. {follows}"
        )
    if given:
        if not set(instruments) - {"drums"}:
            yield "The drums alone play no chords: the chords that were given are not heard."
    elif voice.heard is not None:
        if voice.heard.contrast < CLEAR_CONTRAST:
            yield 'The recording\'s chords are hard to read; if they sound wrong, give them: chords "Am F C G".'
    elif voice.line.coverage < CLEAR_MELODY:
        yield "No clear melody was found: the chords are a vamp in the key and do not follow the singing."
    if not voice.key_given and not given:
        name = voice.key.key.name
        if voice.key.confidence < SURE_KEY:
            yield f"The key is a guess ({name}); set the key if the chords sound wrong."
        else:
            yield f"Detected key: {name}."
    if note := style.reading.note(LABEL):
        yield note
