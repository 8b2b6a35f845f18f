"""A song's tempo, meters, keys and markers from the events of a Standard MIDI File, and back.

Works on plain (tick, kind, values) events; the caller reads and writes the file. MIDI stores tempo as whole
microseconds per quarter note, so reading is exact and writing approximate; see `song_map_events`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from daw_protocol.timeline.bar_grid import MAX_QUARTERS, BarGrid, MeterChange, on_bar_lines
from daw_protocol.timeline.exact_number import check_int, exact, exact_decimal, to_text
from daw_protocol.timeline.key import Key
from daw_protocol.timeline.meter import DENOMINATORS, MAX_NUMERATOR, Meter
from daw_protocol.timeline.midi_file import LeftOut, MidiFileError, SongEvent
from daw_protocol.timeline.tempo_map import TempoMap
from daw_protocol.timeline.tempo_point import MAX_BPM, MAX_POINTS, MIN_BPM, TempoPoint

# kind -> its values. Callers filter the file's meta messages with these.
SONG_MAP_KINDS = {
    "set_tempo": "(microseconds per quarter note,)",
    "time_signature": "(numerator, denominator)",
    "key_signature": '(key text such as "F#m",)',
    "marker": "(text,)",
}

MICROSECONDS_PER_MINUTE = 60_000_000
# Bit 15 of a MIDI file's division marks SMPTE frames; libraries return it as a negative or a large number.
MAX_TICKS_PER_QUARTER = 0x7FFF
# The tempo of a file without tempo events, by the Standard MIDI File specification.
DEFAULT_BPM = Fraction(120)

RAMP_STEP = Fraction(1, 8)
# Rounding is off by up to half a microsecond per quarter: by 20 us after 40 quarters, one sample at 48 kHz.
CORRECTION_QUARTERS = 40

_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class SongMap:
    """A tempo map with keys and markers, each a (quarter, value) pair in ascending order.

    has_tempo: whether the song has a tempo at all; without one, the map's 120 BPM is only what the standard assumes.
    notes:     what a producer should know of the file it was read from.

    Raises TypeError for wrong types, ValueError for entries that do not ascend.
    """

    tempo_map: TempoMap
    keys: tuple[tuple[Fraction, Key], ...] = ()
    markers: tuple[tuple[Fraction, str], ...] = ()
    has_tempo: bool = True
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.tempo_map, TempoMap):
            raise TypeError(f"tempo_map must be a TempoMap, got {self.tempo_map!r}")
        _check_places("keys", self.keys, Key)
        _check_places("markers", self.markers, str)

    def at_bpm(self, bpm: Fraction | float | str) -> TempoMap:
        """The time signatures of a song without a tempo, at one. Raises ValueError for a tempo out of range."""
        return replace(self.tempo_map, points=(TempoPoint(Fraction(0), exact_decimal("bpm", bpm)),))


def _check_places(field: str, places: tuple[tuple[Fraction, object], ...], kind: type) -> None:
    previous = None
    for index, (quarter, value) in enumerate(places):
        quarter = exact(f"{field}[{index}] quarter", quarter)
        if not isinstance(value, kind):
            raise TypeError(f"{field}[{index}] must hold a {kind.__name__}, got {value!r}")
        if previous is not None and quarter < previous:
            raise ValueError(f"{field}[{index}] quarter {to_text(quarter)} is before the previous entry's")
        previous = quarter


def read_song_map(
    ticks_per_quarter: int,
    events: Iterable[SongEvent],
    first_bar: int = 1,
    offset: Fraction = Fraction(0),
    left_out: Iterable[LeftOut] = (),
    notes: Iterable[str] = (),
) -> SongMap:
    """The song described by a MIDI file's (tick, kind, values) events; kinds as in SONG_MAP_KINDS.

    Events may come in any order; of several tempos, meters or keys at one tick the last one wins, while all markers
    stay; a tempo or meter that only repeats the one before adds nothing. Without a tempo or meter at tick 0 the file
    starts at 120 and in 4/4. A meter inside a bar ends that bar early. Tick 0 is `offset` seconds after the timeline's
    zero. left_out, notes: what the reader of the file has to report.

    Raises TypeError for wrong types; MidiFileError for a file in SMPTE frames and for more than a map can hold;
    ValueError for an unknown kind of event and values that no MIDI file can hold, naming the tick.
    """
    check_division(ticks_per_quarter)
    tempos, meters, keys = dict[int, Fraction](), dict[int, Meter](), dict[int, Key]()
    markers: list[tuple[int, str]] = []
    for tick, kind, values in events:
        check_int("tick", tick, 0, 2**40)
        try:
            match kind:
                case "set_tempo":
                    tempos[tick] = _bpm(values)
                case "time_signature":
                    meters[tick] = _meter(values)
                case "key_signature":
                    keys[tick] = Key.parse(_text(values))
                case "marker":
                    markers.append((tick, _text(values)))
                case _:
                    raise ValueError(f"unknown kind {kind!r}, expected one of {', '.join(SONG_MAP_KINDS)}")
        except MidiFileError:
            raise
        except (TypeError, ValueError) as error:
            raise type(error)(f"MIDI event at tick {tick}: {error}") from error

    def quarter(tick: int) -> Fraction:
        return Fraction(tick, ticks_per_quarter)

    bars = _meters([(quarter(tick), meters[tick]) for tick in sorted(meters)])
    grid = BarGrid(bars, first_bar)
    points = _points([(quarter(tick), tempos[tick]) for tick in sorted(tempos)], grid)
    return SongMap(
        TempoMap(points, bars, offset, first_bar),
        tuple((quarter(tick), keys[tick]) for tick in sorted(keys)),
        tuple((quarter(tick), text) for tick, text in sorted(markers, key=lambda marker: marker[0])),
        has_tempo=bool(tempos),
        notes=(
            *notes,
            *_about_left_out([(quarter(event.tick), event.kind) for event in left_out], grid),
            *_about_start([quarter(tick) for tick in tempos], grid),
        ),
    )


def check_division(ticks_per_quarter: int) -> None:
    """Raises MidiFileError unless a MIDI file's division counts ticks per quarter note, 1 to 32,767."""
    if isinstance(ticks_per_quarter, int) and not 0 <= ticks_per_quarter <= MAX_TICKS_PER_QUARTER:
        raise MidiFileError(
            f"it counts time in SMPTE frames (division {ticks_per_quarter}), so it has no beats",
            "Export it with ticks per quarter note (PPQ).",
        )
    if ticks_per_quarter == 0:
        raise MidiFileError(
            "its resolution is 0 ticks per quarter note", "Export it again, with 480 ticks or 960."
        )
    check_int("ticks_per_quarter", ticks_per_quarter, 1, MAX_TICKS_PER_QUARTER)


