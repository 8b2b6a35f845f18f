"""From takes and songs in the store to scenes: audio of both sides, the loop range around the take, matching gains.

Records are read on the event loop, where the index lives; audio is read in threads and cached, least recently used
forgotten first, so what is cached is guarded by a lock.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from bridge_server.audition.gain_match import matching_gains
from bridge_server.audition.layered_audio import LayeredAudio, Patch, Samples
from bridge_server.audition.loop_range import loop_range_around
from bridge_server.audition.scene import ORIGINAL, TAKE, Scene
from bridge_server.audition.stem_mix import StemMix, stem_mix
from bridge_server.songs.mixdown import placement_of
from bridge_server.songs.sources import Song
from clip_store.blobs import BlobStore
from clip_store.choices import Place
from clip_store.index import TakeIndex, place_of
from clip_store.mix.accepted import AcceptedComp, AcceptedSong, accepted_in
from clip_store.mix.comp_sound import sounds_of
from clip_store.take import MIX, Take
from daw_protocol.tasks import Placement
from daw_protocol.timeline import Span, TempoMap
from model.dsp.loudness import integrated

# Half an hour of stereo at 48 kHz, for instance a song of four minutes and its takes.
KEPT_BYTES = 768 * 2**20
# The newest takes of one place are brought to one loudness together, fewer of them if they are long: playback must not
# wait until all verses of a song are measured.
MATCHED_TAKES = 16
MATCHED_SECONDS = 120
# Loudness of a long region is measured in its middle.
MEASURED_SECONDS = 30


@dataclass(frozen=True)
class SceneRequest:
    """The records a scene is made of.

    siblings: takes of the same place, oldest first, including `take`.
    accepted: what is accepted elsewhere in the song: it is part of how it sounds now.
    mix:      the stems heard instead of the take alone.
    """

    take: Take
    siblings: tuple[Take, ...]
    accepted: AcceptedSong
    before: int
    after: int
    mix: StemMix | None = None


def scene_request(
    index: TakeIndex, take: Take, before: int, after: int, stems: tuple[str, ...] = ()
) -> SceneRequest:
    """Everything the scene of a take needs, with bars around it. On the event loop. Raises TakeError, ProtocolError."""
    siblings = siblings_of(index, take)
    nothing = AcceptedSong("")
    elsewhere = nothing if take.parent is None else accepted_around(index, take)
    return SceneRequest(take, siblings, elsewhere, before, after, stem_mix(index, take, stems))


def tempo_map_of(take: Take) -> TempoMap:
    """The map the take was rendered on."""
    kept = take.recipe.tempo_map
    return TempoMap.constant(120) if kept is None else TempoMap.from_json(kept)


def siblings_of(index: TakeIndex, take: Take) -> tuple[Take, ...]:
    """Takes of the same place that are not hidden, and the take itself, oldest first.

    A take without a song compares only with those of its own job.
    """
    place = place_of(take)
    if take.parent is None:
        found: Iterable[Take] = index.list(job=take.job, limit=1000)
    else:
        found = index.list(song=take.parent, region=take.region, limit=1000)
    hidden = index.marks.hidden() - {take.id}
    return tuple(reversed([one for one in found if place_of(one) == place and one.id not in hidden]))


def accepted_takes(index: TakeIndex, song: str) -> AcceptedSong:
    """What is accepted in a song and can be heard in it: all but stems as they came."""
    accepted = accepted_in(index, song)
    return accepted.only(
        lambda comp: not any(accepted.placement(part) is Placement.ALONE for part in comp.parts)
    )


def accepted_around(index: TakeIndex, take: Take) -> AcceptedSong:
    """What is accepted in a take's song and plays together with it."""
    assert take.parent is not None, "a take without a song has nothing around it"
    heard = take.recipe.heard.takes if take.recipe.heard else ()
    return beside(accepted_takes(index, take.parent), take.region, placement_of(take), take.stem, heard)


