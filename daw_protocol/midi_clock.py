"""Tempo and song position out of MIDI clock: 24 clocks to the quarter note, start, stop, continue, song position.

MIDI clock carries no time, only moments, and those arrive late by what the driver, the cable and the machine add:
around a millisecond, now and then ten. A straight line through the last moments, without those far off it, gives the
tempo; how far the rest lie from it is the jitter. Pure: moments are handed in. MIDI 1.0 Detailed Specification,
"System Real Time Messages" and "Song Position Pointer".
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections import deque
from dataclasses import dataclass
from fractions import Fraction

from daw_protocol.song_position import CLOCKS_PER_QUARTER, SongPosition

# Two quarters: short enough to follow a ramp within a beat. While they agree with what was before, up to eight
# quarters are averaged, which makes the error eight times smaller.
SHORT = 48
LONG = 192
FIRST_READING = 24
# So many clocks in a row settle it: some were lost (all come late by a whole clock), or the tempo has jumped (all
# are longer or shorter by more than JUMP) and what was before tells nothing any more.
SURE_CLOCKS = 6
JUMP = 0.03
BURST = 0.2
# Delays are no bell curve: they have a long tail on one side. Only what lies far out in it is left out.
OUTLIER = 5.0
# A gap of more than this is a clock that stopped and started again. 5 BPM has 0.5 s between clocks.
GAP_SECONDS = 0.6
MAX_LOST = 4
# Tempos in projects are mostly whole numbers: one within the reading's own uncertainty is taken to be meant.
SNAP_ERRORS = 3.0
NEWS_ERRORS = 4.0
# Neighbouring clocks are late together, by the same audio period: they tell less than as many independent ones.
CORRELATED = 2.0
SNAP_MOST = 0.15  # BPM
MIN_CHANGE = 0.05  # BPM
SLOWEST, FASTEST = 5.0, 1000.0


@dataclass(frozen=True)
class ClockReading:
    """bpm: quarter notes a minute, as measured; error: its standard error in BPM; jitter_ms: standard deviation of
    the clocks from an even row; lost: clocks that did not arrive, counted from the start;
    clocks: how many this was read from."""

    bpm: float
    error: float
    jitter_ms: float
    lost: int
    clocks: int = LONG


@dataclass(frozen=True)
class TempoMeant:
    """The clock's tempo has become another. bpm: rounded to what is likely meant; reading: what was measured."""

    bpm: float
    reading: ClockReading


@dataclass(frozen=True)
class SongMoved:
    """Where the song is, in quarter notes from its start, and whether it goes on from there."""

    quarters: Fraction
    rolling: bool


class ClockTempo:
    """The tempo of a row of clocks."""

    def __init__(self) -> None:
        self._moments: deque[tuple[int, float]] = deque(maxlen=LONG)
        self._lost = 0

    def clock(self, seconds: float) -> None:
        """One clock came at this moment of any steady clock of the machine."""
        if self._moments and not 0 <= seconds - self._moments[-1][1] <= GAP_SECONDS:
            self._moments.clear()
        self._moments.append((self._moments[-1][0] + 1 if self._moments else 0, seconds))
        if len(self._moments) < FIRST_READING:
            return
        moments = list(self._moments)[-SHORT:]
        before, latest = moments[:-SURE_CLOCKS], moments[-SURE_CLOCKS:]
        line = Line.through(before)
        if lost := _lost(line, latest):
            self._lost += lost
            latest = [(count + lost, at) for count, at in latest]
            self._moments = deque([*list(self._moments)[:-SURE_CLOCKS], *latest], LONG)
        elif _jumped(line, moments[-SURE_CLOCKS - 1 :]):
            self._moments = deque(latest, LONG)

    def reading(self) -> ClockReading | None:
        """The tempo now; None until a quarter note has gone by."""
        if len(self._moments) < FIRST_READING:
            return None
        moments = list(self._moments)
        short = self._read(moments[-SHORT:])
        if short is None or len(moments) < 2 * SHORT:
            return short
        long = self._read(moments)
        if long is not None and abs(long.bpm - short.bpm) <= NEWS_ERRORS * short.error + 1e-6:
            return long
        self._moments = deque(moments[-SHORT:], LONG)  # it moves: what was before is another tempo
        return short

    def _read(self, moments: list[tuple[int, float]]) -> ClockReading | None:
        rough = Line.through(moments)
        off = [abs(rough.distance(moment)) for moment in moments]
        limit = max(OUTLIER * 1.4826 * statistics.median(off), 1e-6)
        kept = [moment for moment, far in zip(moments, off, strict=True) if far <= limit]
        counts, times = zip(*kept, strict=True)
        period, start = statistics.linear_regression(counts, times)
        line = Line(period, start)
        jitter = math.sqrt(statistics.fmean(line.distance(moment) ** 2 for moment in kept))
        middle = statistics.fmean(counts)
        breadth = math.sqrt(sum((count - middle) ** 2 for count in counts))
        bpm = 60.0 / (period * CLOCKS_PER_QUARTER)
        if not SLOWEST <= bpm <= FASTEST:
            return None
        error = CORRELATED * bpm * jitter / breadth / period
        return ClockReading(bpm, error, jitter * 1000.0, self._lost, len(moments))


