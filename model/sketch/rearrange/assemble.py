"""From a plan (runs of source beats) to audio at the song's own rate and channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from model.engine import Samples
from model.sketch import parameters as p
from model.sketch.analysis.beats import Beats
from model.sketch.rearrange import joins, steps, stretch
from model.sketch.rearrange.joins import Join, JoinChooser
from model.sketch.rearrange.layers import Material
from model.sketch.rearrange.plan import Run
from model.sketch.rearrange.tape import Delayed, Moved, Tape


@dataclass(frozen=True)
class Segment:
    """One tape from frame `start` until the next segment starts.

    attack: a note begins at `start`, so the crossfade must be short and end before it.
    room:   frames before `start` available for the crossfade: the length of the beat before.
    held:   it begins within notes, even for this song.
    shifts: how many frames later in the song its sound comes from, at its first and at its last beat.
    """

    start: int
    tape: Tape
    attack: bool
    room: int
    shifts: tuple[int, int] = (0, 0)
    held: bool = False

    def delayed(self, lag: int) -> Segment:
        """The same, playing `lag` frames later."""
        first, last = self.shifts
        return replace(self, tape=Delayed(self.tape, lag), shifts=(first - lag, last - lag))


def copyable(beats: Beats, run: Run) -> bool:
    """Whether the source's beats are spaced like the target's, so that the run can be copied unchanged."""
    along = np.arange(run.count + 1)
    source = beats.seconds[run.source + along] - beats.seconds[run.source]
    target = beats.seconds[run.target + along] - beats.seconds[run.target]
    return bool(np.abs(source - target).max() <= copy_drift(beats))


def copy_drift(beats: Beats) -> float:
    """How far (seconds) a copied run may drift from the grid: more where the players waver themselves.

    A map of live playing wavers from beat to beat by more than anyone could place a note; a metronome's does not.
    """
    lengths = np.diff(beats.seconds)[np.flatnonzero(beats.inside)]
    wavering = float(np.median(np.abs(np.diff(lengths)))) if len(lengths) > 1 else 0.0
    return float(np.clip(p.COPY_DRIFT_WAVERING * wavering, p.COPY_DRIFT_SECONDS, p.COPY_DRIFT_LIMIT_SECONDS))


def segments_of(
    runs: list[Run], beats: Beats, material: Material, rate: int, check: Callable[[], None]
) -> list[Segment]:
    """The tapes of the runs, each from the frame of its first beat."""
    return [_segment(run, beats, material, rate, check) for run in runs]


def _segment(run: Run, beats: Beats, material: Material, rate: int, check: Callable[[], None]) -> Segment:
    start = round(float(beats.seconds[run.target]) * rate)
    later = run_lateness(beats, run)
    source = round((float(beats.seconds[run.source]) - later) * rate)
    attack = beats.attack(run.source)
    held = bool(steps.held(beats, np.array([run.source]))[0] > p.START_HELD)
    begin = start + round(min(later + first_attack(beats, run), 0.0) * rate)
    room = round(float(np.diff(beats.seconds)[max(run.target - 1, 0)]) * rate)
    tape = material.moving(source, round(float(beats.seconds[run.source + run.count]) * rate))
    if copyable(beats, run):
        shift = source - start
        return Segment(begin, Delayed(tape, -shift), attack, room, (shift, shift), held)
    along = np.arange(run.count + 1)
    targets, sources = beats.seconds[run.target + along], beats.seconds[run.source + along] - later
    # Nothing was stretched further before the run: a longer crossfade would come from silence.
    room = min(room, round(p.STRETCH_MARGIN_SECONDS * rate) - round(p.JOIN_LAG_TONAL_SECONDS * rate))
    shifts = (source - start, round(float(sources[-1] - targets[-1]) * rate))
    return Segment(begin, stretch.stretched(tape, rate, sources, targets, check), attack, room, shifts, held)


def run_lateness(beats: Beats, run: Run) -> float:
    """How many seconds later a run must play for its attacks to fall where those of the beats it stands for fall.

    Players and maps of their playing do not agree to the millisecond. 0 where fewer than half of the beats show it, and
    where the tempo is steady: there notes beside the beat are meant to be.
    """
    if copy_drift(beats) <= p.COPY_DRIFT_SECONDS:
        return 0.0
    along = np.arange(run.count)
    apart = beats.late[run.target + along] - beats.late[run.source + along]
    clear = apart[np.isfinite(apart)]
    if len(clear) == 0 or 2 * len(clear) < run.count:
        return 0.0
    return float(np.clip(np.median(clear), -p.RUN_LATENESS_SECONDS, p.RUN_LATENESS_SECONDS))


def first_attack(beats: Beats, run: Run) -> float:
    """Seconds after its first beat at which a run's first attack comes; negative if before.

    0 where none is clear, or where the tempo is steady.
    """
    late = float(beats.late[run.source])
    known = beats.attack(run.source) and np.isfinite(late) and copy_drift(beats) > p.COPY_DRIFT_SECONDS
    return late if known else 0.0


def without_slivers(segments: list[Segment], start: int, end: int, rate: int) -> list[Segment]:
    """Segments of [start, end); neighbours absorb those too short at either edge."""
    sliver = round(p.EDGE_SLIVER_SECONDS * rate)
    while len(segments) > 1 and segments[1].start - start < sliver:
        segments = segments[1:]
    while len(segments) > 1 and end - segments[-1].start < sliver:
        segments = segments[:-1]
    return segments


@dataclass(frozen=True)
class LaidAudio:
    """Audio of a whole passage, not yet joined to the song, and the joins inside it.

    attack: a note begins with its first beat.
    held:   its first beat begins within notes, even for this song (`steps.held`).
    shifts: of its segments as they were laid; none where it is not made of the song's beats.
    """

    audio: Samples
    joins: list[Join]
    attack: bool = True
    shifts: tuple[tuple[int, int], ...] = ()
    held: bool = False


def lay(
    segments: list[Segment],
    start: int,
    end: int,
    handle: int,
    chooser: JoinChooser,
    check: Callable[[], None],
) -> LaidAudio:
    """The frames [start - handle, end + handle): the segments one after another.

    The first segment also covers what comes before it, the last what comes after.
    """
    out = segments[0].tape.read(start - handle, end + handle)
    origin = start - handle
    found: list[Join] = []
    old, earliest = segments[0].tape, start
    shifts = [segments[0].shifts]
    for segment in segments[1:]:
        check()
        bound = segment.start - chooser.frames(p.JOIN_BEFORE_BEAT_SECONDS)
        earliest = max(earliest, bound - segment.room)
        options = chooser.candidates(earliest, bound, segment.attack)
        join = chooser.best(old, segment.tape, options, segment.attack)
        placed = segment.delayed(join.lag)
        new = placed.tape
        out[join.end - origin :] = new.read(join.end, end + handle)
        if join.length:
            out[join.first - origin : join.end - origin] = joins.crossfade(
                old.read(join.first, join.end), new.read(join.first, join.end)
            )
        found.append(join)
        shifts.append(placed.shifts)
        old, earliest = new, join.end
    return LaidAudio(out, found, segments[0].attack, tuple(shifts), segments[0].held)


def align_first(segments: list[Segment], original: Tape, start: int, chooser: JoinChooser) -> list[Segment]:
    """The segments, the first one shifted by the lag that best joins it to the original at `start`."""
    first = segments[0]
    length = chooser.frames(p.JOIN_LENGTHS_ATTACK[0])
    best = chooser.best(original, first.tape, [Join(start, length)], first.attack)
    return [first.delayed(best.lag), *segments[1:]]


def join_edges(
    inside: Samples,
    original: Tape,
    start: int,
    chooser: JoinChooser,
    held: tuple[bool, bool] = (False, False),
    from_silence: bool = False,
) -> tuple[Samples, list[Join]]:
    """`inside` (at `start`) crossfaded from and to the original within its own edges, and the two joins.

    held: whether notes sound on through the first and the last edge, without an attack on it: then the crossfade may be
    as long as between two runs. The last one may end a little before the edge: the next attack of the original often
    begins there already, and a few milliseconds of it are a click.
    from_silence: nothing sounds in the original where it begins: a hit there must not be faded in, held notes slowly.
    """
    end = start + len(inside)
    tape = Moved(inside, -start)
    into, out_of = (_edge_lengths(chooser, len(inside), slow) for slow in held)
    if from_silence:
        into = into[:1] if held[0] else [min(chooser.frames(p.JOIN_LENGTH_FROM_SILENCE), n) for n in into[:1]]
    if not into or not out_of:
        return inside, []
    entry = chooser.best(original, tape, [Join(start, n) for n in into], attack=not held[0])
    backs = [chooser.frames(seconds) for seconds in p.JOIN_BACK_EDGE_SECONDS]
    exits = [Join(end - n - back, n) for n in out_of for back in backs if n + back <= len(inside) // 2]
    exits = exits or [Join(end - out_of[0], out_of[0])]
    leave = chooser.best(tape, original, exits, attack=not held[1], edge=end)
    out = inside.copy()
    out[: entry.length] = joins.crossfade(original.read(start, entry.end), inside[: entry.length])
    # Reversed in time, so that the last sample inside is one step short of the original.
    first, last = leave.first - start, leave.end - start
    old, new = original.read(leave.first, leave.end)[::-1], inside[first:last][::-1]
    out[first:last] = joins.crossfade(old, new)[::-1]
    out[last:] = original.read(leave.end, end)
    return out, [entry, leave]


def _edge_lengths(chooser: JoinChooser, frames: int, held: bool) -> list[int]:
    """Lengths of a crossfade at an edge, of at most a third of the passage; the first of equally good ones is taken."""
    lengths = p.JOIN_LENGTHS_EDGE_HELD if held else p.JOIN_LENGTHS_EDGE
    found = {min(chooser.frames(seconds), frames // 3) for seconds in lengths} - {0}
    return sorted(found, reverse=held)
