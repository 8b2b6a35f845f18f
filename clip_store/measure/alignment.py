"""The measurements behind a take's receipt: is it where it should be, and is nothing else changed?

Everything is measured on audio given by the caller, who reads it back from the files that were written. The
figures are facts about the files; `problems` says in words which of them a producer should know.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_store.audio.audio import Audio, Samples
from clip_store.likeness import correlation
from clip_store.measure.assembled import Assembled
from clip_store.measure.drift import OnsetDrift, onset_drift
from clip_store.measure.gain_match import NEIGHBOUR_SECONDS, SILENCE_LUFS, mean_loudness
from clip_store.measure.seams import Seam, measure_seams
from clip_store.measure.texture import TextureChange, measure_changes
from clip_store.splice import stretch
from daw_protocol.timeline.span import Span
from model.dsp.loudness import integrated, peak_db
from model.dsp.offset import is_quiet

SILENT_PEAK_DB = -80.0
"""A take whose highest sample lies below this is silence."""

_LOUD_STEP_LU = 6.0
_LATE_MS = 20.0

BESIDE_SECONDS = 20.0
"""How far from the region the song's own drift is looked for where the region was empty, in seconds."""
_LEAST_CONTEXT = 4.0
_LEAST_SETTLED = 1.0
"""Seconds after a swell that are long enough for a loudness."""

_CONTEXT_SECONDS = 0.1
"""How much of the song is analysed on both sides, to distinguish a note at the edge from a sound that goes on."""


@dataclass(frozen=True)
class Alignment:
    """What was measured on a written take.

    position, length: of the region, in samples from the old song's first.
    exact:            the clip has that length and lies, bit for bit, at that position of the new song.
    outside_identical: the song outside the region is the same, bit for bit.
    changed, max_difference, correlation: of the inside against what it replaces.
    peak_db:          highest sample.
    clipped, clipped_before: samples at full scale in the take and in what it replaces.
    inside_lufs, replaced_lufs, neighbours_lufs: BS.1770 loudness, -inf for silence.
    reference_lufs:   what the inside ought to be as loud as, where the caller or the engine knows better.
    settled_lufs:     loudness of what follows a swell, if there is one; -inf where that is too short to tell.
    onsets, replaced_onsets: drift against the grid; None when it cannot be measured.
    beside_onsets: the song's own drift before the region, where nothing in it shows it: a gap, a continuation.
    joins, changes:   what was measured at the joins inside the take.
    """

    position: int
    length: int
    exact: bool
    outside_identical: bool
    changed: bool
    max_difference: float
    correlation: float
    finite: bool
    silent: bool
    peak_db: float
    clipped: int
    clipped_before: int
    inside_lufs: float
    replaced_lufs: float
    neighbours_lufs: float
    seams: tuple[Seam, ...]
    onsets: OnsetDrift | None
    replaced_onsets: OnsetDrift | None
    reference_lufs: float | None = None
    settled_lufs: float | None = None
    beside_onsets: OnsetDrift | None = None
    joins: tuple[Seam, ...] = ()
    changes: tuple[TextureChange, ...] = ()

    def problems(self) -> tuple[str, ...]:
        """What a producer should know before using the take; empty when all is well."""
        return (*self._faults(), *self._warnings())

    def _faults(self) -> tuple[str, ...]:
        """Broken promises."""
        found = {
            "The clip does not lie exactly on its region.": not self.exact,
            "The song outside the region has changed.": not self.outside_identical,
            "The inside of the region has not changed.": not self.changed,
            "The take holds values that are not numbers.": not self.finite,
            "The take is silent.": self.silent,
            f"The take clips: {self.clipped} samples are at full scale.": self.clipped > self.clipped_before,
        }
        return tuple(sentence for sentence, broken in found.items() if broken)

    def _warnings(self) -> tuple[str, ...]:
        """Things to listen to."""
        sentences = [sentence for seam in (*self.seams, *self.joins) for sentence in about_seam(seam)]
        sentences += [sentence for change in self.changes for sentence in about_change(change)]
        if self.reference_lufs is not None:
            other, was = "the song", self.reference_lufs
        elif self.replaced_lufs > SILENCE_LUFS:
            other, was = "the passage it replaces", self.replaced_lufs
        else:
            other, was = "its neighbours", self.neighbours_lufs
        step = (self.inside_lufs if self.settled_lufs is None else self.settled_lufs) - was
        if math.isfinite(step) and abs(step) > _LOUD_STEP_LU:
            sentences.append(
                f"The take is {abs(step):.1f} LU {'louder' if step > 0 else 'quieter'} than {other}."
            )
        return (*sentences, *self._timing())

    def _timing(self) -> tuple[str, ...]:
        if self.onsets is None:
            return ()
        own = self.replaced_onsets or self.beside_onsets
        usual = 0.0 if own is None else own.median_ms
        if self.onsets.median_ms <= usual + _LATE_MS:
            return ()
        return (f"Notes lie {self.onsets.median_ms:.0f} ms off the grid (median).",)


