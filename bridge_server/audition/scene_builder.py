"""From takes and songs in the store to scenes: lanes, the passage around the take, the gains that match both sides.

Audio is read in threads and kept, the least used forgotten first; records come from the event loop.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bridge_server.audition.gain_match import matching_gains
from bridge_server.audition.layered_audio import LayeredAudio, Patch, Samples
from bridge_server.audition.loop_range import passage_around
from bridge_server.audition.scene import ORIGINAL, TAKE, Scene
from bridge_server.songs.mixdown import placement_of
from bridge_server.songs.sources import Song
from clip_store.blobs import BlobStore
from clip_store.index import TakeIndex, place_of
from clip_store.take import MIX, Take
from daw_protocol.tasks import Placement
from daw_protocol.timeline import Span, TempoMap
from model.dsp.loudness import integrated

KEPT_BYTES = (
    768 * 2**20
)  # half an hour of stereo at 48 kHz, for instance a song of four minutes and its takes
# Of the takes of one place, so many of the newest are brought to one loudness together, fewer where they are long:
# nobody waits for all verses of a song to be measured before the first note.
MATCHED_TAKES = 16
MATCHED_SECONDS = 120
# Of a long region its middle is measured.
MEASURED_SECONDS = 30
DEFAULT_BARS = 2


@dataclass(frozen=True)
class SceneRequest:
    """What a scene is made of, as the index has it.

    siblings: takes of the same place, oldest first, `take` among them.
    accepted: takes that are in force elsewhere in the song: they are part of how it sounds now.
    """

    take: Take
    siblings: tuple[Take, ...]
    accepted: tuple[Take, ...]
    before: int
    after: int


def wanted(index: TakeIndex, take: Take, before: int, after: int) -> SceneRequest:
    """On the event loop: everything to know of a take and the bars around it. Raises TakeError."""
    siblings = siblings_of(index, take)
    elsewhere = () if take.parent is None else accepted_beside(index, take.parent, take.region)
    return SceneRequest(take, siblings, elsewhere, before, after)


def tempo_map_of(take: Take) -> TempoMap:
    """The map the take was rendered on."""
    kept = take.recipe.tempo_map
    return TempoMap.constant(120) if kept is None else TempoMap.from_json(kept)


def siblings_of(index: TakeIndex, take: Take) -> tuple[Take, ...]:
    """Takes of the same place, oldest first. Takes of no song are only compared with those of their own job."""
    place = place_of(take)
    if take.parent is None:
        found: Iterable[Take] = index.list(job=take.job, limit=1000)
    else:
        found = index.list(song=take.parent, region=take.region, limit=1000)
    return tuple(reversed([one for one in found if place_of(one) == place]))


def accepted_beside(index: TakeIndex, song: str, region: Span | None) -> tuple[Take, ...]:
    """Takes in force in a song, but for those that touch the region, and for stems."""
    places = [
        (place, take)
        for place, take in index.choices(song).items()
        if place.stem == MIX
        and not (region is not None and place.start < region.end and region.start < place.end)
    ]
    return tuple(index.get(take) for _, take in places)


class SceneBuilder:
    """Makes scenes. Everything here is slow, for a thread."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._lock = threading.Lock()
        self._samples: OrderedDict[str, tuple[Samples, int]] = OrderedDict()
        self._lanes: OrderedDict[tuple[str, ...], LayeredAudio] = OrderedDict()
        self._loudness: dict[tuple[object, ...], float] = {}

    def take_scene(self, asked: SceneRequest, tempo_map: TempoMap) -> Scene:
        """Raises StoreError when audio is missing."""
        take = asked.take
        origin = take.position - take.start
        region = take.region.shifted(origin)
        lanes = self._sides(asked)
        heard = Span(origin, origin + max(lane.frames for lane in lanes.values()))
        loop_range = passage_around(region, asked.before, asked.after, tempo_map, take.rate, heard)
        scene = Scene(
            place=(place_of(take), loop_range, tuple(one.id for one in asked.accepted)),
            lanes=lanes, origin=origin, tempo_map=tempo_map, loop_range=loop_range, take=take.id,
            song=take.parent or "", region=region,
        )  # fmt: skip
        return scene.matched(self._gains(asked, scene))

    def song_scene(self, song: Song, accepted: Sequence[Take], tempo_map: TempoMap, origin: int) -> Scene:
        """A song without any take but those in force. origin: of its first sample on the timeline."""
        lane = self.song_lane(song, accepted)
        whole = Span(origin, origin + lane.frames)
        return Scene(
            place=("song", song.digest), lanes={ORIGINAL: lane}, origin=origin, tempo_map=tempo_map, loop_range=whole,
            song=song.digest, bounded=False,
        )  # fmt: skip

    def song_lane(self, song: Song, accepted: Sequence[Take] = ()) -> LayeredAudio:
        """A song that has been read, with the takes in force in it."""
        samples = as_float32(song.audio.samples)
        self._keep(song.digest, samples, song.audio.rate)
        return self._original(song.digest, accepted)

    def _sides(self, asked: SceneRequest) -> dict[str, LayeredAudio]:
        take = asked.take
        clip, rate = self._audio(take.audio)
        placement = placement_of(take)
        if take.parent is None:
            return {TAKE: LayeredAudio(clip, rate)}
        original = self._original(take.parent, asked.accepted)
        if placement is Placement.ALONE:
            silence = LayeredAudio(np.zeros((0, clip.shape[1]), np.float32), rate)
            return {TAKE: silence.with_patches([Patch(take.start, clip)]), ORIGINAL: original}
        return {
            TAKE: original.with_patches([Patch(take.start, clip, adds=not placement.covers_song)]),
            ORIGINAL: original,
        }

    def _original(self, digest: str, accepted: Sequence[Take]) -> LayeredAudio:
        """One lane for all takes of a place, so that what was resampled for one is there for the next."""
        key = (digest, *(take.id for take in accepted))
        with self._lock:
            known = self._lanes.get(key)
        if known is None:
            song, rate = self._audio(digest)
            patches = [
                Patch(take.start, self._audio(take.audio)[0], adds=not placement_of(take).covers_song)
                for take in accepted
            ]
            known = LayeredAudio(song, rate, tuple(patches))
            with self._lock:
                self._lanes[key] = known
                while len(self._lanes) > 4:
                    self._lanes.popitem(last=False)
        return known

    def _gains(self, asked: SceneRequest, scene: Scene) -> dict[str, float]:
        """By side: the whole group of takes and the original are brought to one loudness."""
        assert scene.region is not None, "a take has one"
        stretch = middle(scene.region.shifted(-scene.origin), MEASURED_SECONDS * scene.rate)
        together = min(MATCHED_TAKES, max(1, MATCHED_SECONDS * scene.rate // scene.region.length))
        loud = {}
        if ORIGINAL in scene.lanes:
            loud[ORIGINAL] = self._loud(scene.lanes[ORIGINAL], stretch, scene.place)
        group = {one.id: one for one in (*asked.siblings[-together:], asked.take)}
        for name, one in group.items():
            lane = self._sides(SceneRequest(one, (), asked.accepted, 0, 0))[TAKE]
            loud[name] = self._loud(lane, stretch, name)
        gains = matching_gains(loud)
        return {TAKE: gains[asked.take.id], ORIGINAL: gains.get(ORIGINAL, 0.0)}

    def _loud(self, lane: LayeredAudio, stretch: Span, what: object) -> float:
        key = (what, stretch)
        if key not in self._loudness:
            if len(self._loudness) > 10_000:
                self._loudness.clear()
            self._loudness[key] = integrated(lane.read(stretch.start, stretch.length), lane.rate)
        return self._loudness[key]

    def _audio(self, digest: str) -> tuple[Samples, int]:
        with self._lock:
            if digest in self._samples:
                self._samples.move_to_end(digest)
                return self._samples[digest]
        audio = self._blobs.get(digest)
        return self._keep(digest, as_float32(audio.samples), audio.rate)

    def _keep(self, digest: str, samples: Samples, rate: int) -> tuple[Samples, int]:
        with self._lock:
            self._samples[digest] = (samples, rate)
            self._samples.move_to_end(digest)
            while (
                sum(one.nbytes for one, _ in self._samples.values()) > KEPT_BYTES and len(self._samples) > 1
            ):
                self._samples.popitem(last=False)
        return samples, rate


def middle(span: Span, most: int) -> Span:
    """At most so much of it, from its middle."""
    left = max(0, span.length - most) // 2
    return Span(span.start + left, span.start + left + min(span.length, most))


def as_float32(samples: np.ndarray) -> Samples:
    """As a sound device takes them: 32 bits hold every sample of 24, wider ones are rounded."""
    return np.ascontiguousarray(samples, dtype=np.float32)
