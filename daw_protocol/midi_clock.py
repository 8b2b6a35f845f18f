"""Tempo and song position from MIDI clock: 24 clocks per quarter note, start, stop, continue, song position.

MIDI clock messages carry no timestamp, and driver, cable and machine delay them: by about a millisecond, now and then
by ten. A straight line through the latest arrival times, without the outliers, gives the tempo; the residuals are the
jitter. Pure: callers pass arrival times in. MIDI 1.0 Detailed Specification, "System Real Time Messages" and "Song
Position Pointer".
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections import deque
from dataclasses import dataclass
from fractions import Fraction

from daw_protocol.song_position import CLOCKS_PER_QUARTER, SongPosition

# Two quarter notes: short enough to follow a ramp within a beat. While they agree with the clocks before, up to eight
# quarter notes are averaged, which makes the error eight times smaller.
SHORT = 48
LONG = 192
FIRST_READING = 24
# This many consecutive clocks decide: either clocks were lost (all later ones are late by a whole clock), or the tempo
# jumped (all steps are longer or shorter by more than JUMP) and the earlier clocks no longer matter.
SURE_CLOCKS = 6
JUMP = 0.03
BURST = 0.2
# Delays are not normally distributed but have a long tail on one side. Only its far end is discarded.
OUTLIER = 5.0
# After a longer gap the clock has stopped and restarted. At 5 BPM clocks are 0.5 s apart.
GAP_SECONDS = 0.6
MAX_LOST = 4
# Project tempos are mostly whole numbers: a reading snaps to one within its own uncertainty.
SNAP_ERRORS = 3.0
NEWS_ERRORS = 4.0
# Neighbouring clocks share delays (the same audio period), so they carry less information than independent ones.
CORRELATED = 2.0
SNAP_MOST = 0.15  # BPM
MIN_CHANGE = 0.05  # BPM
SLOWEST, FASTEST = 5.0, 1000.0


@dataclass(frozen=True)
class ClockReading:
    """bpm: quarter notes per minute, as measured; error: its standard error in BPM; jitter_ms: standard deviation of
    the arrival times from an even spacing; lost: clocks that never arrived, counted from the start;
    clocks: how many this reading is based on."""

    bpm: float
    error: float
    jitter_ms: float
    lost: int
    clocks: int = LONG


@dataclass(frozen=True)
class TempoMeant:
    """The clock's tempo changed. bpm: rounded to the likely project tempo; reading: the measurement."""

    bpm: float
    reading: ClockReading


@dataclass(frozen=True)
class SongMoved:
    """The song position in quarter notes from the start, and whether the transport is rolling."""

    quarters: Fraction
    rolling: bool


class ClockTempo:
    """The tempo of a stream of clocks."""

    def __init__(self) -> None:
        self._moments: deque[tuple[int, float]] = deque(maxlen=LONG)
        self._lost = 0

    def clock(self, seconds: float) -> None:
        """One clock arrived at this time, in seconds of any monotonic clock."""
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
        """The tempo now; None until a quarter note has passed."""
        if len(self._moments) < FIRST_READING:
            return None
        moments = list(self._moments)
        short = self._read(moments[-SHORT:])
        if short is None or len(moments) < 2 * SHORT:
            return short
        long = self._read(moments)
        if long is not None and abs(long.bpm - short.bpm) <= NEWS_ERRORS * short.error + 1e-6:
            return long
        self._moments = deque(moments[-SHORT:], LONG)  # the tempo moves: older clocks belong to another one
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
    """Ideal clock times: `period` seconds apart, number 0 at `start`."""

    period: float
    start: float

    @staticmethod
    def through(moments: list[tuple[int, float]]) -> Line:
        """A robust line, tolerating up to a quarter of outliers: the median of the slopes between clocks half the
        stream apart."""
        half = len(moments) // 2
        pairs = zip(moments, moments[half:], strict=False)
        period = statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs)
        return Line(period, statistics.median(at - period * count for count, at in moments))

    def distance(self, moment: tuple[int, float]) -> float:
        """Seconds by which a clock is late."""
        return moment[1] - self.start - self.period * moment[0]


def _lost(line: Line, latest: list[tuple[int, float]]) -> int:
    """How many clocks are missing: all the latest are late by the same whole number of clocks. A clock that is merely
    late is followed by punctual ones."""
    if line.period <= 0:
        return 0
    behind = [line.distance(moment) / line.period for moment in latest]
    lost = round(statistics.median(behind))
    return lost if 1 <= lost <= MAX_LOST and all(abs(entry - lost) < 0.25 for entry in behind) else 0


def _jumped(line: Line, latest: list[tuple[int, float]]) -> bool:
    """Whether every one of the latest steps is longer, or every one shorter, than the line's by more than JUMP."""
    steps = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(latest)]
    if any(step < BURST * line.period for step in steps):
        return False  # delayed clocks that arrive in a burst
    ratios = [step / line.period - 1 for step in steps]
    return all(ratio > JUMP for ratio in ratios) or all(ratio < -JUMP for ratio in ratios)


class ClockFollower:
    """Follows a DAW's MIDI clock and reports changes of tempo and position."""

    def __init__(self) -> None:
        self._tempo = ClockTempo()
        self._reported: float | None = None
        self._song = SongPosition()

    @property
    def rolling(self) -> bool:
        """Whether the DAW's transport is rolling, by its latest message."""
        return self._song.rolling

    def reading(self) -> ClockReading | None:
        return self._tempo.reading()

    def clock(self, seconds: float) -> list[TempoMeant | SongMoved]:
        """One clock, at `seconds`; reports the song position once per quarter note."""
        self._tempo.clock(seconds)
        found: list[TempoMeant | SongMoved] = []
        reading = self._tempo.reading()
        if reading is not None and (tempo := self._tempo_change(reading)) is not None:
            self._reported = tempo
            found.append(TempoMeant(tempo, reading))
        quarters = self._song.clock()
        if quarters is not None and quarters.denominator == 1:
            found.append(SongMoved(quarters, rolling=True))
        return found

    def start(self) -> list[TempoMeant | SongMoved]:
        """Start from the song's beginning."""
        self._song.start()
        return self._moved()

    def go_on(self) -> list[TempoMeant | SongMoved]:
        """Continue from the current position (MIDI's "continue")."""
        self._song.go_on()
        return self._moved()

    def stop(self) -> list[TempoMeant | SongMoved]:
        self._song.stop()
        return self._moved()

    def song_position(self, sixteenths: int) -> list[TempoMeant | SongMoved]:
        """Locate to a position, in sixteenths from the song's beginning."""
        self._song.locate(sixteenths)
        return self._moved()

    def _moved(self) -> list[TempoMeant | SongMoved]:
        return [SongMoved(self._song.quarters, self._song.rolling)]

    def _tempo_change(self, reading: ClockReading) -> float | None:
        """The tempo to report, if it differs from the last one reported."""
        meant = snapped(reading)
        jumped = self._reported is not None and abs(meant / self._reported - 1) > JUMP
        if reading.clocks < SHORT and not jumped:
            return None
        if self._reported is None:
            return meant
        return meant if abs(meant - self._reported) > max(MIN_CHANGE, NEWS_ERRORS * reading.error) else None


def snapped(reading: ClockReading) -> float:
    """The likely project tempo: a whole number within the uncertainty, else rounded to hundredths."""

    whole = float(round(reading.bpm))
    near = min(SNAP_MOST, SNAP_ERRORS * reading.error)
    return whole if abs(reading.bpm - whole) <= max(near, 0.005) else round(reading.bpm, 2)
