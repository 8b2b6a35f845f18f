"""Chords that an engine found, in seconds, as the text with bar|beat that requests read. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from daw_protocol.recipe import ChordRecord
from daw_protocol.timeline import TICKS_PER_QUARTER, Bbt, TempoMap
from daw_protocol.timeline.chord_progression import MAX_TEXT, ChordAt, ChordProgression, chords_of

_RATE = 192_000
"""Positions are rounded to this: finer than any project's samples."""
# Fine enough for thirds, fifths and eighths of a beat.
_GRID_TICKS = Fraction(TICKS_PER_QUARTER, 120)


def placed_chords(
    chords: Sequence[ChordRecord], tempo_map: TempoMap, song_start: Fraction = Fraction(0)
) -> tuple[ChordAt, ...]:
    """The chords at their bars and beats, each change once; () where a name is no chord.

    song_start: seconds of the song's first sample on the timeline.
    """
    named = []
    for chord in chords:
        sample = round((song_start + Fraction(chord.time)) * _RATE)
        place = tempo_map.bbt_at(sample, _RATE, _GRID_TICKS)
        named.append((chord.name, place.bar, _beat(place, tempo_map)))
    try:
        found = chords_of(named)
    except ValueError:  # an engine may have names of its own
        return ()
    kept: list[ChordAt] = []
    for one in found:
        if kept and kept[-1][:2] >= one[:2]:
            kept.pop()
        if not kept or kept[-1].chord != one.chord:
            kept.append(one)
    return tuple(kept)


def chords_text(placed: Sequence[ChordAt], last_bar: int) -> str:
    """The progression as `chords` of a request reads it, on to the end of `last_bar`; "" for none or too many."""
    if not placed:
        return ""
    text = str(ChordProgression.of_chords(placed, last_bar))
    return text if len(text) <= MAX_TEXT else ""


def bar_before(seconds: Fraction, tempo_map: TempoMap) -> int:
    """The last bar that begins before a moment on the timeline, give or take a few milliseconds."""
    return tempo_map.bar_at(tempo_map.quarters_at(round(seconds * _RATE) - _RATE // 200, _RATE))


def _beat(place: Bbt, tempo_map: TempoMap) -> Fraction:
    meter = tempo_map.meter_at(tempo_map.quarters_of_bar(place.bar))
    return place.beat + place.ticks / (TICKS_PER_QUARTER * meter.quarters_per_beat)
