"""The alignment receipt of each clip: what clip_store measured, in the protocol's words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bridge_server.rendering.plan import Plan
from clip_store.audio.audio import Audio
from clip_store.measure.alignment import BESIDE_SECONDS, SILENT_PEAK_DB, Alignment, is_silent, measure
from clip_store.measure.assembled import Assembled
from clip_store.measure.gain_match import GainMatch, Target
from clip_store.measure.seams import rank_together
from clip_store.splice import Spliced, stretch
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.receipt import Receipt
from daw_protocol.recipe import HeardSong
from daw_protocol.song_receipt import SongReceipt
from daw_protocol.timeline import Span
from model.dsp.loudness import integrated, peak_db
from model.engine import Report

# float32 stems of full-scale music carry rounding of about 6e-8 each; a dozen of them stay far below this.
MAX_SUM_ERROR = 1e-6

_MOST = 2**53

LEAST_SECONDS = 1.0
"""A song below this has no bar that could be followed; where it gives nothing, no seed helps."""


def for_splice(
    plan: Plan,
    song: Audio,
    whole: Audio,
    clip: Audio,
    result: Spliced,
    level: GainMatch | None,
    assembled: Assembled,
) -> Receipt:
    """The receipt of a clip that takes the region's place.

    clip: as it was read back from the disk. whole: the song as it is put together with that clip.
    assembled: as the engine reported it.

    Raises ProtocolError when the render did nothing: a take that equals the original is no take.
    """
    region = plan.region_in_song
    aim = reference(level) if region.end >= song.frames else None
    grid = plan.grid_samples(BESIDE_SECONDS)
    found = measure(song, whole, clip, region, result.fades, grid, aim, assembled, plan.bar_lines())
    if found.silent:
        raise silence(song, region)
    if not found.changed:
        raise ProtocolError(
            ErrorCode.RENDER_REJECTED,
            "The render is identical to the original.",
            "Raise strength or use another seed.",
        )
    drift = found.onsets
    return Receipt(
        position=plan.region.start,
        length=clip.frames,
        rate=clip.rate,
        encoding=clip.encoding.value,
        exact=found.exact,
        outside_identical=found.outside_identical,
        crossfade_in=result.fade_in.length,
        crossfade_out=result.fade_out.length,
        changed=finite(found.max_difference),  # infinite where the lengths differ
        correlation=found.correlation,
        peak_db=finite(found.peak_db),
        clipped=result.clipped,
        loudness_lufs=finite(found.inside_lufs),
        reference_lufs=reference(level) if assembled.wanted_lufs is None else finite(assembled.wanted_lufs),
        gain_db=round(level.gain_db, 3) if level else 0.0,
        **seam_figures(found, region.start),
        joins=len(found.joins) or None,
        drift_median_ms=drift.median_ms if drift else None,
        drift_p90_ms=drift.p90_ms if drift else None,
        onsets=drift.count if drift else None,
        warnings=found.problems(),
    )


def silence(song: Audio | None, region: Span) -> ProtocolError:
    """Why a silent render is no take. region: in samples from the song's first."""
    if song is not None and is_silent(song.samples, song.rate):
        return ProtocolError(
            ErrorCode.RENDER_REJECTED,
            f"The song is silent: nothing in it is louder than {SILENT_PEAK_DB:g} dBFS.",
            "Check that the right track was bounced, and that it was not muted.",
            "source",
        )
    if song is not None and is_silent(stretch(song, region), song.rate):
        return ProtocolError(
            ErrorCode.RENDER_REJECTED,
            "The song is silent in this region, and so is the render.",
            "Choose a region where the song plays.",
            "start",
        )
    if song is not None and song.frames < LEAST_SECONDS * song.rate:
        return ProtocolError(
            ErrorCode.RENDER_REJECTED,
            f"The song is too short: it has {song.frames} sample{'' if song.frames == 1 else 's'} "
            f"({song.seconds:.3f} s), "
            "and the render is silent.",
            "Bounce at least a bar of it.",
            "source",
        )
    return ProtocolError(
        ErrorCode.RENDER_REJECTED, "The render is silent.", "Try another seed or a longer region."
    )


def seam_figures(found: Alignment, start: int) -> dict[str, float]:
    """Level steps at both edges, and how the worst edge and the worst join inside stand among the song's bar lines."""
    figures: dict[str, float] = {}
    for seam in found.seams:
        figures["seam_in_db" if seam.position == start else "seam_out_db"] = seam.level.value
    for name, seams in (("seam_rank", found.seams), ("join_rank", found.joins)):
        rank = rank_together(seams)
        if rank is not None:
            figures[name] = 100 * rank
    return figures


def assembled_of(report: Report) -> Assembled:
    """How a take was put together, as its engine reported it; an engine of anybody's may report anything."""
    joins, shifts = (_pairs(report.figures.get(name)) for name in ("join_samples", "source_shift_samples"))
    wanted, swell = (_number(report.figures.get(name)) for name in ("wanted_lufs", "swell_samples"))
    return Assembled(joins, shifts, wanted, max(int(swell or 0), 0))


