"""From what the engine rendered to takes: level, splice, check, measure, keep. Runs in a thread; no database here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bridge_server.engines.outcome import Outcome, StemFile
from bridge_server.models.licences import licence_of
from bridge_server.rendering import receipts
from bridge_server.rendering.blueprints import with_bars
from bridge_server.rendering.plan import Plan
from bridge_server.rendering.song_shape import playing_part
from bridge_server.rendering.stack import StackedSong, sum_of
from bridge_server.songs.sources import Song
from bridge_server.version import MADE_BY
from clip_store.audio.audio import Audio, Encoding, quantise, widened
from clip_store.blobs import BlobStore
from clip_store.kept import KeptBlob
from clip_store.measure.alignment import is_silent
from clip_store.measure.gain_match import NEIGHBOUR_SECONDS, GainMatch, match_gain
from clip_store.source_type import of_take
from clip_store.splice import splice, stretch, with_clip
from clip_store.sung_lines import lrc_text, sung_lines
from clip_store.take import MIX, Attachment, Take
from daw_protocol.chord_sheet import bar_before, chords_text, placed_chords
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.receipt import Receipt
from daw_protocol.recipe import BlueprintRecord, Recipe, ReferenceAudio
from daw_protocol.requests.parts import Part
from daw_protocol.timeline import Span
from model.blueprint import Blueprint
from model.dsp.loudness import integrated, peak_db
from model.dsp.offset import outweighs_sound, sound_of, without_drift
from model.engine import EngineDescription
from model.kept import CLIP, SONG

HANDLES = "handles"
LRC_FILE = "lyrics.lrc"

DEPTHS = {"24": Encoding.PCM_24, "float": Encoding.FLOAT}
"""What a request's depth asks for at least; a song that is deeper keeps its own."""

# A gain below this is inaudible and not worth changing a render for: samples that were copied from the
# song stay what they were.
MIN_GAIN_DB = 0.5

# Shorter than one period of a low note there is no loudness; a single sample "matched" to what it replaces is
# the very sample it replaces.
MIN_MATCHED_SECONDS = 0.01

MAX_KEPT = 16 * 1024 * 1024  # of what an engine keeps of a clip: four times the latents of ten minutes

Render = NDArray[np.float32]


@dataclass(frozen=True)
class TakeContext:
    """What every take of one render has in common.

    song_is_generative: a trained network made some of the song, as far as its file and the store say.
    rendered_on: the render host; "" for this machine.
    """

    job: str
    number: int
    plan: Plan
    song: Song | None
    engine: EngineDescription
    created: float
    reference: Song | None = None
    part: Part | None = None
    stack: tuple[StackedSong, ...] = ()
    song_is_generative: bool = False
    rendered_on: str = ""


@dataclass(frozen=True)
class FinishedTake:
    """A take whose audio is in the store, ready to be recorded. kept: what the engine keeps of it, in the store too."""

    take: Take
    audio: Audio
    handles: Audio | None
    kept: tuple[KeptBlob, ...] = ()


def warm_up() -> None:
    """Imports what measuring needs (scipy's filters take a second or more), by measuring a moment of noise."""
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (48_000, 1)).astype(np.float32)
    integrated(noise, 48_000)


def finish(order: TakeContext, outcome: Outcome, blobs: BlobStore) -> list[FinishedTake]:
    """The takes of one render. Raises ProtocolError when it is unusable, ClipStoreError when it cannot be kept."""
    if not order.plan.spec.makes_takes:
        return []
    if order.stack:
        return _finish_stack(order, outcome, blobs)
    if order.plan.spec.spliced:
        return [_finish_spliced(order, outcome, blobs)]
    return _finish_beside(order, outcome, blobs)


def _finish_spliced(order: TakeContext, outcome: Outcome, blobs: BlobStore) -> FinishedTake:
    """A repaint or completion: one clip that takes the region's place in the song."""
    assert order.song is not None, "checked when it was asked for"
    song, region = order.song.audio, order.plan.region_in_song
    render = _samples(outcome, MIX, region)
    _check_usable(render)
    offset = offset_in(song, region)
    if offset is not None:
        render = (without_drift(render, song.rate) + offset).astype(np.float32)
    # An engine without material of its own has none where the song has none.
    if not render.any() or (not order.engine.neural and is_silent(song.samples, song.rate)):
        raise receipts.silence(song, region)
    level = _level(order, outcome, render, song, region)
    return _spliced(order, outcome, blobs, render, level, outcome.stem(HANDLES))