def _meters(changes: list[tuple[Fraction, Meter]]) -> tuple[MeterChange, ...]:
    """The meters on their bar lines, each different from the one before or at a bar's early end."""
    _check_reach([quarter for quarter, _ in changes])
    placed: list[MeterChange] = []
    for change in on_bar_lines(MeterChange(quarter, meter) for quarter, meter in changes):
        if not placed or change.cuts_bar or change.meter != placed[-1].meter:
            placed.append(change)
    _check_count("time signature", len(placed))
    return tuple(placed)


def _points(tempos: list[tuple[Fraction, Fraction]], grid: BarGrid) -> tuple[TempoPoint, ...]:
    """The tempos, each different from the one before."""
    _check_reach([quarter for quarter, _ in tempos])
    points: list[TempoPoint] = []
    if not tempos or tempos[0][0] > 0:
        points.append(TempoPoint(Fraction(0), DEFAULT_BPM))
    for quarter, bpm in tempos:
        if not MIN_BPM <= bpm <= MAX_BPM:
            raise MidiFileError(
                f"its tempo in bar {grid.bar_at(quarter)} is {float(bpm):,.2f} BPM, and tempos from {MIN_BPM} to "
                f"{MAX_BPM} BPM are read",
                "Change or delete that tempo in your DAW, then export the map again.",
            )
        if not points or points[-1].bpm != bpm:
            points.append(TempoPoint(quarter, bpm))
    _check_count("tempo", len(points))
    return tuple(points)


