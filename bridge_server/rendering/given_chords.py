"""A request's chords over the bars of its region, and on the grid an engine is given."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import Span, TempoMap
from daw_protocol.timeline.chord_progression import Bar, ChordAt, ChordProgression, named
from model.given_chord import GivenChord

# A region drawn on bar lines may begin or end a few samples off them.
EDGE_SECONDS = Fraction(5, 1000)


def over_region(
    chords: ChordProgression, tempo_map: TempoMap, rate: int, region: Span
) -> tuple[tuple[ChordAt, ...], tuple[str, ...]]:
    """Every change of chord in the region's bars, and what the producer should know. Raises ProtocolError."""
    bars = bars_of(tempo_map, rate, region)
    begins = bars[0].number + (len(bars) > 1 and _starts_with_pickup(tempo_map, rate, region, bars[0]))
    try:
        found = chords.over(bars, begins)
    except ValueError as error:
        raise ProtocolError(
            ErrorCode.BAD_REGION,
            f"chords: {error}.",
            f"The region has the bars {bars[0].number} to {bars[-1].number}.",
            "chords",
        ) from error
    start = begins if chords.first_bar is None else chords.first_bar
    return found, tuple(_notes(chords, bars, start, found))


def bars_of(tempo_map: TempoMap, rate: int, region: Span) -> list[Bar]:
    """The bars that a stretch of the timeline touches, a pickup among them, each with its beats."""
    edge = min(round(EDGE_SECONDS * rate), region.length // 4)
    first = tempo_map.bar_at(tempo_map.quarters_at(region.start + edge, rate))
    last = tempo_map.bar_at(tempo_map.quarters_at(region.end - 1 - edge, rate))
    return [Bar(number, _beats(tempo_map, number)) for number in range(first, last + 1)]


def on_grid(chords: Sequence[ChordAt], beats: Sequence[tuple[int, int]]) -> tuple[GivenChord, ...]:
    """The chords as an engine sees them. beats: (bar, beat) of each entry of its grid."""
    downbeats = {bar: index for index, (bar, beat) in enumerate(beats) if beat == 1}
    return tuple(
        GivenChord(
            float(downbeats[one.bar] + one.beat - 1),
            named(one.chord),
            *((one.chord.root_class, one.chord.bass_class, one.chord.intervals) if one.chord else ()),
        )
        for one in chords
    )


def _beats(tempo_map: TempoMap, bar: int) -> int:
    """Beats of a bar; one that a change of meter cuts short has fewer than its meter says."""
    start, end = tempo_map.quarters_of_bar(bar), tempo_map.quarters_of_bar(bar + 1)
    beats = (end - start) / tempo_map.meter_at(start).quarters_per_beat
    return -(-beats.numerator // beats.denominator)


def _starts_with_pickup(tempo_map: TempoMap, rate: int, region: Span, bar: Bar) -> bool:
    """Whether the region has at most half of its first bar: that is an upbeat, and no musician counts it."""
    start, end = tempo_map.quarters_of_bar(bar.number), tempo_map.quarters_of_bar(bar.number + 1)
    edge = min(round(EDGE_SECONDS * rate), region.length // 4)
    return 2 * (end - tempo_map.quarters_at(region.start + edge, rate)) <= end - start


def _notes(chords: ChordProgression, bars: Sequence[Bar], start: int, found: Sequence[ChordAt]) -> list[str]:
    notes = []
    last = bars[-1].number
    if start + chords.length <= last:
        count = f"The {chords.length} bars of chords repeat" if chords.length > 1 else "The chord repeats"
        notes.append(f"{count} to the region's end, bar {last}.")
    elif start + chords.length - 1 > last and chords.first_bar is None:
        notes.append(
            f"The chords are {chords.length} bars long; the region ends after {last - start + 1} of them."
        )
    if found[0].chord is None and start > bars[0].number and len(found) > 1:
        notes.append(
            f"The chords begin at {found[1].bar}|{float(found[1].beat):g}; before it none are played."
        )
    return notes