_NOT_SAID = Assembled()


def measure(
    song: Audio,
    spliced: Audio,
    clip: Audio,
    region: Span,
    fades: tuple[int, int],
    grid_samples: Sequence[int] | None = None,
    reference_lufs: float | None = None,
    assembled: Assembled = _NOT_SAID,
    bar_lines: Sequence[int] = (),
) -> Alignment:
    """Measure a splice on what was written: the old song, the new song and the clip, read back.

    region:       in samples from the old song's first.
    fades:        lengths of the crossfades at its start and end.
    grid_samples: the 16th lines in and around the region and BESIDE_SECONDS beside it, ascending, in samples from
                  the old song's first.
    assembled:    how the inside was put together from the song's own sound, where the engine says so.
    bar_lines:    of the song, likewise: what its seams and joins are ranked among.
    reference_lufs: how loud the inside ought to be, where neither what it replaces nor its neighbours show it: a
                  song that goes on after its last chord has rung out. What the engine says of that counts more.
    """
    old, new = stretch(song, region), clip.samples
    lead = max(0, -region.start)
    before, after = _outside(song, spliced, region, lead)
    same_shape = new.shape == old.shape
    difference = float(np.abs(new - old).max(initial=0.0)) if same_shape else math.inf
    highest = _highest(song)
    replaced = _drift(song, region, grid_samples)
    edges, joins = _edges(song, region, fades), assembled.inside(region.start)
    entry, between, leave = assembled.meeting()
    shifts = [*(entry if edge == region.start else leave for edge, _ in edges), *between]
    steps = measure_seams(song, spliced, lead, [*edges, *joins], bar_lines, shifts)
    identical = (
        len(before) == len(after) and all(map(_same, before, after)) and _gap_is_silent(song, spliced, region)
    )
    return Alignment(
        position=region.start,
        length=clip.frames,
        exact=_lies_exactly(spliced, clip, region, lead),
        outside_identical=identical,
        changed=difference > 0.0,
        max_difference=difference,
        correlation=correlation(old, new, song.rate) if same_shape else 0.0,
        finite=bool(np.isfinite(new).all()),
        silent=is_silent(new, song.rate),
        peak_db=peak_db(new),
        clipped=_clipped(new, highest),
        clipped_before=_clipped(old, highest),
        inside_lufs=integrated(new, song.rate),
        replaced_lufs=integrated(old, song.rate),
        neighbours_lufs=_neighbours(song, region),
        seams=steps[: len(edges)],
        onsets=_drift(spliced, region, grid_samples, lead),
        replaced_onsets=replaced,
        reference_lufs=reference_lufs if assembled.wanted_lufs is None else assembled.wanted_lufs,
        settled_lufs=_settled(new, song.rate, assembled.swell),
        beside_onsets=None if replaced else _drift(song, _beside(song, region), grid_samples),
        joins=steps[len(edges) :],
        changes=measure_changes(song, spliced, lead, [end for _, end in joins], bar_lines),
    )


def _beside(song: Audio, region: Span) -> Span:
    """The stretch of the song before the region, at least as long within bounds; behind one at the song's start."""
    length = min(max(region.length, round(_LEAST_CONTEXT * song.rate)), round(BESIDE_SECONDS * song.rate))
    if region.start > 0:
        end = min(region.start, song.frames)
        return Span(max(end - length, 0), end)
    start = min(max(region.end, 0), song.frames)
    return Span(start, min(start + length, song.frames))


def _outside(song: Audio, spliced: Audio, region: Span, lead: int) -> tuple[list[Samples], list[Samples]]:
    """The song before and behind the region, in the old and in the new song."""
    start, end = (min(max(0, edge), song.frames) for edge in (region.start, region.end))
    parts = (slice(0, start), slice(end, song.frames))
    old = [song.samples[part] for part in parts]
    new = [spliced.samples[part.start + lead : part.stop + lead] for part in parts]
    return old, new