@dataclass(frozen=True)
class Line:
    """Clocks as they should come: period seconds apart, number 0 at `start`."""

    period: float
    start: float

    @staticmethod
    def through(moments: list[tuple[int, float]]) -> Line:
        """A line that a quarter of the moments may be far off: the median of slopes half the row apart."""
        half = len(moments) // 2
        pairs = zip(moments, moments[half:], strict=False)
        period = statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs)
        return Line(period, statistics.median(at - period * count for count, at in moments))

    def distance(self, moment: tuple[int, float]) -> float:
        """Seconds by which a moment comes late."""
        return moment[1] - self.start - self.period * moment[0]


def _lost(line: Line, latest: list[tuple[int, float]]) -> int:
    """How many clocks are missing: all the latest come late by the same whole number of clocks. One that is only
    late is followed by others in time."""
    if line.period <= 0:
        return 0
    behind = [line.distance(moment) / line.period for moment in latest]
    lost = round(statistics.median(behind))
    return lost if 1 <= lost <= MAX_LOST and all(abs(entry - lost) < 0.25 for entry in behind) else 0


def _jumped(line: Line, latest: list[tuple[int, float]]) -> bool:
    """Whether every one of the latest steps is longer, or every one shorter, than the line's by more than JUMP."""
    steps = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(latest)]
    if any(step < BURST * line.period for step in steps):
        return False  # clocks that waited somewhere and now come all at once
    ratios = [step / line.period - 1 for step in steps]
    return all(ratio > JUMP for ratio in ratios) or all(ratio < -JUMP for ratio in ratios)


class ClockFollower:
    """What a DAW's MIDI clock says, as changes of tempo and position."""

    def __init__(self) -> None:
        self._tempo = ClockTempo()
        self._told: float | None = None
        self._song = SongPosition()

    @property
    def rolling(self) -> bool:
        """Whether the DAW plays, by what it said last."""
        return self._song.rolling

    def reading(self) -> ClockReading | None:
        return self._tempo.reading()

    def clock(self, seconds: float) -> list[TempoMeant | SongMoved]:
        """One clock; the song's position is told once a quarter note."""
        self._tempo.clock(seconds)
        found: list[TempoMeant | SongMoved] = []
        reading = self._tempo.reading()
        if reading is not None and (tempo := self._news(reading)) is not None:
            self._told = tempo
            found.append(TempoMeant(tempo, reading))
        quarters = self._song.clock()
        if quarters is not None and quarters.denominator == 1:
            found.append(SongMoved(quarters, rolling=True))
        return found

    def start(self) -> list[TempoMeant | SongMoved]:
        """From the song's beginning."""
        self._song.start()
        return self._moved()

    def go_on(self) -> list[TempoMeant | SongMoved]:
        """From where it is (MIDI's "continue")."""
        self._song.go_on()
        return self._moved()

    def stop(self) -> list[TempoMeant | SongMoved]:
        self._song.stop()
        return self._moved()

    def song_position(self, sixteenths: int) -> list[TempoMeant | SongMoved]:
        """Elsewhere; sixteenths from the song's beginning."""
        self._song.locate(sixteenths)
        return self._moved()

    def _moved(self) -> list[TempoMeant | SongMoved]:
        return [SongMoved(self._song.quarters, self._song.rolling)]

    def _news(self, reading: ClockReading) -> float | None:
        """The tempo to tell, when it is another than was told."""
        meant = snapped(reading)
        jumped = self._told is not None and abs(meant / self._told - 1) > JUMP
        if reading.clocks < SHORT and not jumped:
            return None
        if self._told is None:
            return meant
        return meant if abs(meant - self._told) > max(MIN_CHANGE, NEWS_ERRORS * reading.error) else None


def snapped(reading: ClockReading) -> float:
    """The tempo that is probably meant: a whole number within the uncertainty, or else hundredths."""
    whole = float(round(reading.bpm))
    near = min(SNAP_MOST, SNAP_ERRORS * reading.error)
    return whole if abs(reading.bpm - whole) <= max(near, 0.005) else round(reading.bpm, 2)