def beside(
    accepted: AcceptedSong, region: Span, placement: Placement, stem: str, heard: Collection[str] = ()
) -> AcceptedSong:
    """What of the accepted takes plays together with one in a region.

    Elsewhere that is all of it. Where something overlaps the take, it is what the take leaves audible: backings, other
    than the one it may take the place of, and what it was made for (`heard`); for a backing what takes the song's place
    as well.
    """

    def plays_along(comp: AcceptedComp) -> bool:
        if not any(part.start < region.end and region.start < part.end for part in comp.parts):
            return True
        if any(accepted.placement(part) is Placement.BESIDE for part in comp.parts):
            return placement is Placement.REPLACES or (
                placement is Placement.BESIDE and comp.place.stem != stem
            )
        return placement is Placement.BESIDE or {part.take for part in comp.parts} <= set(heard)

    return accepted.only(plays_along)


class SceneBuilder:
    """Makes scenes. All methods are slow and belong in a thread; several threads may call them."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._lock = threading.Lock()
        self._samples: OrderedDict[str, tuple[Samples, int]] = OrderedDict()
        self._originals: OrderedDict[tuple[object, ...], LayeredAudio] = OrderedDict()
        self._loudness: dict[tuple[object, ...], float] = {}

    def take_scene(self, request: SceneRequest, tempo_map: TempoMap) -> Scene:
        """Raises StoreError when audio is missing."""
        take = request.take
        origin = take.position - take.start
        region = take.region.shifted(origin)
        audio = self.sides(request)
        extent = Span(origin, origin + max(side.frames for side in audio.values()))
        loop_range = loop_range_around(region, request.before, request.after, tempo_map, take.rate, extent)
        scene = Scene(
            place=(_compared_at(take), loop_range, request.accepted.comps),
            audio=audio, origin=origin, tempo_map=tempo_map, loop_range=loop_range, take=take.id,
            song=take.parent or "", stems=request.mix.names if request.mix else (), region=region,
        )  # fmt: skip
        # A muted stem must not make the others louder: a mix plays at its own level, like the song it came from.
        return scene if request.mix else scene.matched(self._gains(request, scene))

    def song_scene(self, song: Song, accepted: AcceptedSong, tempo_map: TempoMap, origin: int) -> Scene:
        """A song with its accepted takes. origin: position of its first sample on the timeline."""
        audio = self.song_audio(song, accepted)
        whole = Span(origin, origin + audio.frames)
        return Scene(
            place=("song", song.digest), audio={ORIGINAL: audio}, origin=origin, tempo_map=tempo_map, loop_range=whole,
            song=song.digest, bounded=False,
        )  # fmt: skip

    def song_audio(self, song: Song, accepted: AcceptedSong) -> LayeredAudio:
        """A song that has been read, with its accepted takes."""
        with self._lock:
            known = song.digest in self._samples
        if not known:
            self._keep(song.digest, as_float32(song.audio.samples), song.audio.rate)
        return self.original(song.digest, accepted)

    def sides(self, request: SceneRequest) -> dict[str, LayeredAudio]:
        take = request.take
        clip, rate = self._audio(take.audio)
        placement = placement_of(take)
        if take.parent is None:
            return {TAKE: LayeredAudio(clip, rate)}
        original = self.original(take.parent, request.accepted)
        if placement is Placement.ALONE:
            silence = LayeredAudio(np.zeros((0, clip.shape[1]), np.float32), rate)
            patches = self._mixed(request.mix, take.start, clip) if request.mix else [Patch(take.start, clip)]
            return {TAKE: silence.with_patches(patches), ORIGINAL: original}
        return {
            TAKE: original.with_patches([Patch(take.start, clip, adds=not placement.covers_song)]),
            ORIGINAL: original,
        }

    def _mixed(self, mix: StemMix, start: int, clip: Samples) -> Iterator[Patch]:
        """The stems of a mix over silence as long as `clip`: of a mix of nothing that is left."""
        yield Patch(start, np.broadcast_to(np.float32(0), clip.shape))
        for stem in mix.takes:
            yield Patch(start, self._audio(stem.audio)[0], adds=True)

    def original(self, digest: str, accepted: AcceptedSong) -> LayeredAudio:
        """The same object for all takes of a place, so that what was resampled for one is there for the next."""
        key = (digest, accepted.comps)
        with self._lock:
            known = self._originals.get(key)
        if known is None:
            song, rate = self._audio(digest)
            known = LayeredAudio(song, rate).with_patches(self._patches(accepted))
            with self._lock:
                self._originals[key] = known
                while len(self._originals) > 4:
                    self._originals.popitem(last=False)
        return known

    def _patches(self, accepted: AcceptedSong) -> Iterator[Patch]:
        """What is accepted: parts as they are, and runs of parts with their crossfades."""
        sounds, plain = sounds_of(accepted)
        for part in plain:
            clip, _ = self._audio(accepted.takes[part.take].audio)
            first = part.start - accepted.starts[part.take]
            inside = clip[first : first + part.end - part.start]
            yield Patch(part.start, inside, adds=not accepted.placement(part).covers_song)
        for sound in sounds:
            yield Patch(sound.span.start, as_float32(sound.read(self._blobs).samples), adds=not sound.covers)

    def _gains(self, request: SceneRequest, scene: Scene) -> dict[str, float]:
        """In dB, by side: the whole group of takes and the original are brought to one loudness."""
        assert scene.region is not None, "a take has one"
        stretch = middle(scene.region.shifted(-scene.origin), MEASURED_SECONDS * scene.rate)
        together = min(MATCHED_TAKES, max(1, MATCHED_SECONDS * scene.rate // scene.region.length))
        loud = {}
        if ORIGINAL in scene.audio:
            loud[ORIGINAL] = self._loud(scene.audio[ORIGINAL], stretch, scene.place)
        group = {one.id: one for one in (*request.siblings[-together:], request.take)}
        changed = tuple(comp.parts for comp in request.accepted.comps if comp.stem)
        for name, one in group.items():
            side = self.sides(SceneRequest(one, (), request.accepted, 0, 0))[TAKE]
            loud[name] = self._loud(side, stretch, (name, request.accepted.adding, changed))
        gains = matching_gains(loud)
        return {TAKE: gains[request.take.id], ORIGINAL: gains.get(ORIGINAL, 0.0)}

    def _loud(self, audio: LayeredAudio, stretch: Span, what: object) -> float:
        key = (what, stretch)
        if key not in self._loudness:
            if len(self._loudness) > 10_000:
                self._loudness.clear()
            self._loudness[key] = integrated(audio.read(stretch.start, stretch.length), audio.rate)
        return self._loudness[key]

    def _audio(self, digest: str) -> tuple[Samples, int]:
        with self._lock:
            if digest in self._samples:
                self._samples.move_to_end(digest)
                return self._samples[digest]
        blob = self._blobs.get(digest)
        return self._keep(digest, as_float32(blob.samples), blob.rate)

    def _keep(self, digest: str, samples: Samples, rate: int) -> tuple[Samples, int]:
        with self._lock:
            self._samples[digest] = (samples, rate)
            self._samples.move_to_end(digest)
            while (
                sum(one.nbytes for one, _ in self._samples.values()) > KEPT_BYTES and len(self._samples) > 1
            ):
                self._samples.popitem(last=False)
        return samples, rate


def _compared_at(take: Take) -> Place:
    """The place of a take; one for all stems of a region: to switch between them is to switch between takes."""
    place = place_of(take)
    return (
        place
        if take.stem == MIX or placement_of(take) is not Placement.ALONE
        else place._replace(stem="stems")
    )


def middle(span: Span, most: int) -> Span:
    """The middle of a span, at most `most` long."""
    left = max(0, span.length - most) // 2
    return Span(span.start + left, span.start + left + min(span.length, most))


def as_float32(samples: np.ndarray) -> Samples:
    """As a sound device takes them: float32 holds every 24-bit sample exactly and rounds wider ones."""
    return np.ascontiguousarray(samples, dtype=np.float32)
