"""Stems of a region: what a producer asked for, cut out of the separated song, with an honest report."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.engine import OnProgress, Piece, Rendered, RenderRequest, Report, Samples, ShouldStop, Song
from model.errors import CannotRender
from model.sketch.separation.ratio_mask import remainder
from model.sketch.separation.separation import Stems, energy, separate
from model.sketch.separation.separation_parameters import STEM_NAMES

CONTEXT_SECONDS = 10.0
"""Heard on either side of the region: enough to tell a singer from a chord; more costs time only."""

RESIDUAL = "residual"
"""Name of the piece that holds what the delivered stems leave of the source."""

METHOD = (
    "Sketch separation without a neural network: drums by harmonic-percussive medians, "
    "bass and voice by pitch lines, then a ratio mask; the stems sum to the source."
)
QUALITY_NOTE = "Sketch stems: usable as guides and for karaoke, with bleed and softened transients."
NO_VOCAL_NOTE = "No vocal found: what little sounded like one stays in the other stem."


def render(request: RenderRequest, progress: OnProgress, should_stop: ShouldStop) -> Iterator[Rendered]:
    """Yields one Piece per requested stem over [start, end), the residual if stems
    were left out, and a Report.

    Raises CannotRender for samples that are not numbers; RenderStopped.
    """
    song = request.required_song
    if not np.isfinite(song.samples[request.start : request.end]).all():
        raise CannotRender("The region contains samples that are not numbers.", "Bounce the source again.")
    wanted = requested_stems(request.stems)
    first, last = heard_span(request, song)
    stems = separate(song.samples[first:last], song.rate, progress, should_stop)
    region = slice(request.start - first, request.end - first)
    delivered = {stem: np.ascontiguousarray(stems.named(stem)[region]) for stem in wanted}
    source = song.samples[request.start : request.end]
    if "other" in delivered:
        # Computed once more from what is delivered, so that no rounding of a block's crossfade can remain.
        delivered["other"] = remainder(source, *(stems.named(stem)[region] for stem in STEM_NAMES[:-1]))
    for stem, audio in delivered.items():
        yield Piece(stem, request.start, audio)
    if set(wanted) != set(STEM_NAMES):
        yield Piece(RESIDUAL, request.start, remainder(source, *delivered.values()))
    yield report(stems, delivered, source)


def requested_stems(names: tuple[str, ...]) -> tuple[str, ...]:
    """The stems to deliver, each once, in the order asked for; all when none is named."""
    assert set(names) <= set(STEM_NAMES), names
    return tuple(dict.fromkeys(names)) or STEM_NAMES


def heard_span(request: RenderRequest, song: Song) -> tuple[int, int]:
    """Frames of the song to listen to: the region and its context."""
    assert 0 <= request.start < request.end <= song.frames, (request.start, request.end, song.frames)
    seconds = (
        CONTEXT_SECONDS if request.context_seconds is None else min(request.context_seconds, CONTEXT_SECONDS)
    )
    context = int(max(seconds, 0.0) * song.rate)
    return max(request.start - context, 0), min(request.end + context, song.frames)


def report(stems: Stems, delivered: dict[str, Samples], source: Samples) -> Report:
    """What was done and how it came out."""
    whole = max(energy(source), 1e-20)
    figures = {
        "share": {stem: round(energy(audio) / whole, 4) for stem, audio in delivered.items()},
        "confidence": {stem: round(stems.confidence.get(stem, 0.0), 3) for stem in delivered},
        "vocal_share": round(stems.vocal_share, 4),
        "vocal_movement_db": round(stems.evidence.movement, 1),
        "vocal_gliding": round(stems.evidence.gliding, 3),
        "has_vocal": stems.has_vocal,
    }
    notes = (QUALITY_NOTE,) if stems.has_vocal else (QUALITY_NOTE, NO_VOCAL_NOTE)
    return Report(METHOD, figures, notes)