def _finish_stack(order: TakeContext, outcome: Outcome, blobs: BlobStore) -> list[FinishedTake]:
    """A repaint of tracks that were rendered together: a clip for each, all with the gain that their sum needs.

    A track that has nothing in the region, before and after, has no take; the others' notes name it.
    """
    render = _samples(outcome, MIX, order.plan.region_in_song)
    _check_usable(render)
    total = sum_of(order.stack)
    parts = [render[:, track.channels] for track in order.stack]
    heard = sum(np.broadcast_to(part, (len(part), total.channels)) for part in parts)
    level = _level(order, outcome, np.asarray(heard, np.float32), total, order.plan.region_in_song)
    handles = outcome.stem(HANDLES)
    found: list[FinishedTake] = []
    refused: dict[int, ProtocolError] = {}
    for track, part in zip(order.stack, parts, strict=True):
        own = replace(order, plan=track.plan, song=track.song, part=track_part(order.part, track.number))
        own_handles = None if handles is None else (handles, track.channels)
        try:
            found.append(_spliced(own, outcome, blobs, part, level, own_handles))
        except ProtocolError as error:
            if error.code is not ErrorCode.RENDER_REJECTED:
                raise
            refused[track.number] = error
    if not found:
        raise refused[min(refused)]
    notes = tuple(f"Track {number} has no take: {error.sentence}" for number, error in refused.items())
    return [with_notes(entry, notes) for entry in found]


def track_part(part: Part | None, number: int) -> Part | None:
    """The part of a track that is rendered together with others."""
    return None if part is None else replace(part, track=number)


def with_notes(entry: FinishedTake, notes: tuple[str, ...]) -> FinishedTake:
    """The take with more notes in its recipe."""
    recipe = entry.take.recipe.evolve(notes=(*entry.take.recipe.notes, *notes))
    return replace(entry, take=replace(entry.take, recipe=recipe))


def _spliced(
    order: TakeContext,
    outcome: Outcome,
    blobs: BlobStore,
    render: Render,
    level: GainMatch | None,
    rolls: StemFile | tuple[StemFile, slice] | None,
) -> FinishedTake:
    """A clip that takes the region's place in a song. rolls: with pre- and post-roll; in a stack, and where."""
    assert order.song is not None, "checked when it was asked for"
    song, region = order.song.audio, order.plan.region_in_song
    song = widened(song, song.encoding.holding(DEPTHS.get(order.plan.request.depth, song.encoding)))
    gain = level.gain_db if level else 0.0
    louder = _amplified(render, song.rate, gain)
    fade = round(order.plan.request.crossfade / 1000 * song.rate)
    result = splice(song, louder, region, fade)
    clip = blobs.get(blobs.put(result.clip))  # measure what is on the disk
    handles = _handles(rolls, song, gain)
    if handles is not None:
        blobs.put(handles)
    # As the files make it: the source as read, the clip as read back. Copied once a take, a minute of song is 20 MB.
    whole = with_clip(song, clip, region.start)
    assembled = receipts.assembled_of(outcome.report)
    receipt = receipts.for_splice(order.plan, song, whole, clip, result, level, assembled)
    take = _take(order, outcome, MIX, clip, receipt, blobs, handles=handles, result=whole.digest)
    # At another level, or with an offset, it is not the audio that the engine knows.
    is_the_engines = not order.stack and gain == 0.0 and offset_in(song, region) is None
    kept = _kept(outcome, MIX, SONG, whole.digest, blobs) if is_the_engines else ()
    return FinishedTake(take, clip, handles, kept)


def _kept(outcome: Outcome, stem: str, of: str, digest: str, blobs: BlobStore) -> tuple[KeptBlob, ...]:
    """What the engine keeps of this audio."""
    return tuple(
        KeptBlob(digest, blobs.put_bytes(each.data), len(each.data))
        for each in outcome.kept
        if (each.stem, each.of) == (stem, of) and len(each.data) <= MAX_KEPT
    )


