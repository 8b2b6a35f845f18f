"""A song's tempo, meters, keys and markers from the events of a Standard MIDI File, and back.

Works on plain (tick, kind, values) events; the caller reads and writes the file. MIDI stores tempo as whole
microseconds per quarter note, so reading is exact and writing approximate; see `song_map_events`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from daw_protocol.timeline.bar_grid import MeterChange, on_bar_lines
from daw_protocol.timeline.exact_number import check_int, check_range, exact, to_text
from daw_protocol.timeline.key import Key
from daw_protocol.timeline.meter import Meter
from daw_protocol.timeline.tempo_map import TempoMap
from daw_protocol.timeline.tempo_point import TempoPoint

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

SongEvent = tuple[int, str, tuple[int | str, ...]]


@dataclass(frozen=True)
class SongMap:
    """A tempo map with keys and markers, each a (quarter, value) pair in ascending order.

    Raises TypeError for wrong types, ValueError for entries that do not ascend.
    """

    tempo_map: TempoMap
    keys: tuple[tuple[Fraction, Key], ...] = ()
    markers: tuple[tuple[Fraction, str], ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.tempo_map, TempoMap):
            raise TypeError(f"tempo_map must be a TempoMap, got {self.tempo_map!r}")
        _check_places("keys", self.keys, Key)
        _check_places("markers", self.markers, str)


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
) -> SongMap:
    """The song described by a MIDI file's (tick, kind, values) events; kinds as in SONG_MAP_KINDS.

    Events may come in any order; of several tempos, meters or keys at one tick the last one wins, while all markers
    stay. Without a tempo or meter at tick 0 the file starts at 120 and in 4/4. A meter inside a bar ends that bar
    early. Tick 0 is `offset` seconds after the timeline's zero.

    Raises TypeError for wrong types; ValueError for a file in SMPTE frames, an unknown kind of event, and
    values out of range, naming the tick.
    """
    check_division(ticks_per_quarter)
    tempos, meters, keys = {0: DEFAULT_BPM}, dict[int, Meter](), dict[int, Key]()
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
        except (TypeError, ValueError) as error:
            raise type(error)(f"MIDI event at tick {tick}: {error}") from error

    def quarter(tick: int) -> Fraction:
        return Fraction(tick, ticks_per_quarter)

    tempo_map = TempoMap(
        tuple(TempoPoint(quarter(tick), bpm) for tick, bpm in sorted(tempos.items())),
        on_bar_lines(MeterChange(quarter(tick), meters[tick]) for tick in sorted(meters)),
        offset,
        first_bar,
    )
    return SongMap(
        tempo_map,
        tuple((quarter(tick), keys[tick]) for tick in sorted(keys)),
        tuple((quarter(tick), text) for tick, text in sorted(markers, key=lambda marker: marker[0])),
    )


def check_division(ticks_per_quarter: int) -> None:
    """Raises ValueError unless a MIDI file's division counts ticks per quarter note, 1 to 32,767."""
    if isinstance(ticks_per_quarter, int) and not 0 <= ticks_per_quarter <= MAX_TICKS_PER_QUARTER:
        raise ValueError(
            f"the MIDI file counts time in SMPTE frames (division {ticks_per_quarter}), so it has no tempo map; "
            "export it with ticks per quarter note"
        )
    check_int("ticks_per_quarter", ticks_per_quarter, 1, MAX_TICKS_PER_QUARTER)


def _bpm(values: tuple[int | str, ...]) -> Fraction:
    (microseconds,) = _counted(values, 1)
    check_int("set_tempo", microseconds, 1, 0xFFFFFF)
    bpm = Fraction(MICROSECONDS_PER_MINUTE, int(microseconds))
    check_range("bpm", bpm, 5, 1000)
    return bpm


def _meter(values: tuple[int | str, ...]) -> Meter:
    # Files carry two more values, for the metronome click.
    numerator, denominator = _counted(values[:2], 2)
    check_int("numerator", numerator, 1, 255)
    check_int("denominator", denominator, 1, 2**16)
    return Meter(int(numerator), int(denominator))


def _text(values: tuple[int | str, ...]) -> str:
    (text,) = _counted(values, 1)
    if not isinstance(text, str):
        raise TypeError(f"expected text, got {text!r}")
    return text


def _counted(values: tuple[int | str, ...], count: int) -> tuple[int | str, ...]:
    if len(values) != count:
        raise ValueError(f"expected {count} value{'s' * (count > 1)}, got {len(values)}")
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
