"""Stems of a region: the stems a producer requested, cut from the separated song, with an honest report."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.engine import OnProgress, Piece, Rendered, RenderRequest, Report, Samples, ShouldStop, Song
from model.errors import CannotRender
from model.sketch.separation.ratio_mask import remainder
from model.sketch.separation.separation import Stems, energy, separate
from model.sketch.separation.separation_parameters import STEM_NAMES
from model.stem_notes import bleed_notes

CONTEXT_SECONDS = 10.0
"""Audio used on each side of the region: enough to distinguish a singer from a chord; more only takes longer."""

RESIDUAL = "residual"
"""Name of the piece with what remains of the source after the delivered stems."""

LEAST_HEARD = 1e-5
"""Of the source's energy, 50 dB below it: a stem with less holds nothing whose bleed anybody would hear."""

METHOD = (
    "Sketch: separated without a neural network (drums by harmonic-percussive medians, bass and voice by pitch "
    "tracking, then a ratio mask); the stems sum to the source."
)
QUALITY_NOTE = (
    "Sketch stems are good enough as guides and for karaoke, with some bleed and softened transients."
)
NO_VOCAL_NOTE = "No vocal was found; anything that sounded like one is in the other stem."


def render(request: RenderRequest, progress: OnProgress, should_stop: ShouldStop) -> Iterator[Rendered]:
    """Yields one Piece per requested stem over [start, end), the residual (unless all were requested) and a Report.

    Raises CannotRender for invalid samples; RenderStopped on cancellation.
    """
    song = request.required_song
    if not np.isfinite(song.samples[request.start : request.end]).all():
        raise CannotRender(
            "The region contains invalid samples (NaN or infinity).", "Bounce the source again."
        )
    wanted = requested_stems(request.stems)
    first, last = span_with_context(request, song)
    stems = separate(song.samples[first:last], song.rate, progress, should_stop)
    region = slice(request.start - first, request.end - first)
    delivered = {stem: np.ascontiguousarray(stems.named(stem)[region]) for stem in wanted}
    source = song.samples[request.start : request.end]
    if "other" in delivered:
        # Recomputed from the delivered stems, so that no rounding error of a block crossfade remains.
        delivered["other"] = remainder(source, *(stems.named(stem)[region] for stem in STEM_NAMES[:-1]))
    for stem, audio in delivered.items():
        yield Piece(stem, request.start, audio)
    if set(wanted) != set(STEM_NAMES):
        yield Piece(RESIDUAL, request.start, remainder(source, *delivered.values()))
    yield report(stems, delivered, source)


def requested_stems(names: tuple[str, ...]) -> tuple[str, ...]:
    """The stems to deliver, each once, in the order requested; all if none is named."""
    assert set(names) <= set(STEM_NAMES), names
    return tuple(dict.fromkeys(names)) or STEM_NAMES


def span_with_context(request: RenderRequest, song: Song) -> tuple[int, int]:
    """Frames of the song to separate: the region and its context."""
    assert 0 <= request.start < request.end <= song.frames, (request.start, request.end, song.frames)
    seconds = (
        CONTEXT_SECONDS if request.context_seconds is None else min(request.context_seconds, CONTEXT_SECONDS)
    )
    context = int(max(seconds, 0.0) * song.rate)
    return max(request.start - context, 0), min(request.end + context, song.frames)


def report(stems: Stems, delivered: dict[str, Samples], source: Samples) -> Report:
    """The method, the measurements and the notes."""
    whole = max(energy(source), 1e-20)
    figures = {
        "share": {stem: round(energy(audio) / whole, 4) for stem, audio in delivered.items()},
        "confidence": {stem: round(stems.confidence.get(stem, 0.0), 3) for stem in delivered},
        "vocal_share": round(stems.vocal_share, 4),
        "vocal_movement_db": round(stems.evidence.movement, 1),
        "vocal_gliding": round(stems.evidence.gliding, 3),
        "has_vocal": stems.has_vocal,
    }
    heard = {
        stem: stems.confidence.get(stem, 0.0)
        for stem, audio in delivered.items()
        if energy(audio) > LEAST_HEARD * whole
    }
    none = () if stems.has_vocal else (NO_VOCAL_NOTE,)
    return Report(METHOD, figures, (QUALITY_NOTE, *none, *bleed_notes(heard)))