def _check_reach(quarters: list[Fraction]) -> None:
    if quarters and quarters[-1] > MAX_QUARTERS:
        raise MidiFileError(
            f"it reaches {int(quarters[-1]):,} quarter notes far, and {MAX_QUARTERS:,} are read",
            "Delete the events far behind the song's end, then export the map again.",
        )


_THIN = {
    "tempo": "Thin its ramps out in your DAW (a change on every beat is enough), or export only the part you need.",
    "time signature": "Delete those that are not needed in your DAW, or export only the part you need.",
}


def _check_count(kind: str, count: int) -> None:
    if count > MAX_POINTS:
        raise MidiFileError(
            f"it has {count:,} {kind} changes, and {MAX_POINTS:,} are read",
            _THIN[kind],
        )


def _about_left_out(events: list[tuple[Fraction, str]], grid: BarGrid) -> Iterator[str]:
    for kind in dict.fromkeys(kind for _, kind in events):
        places = [quarter for quarter, other in events if other == kind]
        bar = grid.bar_at(min(min(places), Fraction(MAX_QUARTERS)))
        if len(places) == 1:
            yield f"A {kind} of the MIDI file, in bar {bar}, cannot be understood and was left out."
        else:
            yield (
                f"{len(places)} {kind}s of the MIDI file, the first in bar {bar}, cannot be understood and were left "
                "out."
            )


def _about_start(tempos: list[Fraction], grid: BarGrid) -> Iterator[str]:
    if tempos and min(tempos) > 0:
        yield (
            f"The MIDI file's first tempo is in bar {grid.bar_at(min(tempos))}, not at its start; before it "
            f"{DEFAULT_BPM} BPM is assumed, as the MIDI standard says."
        )


def _bpm(values: tuple[int | str, ...]) -> Fraction:
    (microseconds,) = _counted(values, 1)
    check_int("set_tempo", microseconds, 1, 0xFFFFFF)
    return Fraction(MICROSECONDS_PER_MINUTE, int(microseconds))


def _meter(values: tuple[int | str, ...]) -> Meter:
    # Files carry two more values, for the metronome click.
    numerator, denominator = _counted(values[:2], 2)
    check_int("numerator", numerator, 1, 255)
    check_int("denominator", denominator, 1, 2**16)
    try:
        return Meter(int(numerator), int(denominator))
    except ValueError:
        raise MidiFileError(
            f"it has a time signature of {numerator}/{denominator}, and up to {MAX_NUMERATOR} beats of whole notes to "
            f"{DENOMINATORS[-1]}nds are read",
            "Change that time signature in your DAW, then export the map again.",
        ) from None


def _text(values: tuple[int | str, ...]) -> str:
    (text,) = _counted(values, 1)
    if not isinstance(text, str):
        raise TypeError(f"expected text, got {text!r}")
    return text


def _counted(values: tuple[int | str, ...], count: int) -> tuple[int | str, ...]:
    if len(values) != count:
        raise ValueError(f"expected {count} value{'s' if count > 1 else ''}, got {len(values)}")
    return values


