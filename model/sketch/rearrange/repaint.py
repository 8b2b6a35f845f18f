"""Another take of a region from the song's own beats: same position in the bar, same harmony, different audio."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.dsp import loudness
from model.engine import Rendered, RenderRequest, Report, Song
from model.pace import Pace
from model.sketch import captions
from model.sketch import parameters as p
from model.sketch.analysis import novelty
from model.sketch.analysis.analysis import Analysis
from model.sketch.captions import CaptionRequest
from model.sketch.rearrange import (
    accents,
    complete,
    layer_notes,
    layers,
    leaning,
    passage,
    plan,
    resequence,
    unmatched,
)
from model.sketch.rearrange.assemble import LaidAudio
from model.sketch.rearrange.layers import Layer, Material, SongStems, StemSong, WholeSong
from model.sketch.rearrange.passage import Passage
from model.sketch.rearrange.plan import Targets
from model.sketch.rearrange.tape import Difference, Moved, Tape
from model.sketch.separation.separation import Stems

METHOD = (
    "Sketch: another take of this passage, assembled from other beats of the same song "
    "(no neural network, no new material)."
)
METHOD_SLICES = (
    "Sketch: the same bars with their drums rearranged, eighth note by eighth note "
    "(no neural network, no new material)."
)
_WITHOUT_NETWORK, _WITH_NETWORK = "no neural network", "its layers separated by {}, a neural network"
LOOP_NOTE = "The song is an exact loop here, so the drums were rearranged instead."
LOOP_TOGETHER_NOTE = "The song is an exact loop here. For rearranged drums, render each track by itself."
SEPARABLE_CHANNELS = 2  # several tracks together have more, and are not separated


def render(request: RenderRequest, analysis: Analysis, stems: SongStems, pace: Pace) -> Iterator[Rendered]:
    """Renders a REPAINT. Raises CannotRender if too little of the song is left outside the region."""
    song = request.required_song
    asked = captions.read(captions.REPAINT, request.caption, request.layers)
    layer = _layer_named(asked.layers)
    part = passage.passage_of(request, song, analysis)
    if asked.layers == "fill":
        draft = _drums_reordered(part, stems, pace, fill=True)
        draft = replace(draft, notes=(*draft.notes, *_unmet(asked.leans)))
    else:
        passage.require_sources(part, p.MIN_SOURCE_BARS)
        draft = _other_beats(part, asked, layer, stems, pace)
    pace.at("matching the level", 0.9)
    limit = p.GAIN_LIMIT_AT_START_DB if request.start <= 0 else p.GAIN_LIMIT_DB
    finished = passage.finish(part, draft.laid, draft.original, draft.wanted_lufs, limit, draft.kept)
    yield from finished.pieces
    pace.at("rendered", 1.0)
    notes = (*notes_of(part), *draft.notes, *asked.notes())
    figures = {**draft.figures, **finished.figures, "layers": asked.layers}
    by = draft.separated_by
    yield Report(draft.method, figures, notes, weights=by, neural=bool(by))


@dataclass(frozen=True)
class TakeDraft:
    """A take before `passage.finish`.

    original: the audio its edges are joined to; kept: the layers that play on underneath, if any. separated_by: the
    network whose layers it is made of; "" = none.
    """

    laid: LaidAudio
    original: Tape
    kept: Tape | None
    wanted_lufs: float
    method: str
    figures: dict[str, Any]
    notes: tuple[str, ...] = ()
    separated_by: str = ""


def _layer_named(name: str) -> Layer | None:
    if name == "all":
        return None
    assert name in layers.LAYERS, name
    return layers.LAYERS[name]


def method_by(method: str, stems: Stems) -> str:
    """The method, where the layers may come from a network."""
    return method.replace(_WITHOUT_NETWORK, _WITH_NETWORK.format(stems.by)) if stems.by else method


def _unmet(leans: tuple[str, ...]) -> tuple[str, ...]:
    """A note where the drums were rearranged: no beats are chosen then, brighter or other ones."""
    return (f"Rearranged drums cannot be made {' and '.join(leans)}.",) if leans else ()


def _other_beats(
    part: Passage, asked: CaptionRequest, layer: Layer | None, stems: SongStems, pace: Pace
) -> TakeDraft:
    """Replaces the region's beats with other beats of the song; in exact loops it rearranges the drums instead."""
    request, song, name = part.request, part.song, asked.layers
    pace.at("choosing bars", 0.0)
    alike = correlations(part, pace)
    loops = name in ("all", "drums only") and is_exact_loop(part, alike)
    together = song.samples.shape[1] > SEPARABLE_CHANNELS
    if loops and not together:
        draft = _drums_reordered(part, stems, pace, fill=False)
        if draft.figures["drum_slices_changed"] > 0.0:
            return replace(draft, notes=(*draft.notes, LOOP_NOTE, *_unmet(asked.leans)))
    if part.region_was_silent:  # nothing to resemble: plan it as a gap
        path = complete.choose_beats(part, complete.standing_of(part), pace, asked.leans)
    else:
        path = choose_beats(part, alike, pace, name == "drums only", asked.leans)
    runs = plan.runs_of(part.targets, path)
    columns = np.searchsorted(part.sources, path)
    figures = {
        **passage.common_figures(part, runs),
        "beat_correlation": round(float(alike[np.arange(len(path)), columns].mean()), 3),
    }
    pace.at("separating layers" if layer else "joining bars", 0.4)
    material = WholeSong(song.samples) if layer is None else StemSong(stems, layer, pace)
    original, kept = _beneath(part, song, layer, material)
    laid = passage.lay_runs(part, runs, material, original, pace)
    notes = (*leaning.notes(part, path, asked.leans), *((LOOP_TOGETHER_NOTE,) if loops and together else ()))
    if not part.region_was_silent:
        notes = (*unmatched.notes(part.analysis.beats, part.targets, part.sources, path), *notes)
    method, by = METHOD, ""
    if isinstance(material, StemSong):
        found = material.stems_of(request.start, request.end)
        figures |= layer_notes.figures(found)
        method, by = method_by(method, found), found.by
        notes = (*layer_notes.notes(name, found), *notes)
        wanted = loudness.integrated(
            material.moving(request.start, request.end).read(request.start, request.end), request.rate
        )
    else:
        wanted = wanted_lufs(part)
    return TakeDraft(laid, original, kept, wanted, method, figures, notes, by)