def _number(value: object) -> float | None:
    """None for what is no number that could be measured: NaN, infinity, more samples than any array has."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST:
        return float(value)
    return None


def _pairs(value: object) -> tuple[tuple[int, int], ...]:
    """Pairs of samples; none if anything in it is not one."""
    found = []
    for pair in value if isinstance(value, list | tuple) else ():
        one, other = map(_number, pair) if isinstance(pair, list | tuple) and len(pair) == 2 else (None, None)
        if one is None or other is None:
            return ()
        found.append((int(one), int(other)))
    return tuple(found)


def for_stem(
    plan: Plan, source: Audio | None, stem: str, clip: Audio, total: NDArray[np.float64] | None
) -> Receipt:
    """The receipt of a clip that plays along with the song. total: sum of all stems, when they must make the source."""
    region = plan.region_in_song
    warnings = []
    sum_error = None
    if total is not None and source is not None:
        sum_error = float(np.abs(total - source.samples[region.start : region.end]).max(initial=0.0))
        if sum_error > MAX_SUM_ERROR:
            warnings.append(f"The stems together differ from the source by up to {sum_error:.2g}.")
    if clip.frames != plan.region.length:
        warnings.append("The clip does not have the region's length.")
    if not clip.samples.any():
        warnings.append(f"The {stem} stem is silent in this region.")
    return Receipt(
        position=plan.region.start,
        length=clip.frames,
        rate=clip.rate,
        encoding=clip.encoding.value,
        exact=clip.frames == plan.region.length,
        peak_db=finite(peak_db(clip.samples)),
        loudness_lufs=finite(integrated(clip.samples, clip.rate)),
        sum_error=sum_error,
        warnings=tuple(warnings),
    )


def with_warning(receipt: Receipt, warning: str) -> Receipt:
    """The receipt with one more warning; "": as it is."""
    return receipt.evolve(warnings=(*receipt.warnings, warning)) if warning else receipt


def reference(level: GainMatch | None) -> float | None:
    """What the clip was matched to."""
    if level is None or level.target is Target.NOTHING:
        return None
    return finite(level.replaced_lufs if level.target is Target.REPLACED else level.neighbours_lufs)


def finite(value: float) -> float | None:
    """None for silence: JSON has no infinity."""
    return value if math.isfinite(value) else None


def in_words(receipt: Receipt) -> list[str]:
    """The receipt as a producer reads it, a line a fact."""
    seconds = receipt.length / receipt.rate
    lines = [
        f"at sample {receipt.position}, {receipt.length} samples long ({seconds:.3f} s): "
        + ("exact" if receipt.exact else "NOT exact")
    ]
    if receipt.outside_identical is not None:
        lines.append("outside the region: " + ("bit-identical" if receipt.outside_identical else "CHANGED"))
    if receipt.correlation is not None:
        lines.append(f"inside: changed (likeness to the original {receipt.correlation:.2f})")
    if receipt.sum_error is not None:
        lines.append(f"all stems sum to the source within {receipt.sum_error:.1e}")
    if receipt.loudness_lufs is not None:
        matched = f", matched to {receipt.reference_lufs:.1f}" if receipt.reference_lufs is not None else ""
        lines.append(f"loudness {receipt.loudness_lufs:.1f} LUFS{matched} (gain {receipt.gain_db:+.1f} dB)")
    if receipt.seam_rank is not None:
        lines.append(
            f"seams: the larger step is at percentile {receipt.seam_rank:.0f} of the song's own bar lines"
        )
    if receipt.join_rank is not None:
        lines.append(
            f"{receipt.joins} join{'' if receipt.joins == 1 else 's'} inside: the largest step is at percentile "
            f"{receipt.join_rank:.0f} of the song's own bar lines"
        )
    if receipt.drift_median_ms is not None:
        lines.append(f"onsets off the grid: {receipt.drift_median_ms:.0f} ms median, of {receipt.onsets}")
    lines += [f"Warning: {warning}" for warning in receipt.warnings]
    return lines


def hearing_in_words(heard: HeardSong, gone: Sequence[str] = ()) -> list[str]:
    """What a take was made for. gone: the takes in it that are not accepted any more."""
    lines = [
        f"Made for the song with take{'s' if len(heard.takes) > 1 else ''} {', '.join(heard.takes)} in it."
    ]
    if gone:
        names = ", ".join(gone)
        lines.append(
            f"Warning: takes {names} are no longer accepted. Listen to its edges, or render it again."
            if len(gone) > 1
            else f"Warning: take {names} is no longer accepted. Listen to its edges, or render it again."
        )
    return lines


def song_in_words(receipt: SongReceipt) -> list[str]:
    """The receipt of a finished song as a producer reads it, a line a fact."""
    accepted = len(receipt.regions)
    lines = [
        f"{receipt.length} samples long ({receipt.length / receipt.rate:.3f} s), {receipt.encoding}; "
        + (
            "nothing accepted" if not accepted else f"{accepted} region{'s' if accepted > 1 else ''} accepted"
        ),
        "outside them: " + ("bit-identical" if receipt.outside_identical else "CHANGED"),
    ]
    for region in receipt.regions:
        takes = ", ".join(dict.fromkeys(take for take, _, _ in region.parts)) or "covered by later takes"
        line = f"at sample {region.position}, {region.length} samples: {region.task} {takes}"
        if region.correlation is not None:
            line += f", likeness to the original {region.correlation:.2f}"
        if region.seam_rank is not None:
            line += f", largest of {region.seams} seams at percentile {region.seam_rank:.0f} of the song's own steps"
        lines.append(line)
    if receipt.over:
        lines.append(f"beyond full scale, and held by the file: {receipt.over} samples")
    warnings = [*receipt.warnings, *(warning for region in receipt.regions for warning in region.warnings)]
    return [*lines, *(f"Warning: {warning}" for warning in warnings)]