def _finish_beside(order: TakeContext, outcome: Outcome, blobs: BlobStore) -> list[FinishedTake]:
    """Stems, instruments and new songs: clips that play along with the song, at the level they were rendered.

    They are kept as float, whatever the song is: stems that are rounded no longer sum to it.
    """
    found = []
    total: NDArray[np.float64] | None = None
    renders = {stem.stem: _whole(stem, order.plan.region_in_song) for stem in outcome.stems}
    for stem, render in renders.items():
        if not np.isfinite(render).all():
            raise _rejected(f"The {stem} contains invalid samples (not numbers).")
    if order.plan.spec.sums_to_source and order.song is not None:
        total = np.zeros((order.plan.region.length, order.plan.channels))
        for render in renders.values():
            total += render
    for stem, render in renders.items():
        clip = quantise(render, order.plan.rate, Encoding.FLOAT).audio
        clip = blobs.get(blobs.put(clip))
        source = order.song.audio if order.song else None
        receipt = receipts.for_stem(order.plan, source, stem, clip, total)
        kept = _kept(outcome, stem, CLIP, clip.digest, blobs)
        found.append(FinishedTake(_take(order, outcome, stem, clip, receipt, blobs), clip, None, kept))
    if not found or not any(entry.audio.samples.any() for entry in found):
        raise receipts.silence(order.song.audio if order.song else None, order.plan.region_in_song)
    return found


def _samples(outcome: Outcome, stem: str, region: Span) -> Render:
    file = outcome.stem(stem)
    if file is None:
        raise _rejected(f"The engine rendered no {stem}.")
    return _whole(file, region)


def _whole(stem: StemFile, region: Span) -> Render:
    if (stem.start, stem.frames) != (region.start, region.length):
        raise _rejected(
            f"The {stem.stem} covers {stem.frames} samples from {stem.start} on; the region has {region.length} "
            f"from {region.start} on."
        )
    return stem.samples()


def _check_usable(render: Render) -> None:
    if not np.isfinite(render).all():
        raise _rejected("The render contains invalid samples (not numbers).")


def offset_in(song: Audio, region: Span) -> NDArray[np.float64] | None:
    """The offset the song has there, [frames, channels], where it outweighs the sound: engines do not hear it then, and
    without it a take would thump. None where there is none to speak of."""
    if not outweighs_sound(song.samples, song.rate):
        return None
    old = stretch(song, region)
    found: NDArray[np.float64] = old - without_drift(old, song.rate)
    return found


def _amplified(render: Render, rate: int, gain_db: float) -> Render:
    """The render at another level; an offset, which is no sound, keeps its own, or it would jump at the seams."""
    factor = np.float32(10 ** (gain_db / 20))
    if gain_db == 0.0:
        return render
    sound = sound_of(render, rate)
    return (render * factor if sound is render else render + sound * (factor - np.float32(1))).astype(
        np.float32
    )


def _level(
    order: TakeContext, outcome: Outcome, render: Render, song: Audio, region: Span
) -> GainMatch | None:
    """How loud the render has to be here; None when the producer, or an engine that knows better, wants it as it is."""
    known = receipts.assembled_of(outcome.report).wanted_lufs is not None
    if known or not order.plan.request.match_loudness or region.length < MIN_MATCHED_SECONDS * song.rate:
        return None
    # A continuation is as loud as the song was while it played, not as the chord that rang out at its end.
    goes_on = region.end >= song.frames
    before = playing_part(song, region.start) if goes_on else song.samples[: max(0, region.start)]
    after = song.samples[min(song.frames, region.end) :]
    replaced = Span(0, 0) if goes_on else region.clipped(Span(0, song.frames))
    inside = stretch(song, replaced).astype(np.float32)
    reach = round(NEIGHBOUR_SECONDS * song.rate)
    parts = (render, inside, before[max(0, len(before) - reach) :], after[:reach])
    highest = peak_db(sound_of(song.samples, song.rate))
    own, was, left, right = (sound_of(part, song.rate) for part in parts)
    level = match_gain(own, was, left, right, song.rate, highest)
    return replace(level, gain_db=0.0) if abs(level.gain_db) < MIN_GAIN_DB else level