def _beneath(part: Passage, song: Song, layer: Layer | None, material: Material) -> tuple[Tape, Tape | None]:
    """The audio the take's edges join to, and the layers that stay underneath."""
    whole = passage.original_tape(part)
    if layer is None or not layer.keeps_rest:
        return whole, None
    request = part.request
    moving = material.moving(request.start - request.handle, request.end + request.handle)
    return moving, Difference(Moved(song.samples), moving)


def _drums_reordered(part: Passage, stems: SongStems, pace: Pace, fill: bool) -> TakeDraft:
    """Rearranges the region's drums and keeps everything else; a fill leads into what follows."""
    request = part.request
    pace.at("separating layers", 0.1)
    layer = StemSong(stems, layers.LAYERS["fill"], pace)
    drums, changed = _new_drums(part, fill, layer)
    first, last = request.start - request.handle, request.end + request.handle
    old = layer.moving(first, last)
    figures = {
        "seed": request.seed,
        "take": request.take,
        "source_bars": [],
        "drum_slices_changed": round(changed, 3),
    }
    found = layer.stems_of(request.start, request.end)
    figures |= layer_notes.figures(found)
    nothing = () if changed else ("No drum hits to rearrange were found in the region.",)
    notes = (*nothing, *layer_notes.notes("fill", found))
    kept = Difference(Moved(part.song.samples), old)
    wanted = loudness.integrated(old.read(request.start, request.end), request.rate)
    laid, method = LaidAudio(drums.read(first, last), []), method_by(METHOD_SLICES, found)
    return TakeDraft(laid, old, kept, wanted, method, figures, notes, found.by)