def song_map_events(
    song_map: SongMap, ticks_per_quarter: int = 960, until: Fraction = Fraction(0)
) -> list[SongEvent]:
    """The song as (tick, kind, values) events in order of ticks; tick 0 is the first beat of the first bar.

    Quarters round to the nearest tick; meters must fall exactly on one. Ramps become steps of an eighth of a quarter,
    each lasting as long as the ramp takes for it. The next event corrects the rounding to whole microseconds, so
    errors never add up: at each event, time is right to 20 us (half a microsecond per quarter since the previous
    one). Within a step of a ramp it is off by up to an eighth of the step's length times its relative change of
    tempo: 7 us where the tempo rises from 100 to 110 bpm over four bars of 4/4. After the last tempo point corrections
    continue up to the quarter `until`. The map's offset is not written, since MIDI has no place for it. Church modes
    are written as the major key with the same signature.

    Raises ValueError for a meter, key or marker that MIDI cannot represent.
    """
    check_division(ticks_per_quarter)
    events = [
        *_meter_events(song_map.tempo_map, ticks_per_quarter),
        *((_tick(at, ticks_per_quarter), "key_signature", (_midi_key(key),)) for at, key in song_map.keys),
        *_tempo_events(song_map.tempo_map, ticks_per_quarter, until),
        *((_tick(at, ticks_per_quarter), "marker", (text,)) for at, text in song_map.markers),
    ]
    return sorted(events, key=lambda event: event[0])


def _tick(quarter: Fraction, ticks_per_quarter: int) -> int:
    if quarter < 0:
        raise ValueError(
            f"quarter {to_text(quarter)} is before the first bar, where a MIDI file has no events"
        )
    return round(quarter * ticks_per_quarter)


def _meter_events(tempo_map: TempoMap, ticks_per_quarter: int) -> Iterator[SongEvent]:
    for change in tempo_map.meters:
        tick = change.quarter * ticks_per_quarter
        if tick.denominator != 1:
            raise ValueError(
                f"the {change.meter} at quarter {to_text(change.quarter)} falls between two ticks at "
                f"{ticks_per_quarter} ticks per quarter; rounding it would shift everything after it"
            )
        yield int(tick), "time_signature", (change.meter.numerator, change.meter.denominator)


def _tempo_events(tempo_map: TempoMap, ticks_per_quarter: int, until: Fraction) -> Iterator[SongEvent]:
    """Tempos that bring each breakpoint to its exact time, each correcting the rounding errors before it."""
    ticks = _breakpoints(tempo_map, ticks_per_quarter, until)
    start = tempo_map.sample_at(Fraction(0), _NANOSECONDS)
    reached, written = Fraction(0), 0
    for tick, following in pairwise(ticks):
        due = tempo_map.sample_at(Fraction(following, ticks_per_quarter), _NANOSECONDS) - start
        quarters = Fraction(following - tick, ticks_per_quarter)
        microseconds = round((due - reached) / quarters / 1000)
        reached += microseconds * quarters * 1000
        if microseconds != written:
            yield tick, "set_tempo", (microseconds,)
            written = microseconds
    last = round(MICROSECONDS_PER_MINUTE / tempo_map.points[-1].bpm)
    if last != written:
        yield ticks[-1], "set_tempo", (last,)


def _breakpoints(tempo_map: TempoMap, ticks_per_quarter: int, until: Fraction) -> list[int]:
    """Ticks where the tempo may change: points, steps of ramps, and corrections of rounded tempos."""
    quarters = [Fraction(0)]
    points = tempo_map.points
    for point, end in zip(points, (*points[1:], None), strict=True):
        quarters.append(point.quarter)
        stop = until if end is None else end.quarter
        step = _step(point, end)
        if step is not None and stop > point.quarter:
            count = -(-(stop - point.quarter) // step)
            quarters.extend(point.quarter + index * step for index in range(1, count))
            quarters.append(stop)
    return sorted({_tick(quarter, ticks_per_quarter) for quarter in quarters})


def _step(point: TempoPoint, end: TempoPoint | None) -> Fraction | None:
    """Quarters between the events a point's stretch needs; None if a single event is exact."""
    if point.ramp and end is not None and end.bpm != point.bpm:
        return RAMP_STEP
    exact_tempo = (MICROSECONDS_PER_MINUTE / point.bpm).denominator == 1
    return None if exact_tempo else Fraction(CORRECTION_QUARTERS)


def _midi_key(key: Key) -> str:
    if key.signature is None:
        raise ValueError(f"{key} needs more than seven accidentals; MIDI has no key signature for it")
    if key.mode == "minor":
        return f"{key.tonic}m"
    return Key.from_signature(key.signature, "major").tonic