def _handles(rolls: StemFile | tuple[StemFile, slice] | None, song: Audio, gain_db: float) -> Audio | None:
    """The un-spliced render with its pre- and post-roll, at the clip's level; in floats, as it was rendered."""
    if rolls is None:
        return None
    render = rolls.samples() if isinstance(rolls, StemFile) else rolls[0].samples()[:, rolls[1]]
    if not np.isfinite(render).all():
        raise _rejected("The pre-roll or post-roll contains invalid samples (not numbers).")
    return quantise(_amplified(render, song.rate, gain_db), song.rate, Encoding.FLOAT).audio


def _take(
    order: TakeContext,
    outcome: Outcome,
    stem: str,
    clip: Audio,
    receipt: Receipt,
    blobs: BlobStore,
    *,
    handles: Audio | None = None,
    result: str | None = None,
) -> Take:
    plan = order.plan
    receipt = receipts.with_warning(receipt, order.song.warning if order.song else "")
    made = recipe(order, outcome, receipt)
    files = [(entry.name, entry.media_type, entry.data) for entry in outcome.attachments]
    if lines := sung_lines(made.blueprint, plan.region_in_song.start / plan.rate):
        files.append((LRC_FILE, "text/plain; charset=utf-8", lrc_text(lines).encode("utf-8")))
    attachments = tuple(Attachment(name, kind, blobs.put_bytes(data)) for name, kind, data in files)
    return Take(
        id=f"t{secrets.token_hex(5)}",
        job=order.job,
        number=order.number,
        task=plan.request.task,
        stem=stem,
        title=plan.request.title or (order.song.name if order.song else "new song"),
        parent=order.song.parent if order.song else None,
        audio=clip.digest,
        handles=handles.digest if handles else None,
        result=result,
        origin=plan.request.origin or None,
        position=plan.region.start,
        start=plan.region_in_original.start,
        length=plan.region.length,
        rate=plan.rate,
        request=plan.request.to_fields(),
        recipe=made,
        receipt=receipt,
        created=order.created,
        attachments=attachments if stem == MIX else (),
    )


def recipe(order: TakeContext, outcome: Outcome, receipt: Receipt) -> Recipe:
    """Everything needed to render the take again, and the engine's report."""
    report, blueprint, reference = outcome.report, outcome.blueprint, None
    heard = order.song.heard if order.song else None
    weights = report.weights or order.engine.weights
    with_files = any(name in order.plan.request.options for name in order.engine.file_options)
    neural = order.engine.neural or report.neural
    source_type = of_take(order.plan.request.task, neural, order.song_is_generative, recordings=with_files)
    if order.reference is not None:  # nothing is rendered after one without consent
        reference = ReferenceAudio(name=order.reference.name, digest=order.reference.digest, consent=True)
    return Recipe(
        made_by=MADE_BY,
        engine=order.engine.name,
        engine_label=order.engine.label,
        neural=neural,
        weights=weights,
        licence=licence_of(weights),
        source_type=source_type.value,
        seed=order.plan.request.seed,
        rendered_on=order.rendered_on,
        take=order.number - (order.part.first_take if order.part else 1),
        region=order.part.region if order.part else None,
        track=order.part.track if order.part else None,
        method=report.method,
        figures=report.figures,
        notes=(*order.plan.notes, *(receipts.hearing_in_words(heard) if heard else []), *report.notes),
        gain_db=receipt.gain_db,
        tempo_map=order.plan.tempo_map.to_json(),
        reference=reference,
        heard=heard,
        blueprint=None if blueprint is None else with_chords(blueprint_record(blueprint), order.plan),
    )


def with_chords(found: BlueprintRecord, plan: Plan) -> BlueprintRecord:
    """The music in words with its chords as text and its sections' bars, by the tempo map of the plan."""
    start = Fraction(plan.song.start if plan.song else plan.region.start, plan.rate)
    placed = placed_chords(found.chords, plan.tempo_map, start)
    last = bar_before(Fraction(plan.region.end, plan.rate), plan.tempo_map)
    return with_bars(found, plan.tempo_map, start).evolve(chords_text=chords_text(placed, last))


def blueprint_record(blueprint: Blueprint) -> BlueprintRecord:
    """What an engine knows of the music, as recipes and replies have it."""
    return BlueprintRecord.from_fields(blueprint.to_json())


def _rejected(sentence: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.RENDER_REJECTED,
        sentence,
        "Nothing was kept. Try another seed or another engine.",
    )