def _new_drums(part: Passage, fill: bool, layer: StemSong) -> tuple[Tape, float]:
    """The region's drum layer with slices swapped, and the fraction that changed."""
    request, beats = part.request, part.analysis.beats
    around = np.arange(part.targets[0] - p.LOOP_AROUND_BEATS, part.targets[-1] + p.LOOP_AROUND_BEATS + 1)
    around = around[(around >= 0) & (around < len(beats))]
    around = around[beats.inside[around]]
    first, last = request.start - request.handle, request.end + request.handle
    if len(around) == 0:
        return layer.moving(first, last), 0.0
    low, high = (round(float(beats.seconds[around[k]]) * request.rate) for k in (0, -1))
    drums = layer.moving(min(first, low), max(last, high + request.rate))
    per_beat = 2 if request.grid.unit <= 4 else 1
    slices = resequence.cut_slices(drums, beats, around, per_beat, request.rate)
    region = (slices.start >= part.start_seconds - 0.01) & (slices.end <= part.end_seconds + 0.01)
    entropy = [request.seed & 0xFFFFFFFFFFFFFFFF, 3, request.take]
    chosen = resequence.choose_slices(slices, beats, region, request.strength, fill, entropy)
    changed = float(np.mean((chosen != np.arange(len(chosen)))[region])) if region.any() else 0.0
    return resequence.play_slices(drums, slices, chosen, first, last, request.rate), changed


def correlations(part: Passage, pace: Pace) -> NDArray[np.float32]:
    """Correlation of each replaced beat with each source beat at the same position in the bar, 0..1; [T, N]."""
    beats = part.analysis.beats
    same_place = beats.position[part.targets][:, None] == beats.position[part.sources][None]
    return novelty.correlations(
        part.analysis.listening.edges, beats.seconds, part.targets, part.sources, same_place, pace.check
    )


def is_exact_loop(part: Passage, alike: NDArray[np.float32]) -> bool:
    """Whether, for most beats, the only alternatives with the same harmony are copies of the same recording."""
    harmony = plan.harmony_distance(part.analysis.beats, part.targets, part.sources)
    fitting = (alike > 0.0) & (harmony < p.LOOP_HARMONY)
    copies = fitting & (alike > p.LOOP_COPY)
    only_copies = copies.any(axis=1) & ~(fitting & ~copies).any(axis=1)
    return bool(only_copies.mean() >= p.LOOP_SHARE)


def choose_beats(
    part: Passage,
    alike: NDArray[np.float32],
    pace: Pace,
    drums_only: bool = False,
    leans: tuple[str, ...] = (),
) -> NDArray[np.intp]:
    """Source beat for each target beat; [T]."""
    beats, request = part.analysis.beats, part.request
    targets = Targets(part.targets, part.targets)
    level_cost = p.LEVEL_COST_AT_START if request.start <= 0 else p.LEVEL_COST
    harmony_cost = 0.0 if drums_only else p.HARMONY_COST
    unary = (
        plan.place_costs(beats, targets, part.sources)
        + plan.likeness_costs(
            beats, targets, part.sources, level_cost, harmony_cost, leaning.texture_cost(leans)
        )
        + plan.similarity_costs(alike, request.strength)
        + plan.texture_costs(beats, targets, part.sources, part.around)
        + plan.noise_costs(beats, targets, part.sources, request.seed)
        + leaning.costs(part, leans)
    )
    pace.check()
    entry, leave = plan.edge_costs(beats, part.sources, part.around)
    unary[0] += entry
    unary[-1] += leave
    pace.check()
    jump = plan.jump_costs(beats, part.sources, pace.check)
    pace.check()
    entering = p.ACCENT_COST * accents.added(beats, part.targets, part.sources)
    return plan.distinct_path(
        beats, part.targets, part.sources, unary, jump, request.take, pace.check, entering
    )


def wanted_lufs(part: Passage) -> float:
    """Loudness of the replaced audio, or of its surroundings if that is silent."""
    song, request = part.song, part.request
    old = loudness.integrated(song.samples[max(request.start, 0) : max(request.end, 0)], request.rate)
    return old if old > p.SILENT_LUFS and not part.region_was_silent else passage.context_lufs(part)


def notes_of(part: Passage) -> tuple[str, ...]:
    """What the producer should know about this region."""
    if part.length_beats < p.HALF_BEAT_WARNING:
        return ("The region is too short to repaint musically: it is less than half a beat long.",)
    return ()