def _gap_is_silent(song: Audio, spliced: Audio, region: Span) -> bool:
    """Between a song and a region that does not touch it nothing may sound, and nothing may follow both."""
    lead = max(0, -region.start)
    gap = spliced.samples[lead + song.frames : lead + max(song.frames, region.start)]
    front = spliced.samples[region.length : lead]  # empty when the region reaches the song
    length_fits = spliced.frames == lead + max(song.frames, region.end)
    return length_fits and not gap.any() and not front.any()


def _lies_exactly(spliced: Audio, clip: Audio, region: Span, lead: int) -> bool:
    start = region.start + lead
    return clip.frames == region.length and _same(
        spliced.samples[start : start + region.length], clip.samples
    )


def _same(one: Samples, other: Samples) -> bool:
    """Equal bit by bit: by value, with the sign of zero."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    kind = np.dtype(f"u{one.dtype.itemsize}")
    return bool(np.array_equal(one.view(kind), other.view(kind)))


def _highest(song: Audio) -> float:
    """The value from which on a sample counts as clipped.

    The largest that the encoding has on either side. Floats have none: 1 is what will clip when they are played, unless
    the song was louder than that before: then it is mixed with its level to be set later, and nothing clips.
    """
    if not song.encoding.is_float:
        return 1.0 - 1.0 / song.encoding.full_scale
    return math.inf if np.abs(song.samples).max(initial=0.0) > 1.0 else 1.0


def _clipped(samples: Samples, highest: float) -> int:
    return int(np.count_nonzero(np.abs(samples) >= highest))


def is_silent(samples: Samples, rate: int) -> bool:
    """Whether nothing in [frames, channels] is louder than SILENT_PEAK_DB, an offset aside, steady or drifting."""
    return is_quiet(samples, rate, 10 ** (SILENT_PEAK_DB / 20))


def _settled(inside: Samples, rate: int, swell: int) -> float | None:
    """Loudness of what follows the first `swell` samples; None if nothing swells, -inf if too little follows."""
    if swell == 0:
        return None
    rest = inside[swell:]
    return integrated(rest, rate) if len(rest) >= _LEAST_SETTLED * rate else -math.inf


def _neighbours(song: Audio, region: Span) -> float:
    """Loudness of what stands on both sides of the region, taken together."""
    reach = round(NEIGHBOUR_SECONDS * song.rate)
    whole = Span(0, song.frames)
    sides = [Span(region.start - reach, region.start), Span(region.end, region.end + reach)]
    parts = [stretch(song, side.clipped(whole)) for side in sides]
    return mean_loudness(integrated(part, song.rate) for part in parts)


def _edges(song: Audio, region: Span, fades: tuple[int, int]) -> list[tuple[int, int]]:
    """(edge, inner end of its crossfade) of each side that touches the song."""
    edges = []
    if 0 < region.start <= song.frames:
        edges.append((region.start, region.start + fades[0]))
    if 0 <= region.end < song.frames:
        edges.append((region.end, region.end - fades[1]))
    return edges


def _drift(song: Audio, region: Span, grid: Sequence[int] | None, lead: int = 0) -> OnsetDrift | None:
    """Drift inside the region of a song that grew by `lead` samples at its front; grid as `measure` has it."""
    if grid is None:
        return None
    margin = round(_CONTEXT_SECONDS * song.rate)
    analysed = region.grown(margin, margin)
    samples = stretch(song, analysed.shifted(lead))
    return onset_drift(samples, song.rate, [line - analysed.start for line in grid], margin)


def about_change(change: TextureChange) -> tuple[str, ...]:
    """What a producer should know about the arrangement at a join."""
    if not change.stands_out:
        return ()
    return (
        f"The arrangement changes at sample {change.position} (by {change.decibels:.0f} dB on average), more than at "
        "the song's own bar lines.",
    )


def about_seam(seam: Seam) -> tuple[str, ...]:
    place = f"at sample {seam.position}"
    found = {
        f"There may be a click {place}.": seam.click.stands_out,
        f"The level jumps {seam.level.value:.1f} dB {place}, more than the song does.": seam.level.stands_out,
        f"The sound changes abruptly {place}, more than the song does.": seam.spectrum.stands_out,
    }
    return tuple(sentence for sentence, stands_out in found.items() if stands_out)
