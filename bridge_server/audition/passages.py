"""What the audition would play, for clients with a sound device of their own: the browser of whoever listens.

A passage is the audition's scene as a record, and its sides as WAV files of which a client fetches the part it needs.
Nothing is kept for it: what a file contains follows from its address, and `sound` in the address says what the client
expects there, so that nobody gets one sound under the name of another after a take was accepted elsewhere.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

import numpy as np

from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.partial_scene import accepted_during, entry_fade, render_scene
from bridge_server.audition.scene import ORIGINAL, TAKE, Scene, within
from bridge_server.audition.scene_builder import (
    SceneBuilder,
    SceneRequest,
    accepted_around,
    accepted_takes,
    scene_request,
    tempo_map_of,
)
from bridge_server.audition.state import Bars
from bridge_server.audition.stem_mix import StemMix, stem_mix
from bridge_server.rendering.partial_render import PartialRender, PartialRenders
from bridge_server.songs.mixdown import placement_of
from bridge_server.songs.sources import Song
from clip_store.audio.audio import Encoding
from clip_store.audio.riff import WaveForm, wave_head
from clip_store.index import TakeIndex
from clip_store.mix.accepted import AcceptedSong
from clip_store.take import Take
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.results import Passage, PassageSide
from daw_protocol.timeline import Position, Span, TempoMap

MAX_CHANNELS = 2  # as a sound device takes them: of more, the first two
MAX_FRAMES = 1 << 24  # of one answer: six minutes at 48 kHz
PREFIX = "/passages/"
TAKES, SONGS, JOBS = "takes", "songs", "jobs"


@dataclass(frozen=True)
class PassageWave:
    """Frames [first, first + frames) of one side as a WAV file, put together as it is read."""

    audio: LayeredAudio
    first: int
    frames: int

    @property
    def _head(self) -> bytes:
        form = WaveForm(self.frames, self.audio.rate, self._channels, Encoding.FLOAT)
        return wave_head(form) + struct.pack("<4sI", b"data", form.sound_bytes)

    @property
    def _channels(self) -> int:
        return min(MAX_CHANNELS, self.audio.channels)

    @property
    def size(self) -> int:
        """Of the file, in bytes."""
        return len(self._head) + self.frames * self._channels * 4

    def read(self, first: int, end: int) -> bytes:
        """Bytes [first, end) of the file. For a thread."""
        head = self._head
        frame = 4 * self._channels
        begin, stop = max(0, first - len(head)), min(self.size, end) - len(head)
        if begin >= stop:
            return head[first:end]
        here, there = begin // frame, -(-stop // frame)
        samples = self.audio.read(self.first + here, there - here)[:, : self._channels]
        sound = np.ascontiguousarray(samples, "<f4").tobytes()
        return head[first:end] + sound[begin - here * frame : stop - here * frame]


class Passages:
    """Makes passages, and finds the audio behind the addresses in them. Lives on the event loop."""

    def __init__(self, index: TakeIndex, scene_builder: SceneBuilder, live: PartialRenders) -> None:
        self._index = index
        self._scene_builder = scene_builder
        self._live = live

    async def of_take(
        self,
        take: Take,
        bars: Bars,
        span: tuple[Position | None, Position | None],
        stems: tuple[str, ...] = (),
    ) -> Passage:
        """A take in its song, or stems of its separation together. Raises ProtocolError, ClipStoreError."""
        request = scene_request(self._index, take, *bars, stems)
        scene = await asyncio.to_thread(self._scene_builder.take_scene, request, tempo_map_of(take))
        sounds = {TAKE: take_sound(take, request.accepted, request.mix)}
        if take.parent is not None:
            sounds[ORIGINAL] = song_sound(take.parent, request.accepted)
        return _passage(within(scene, span), sounds, _address(TAKES, take.id))

    async def of_song(
        self, song: Song, tempo_map: TempoMap, origin: int, span: tuple[Position | None, Position | None]
    ) -> Passage:
        """A song with its accepted takes. origin: position of its first sample on the timeline."""
        accepted = accepted_takes(self._index, song.digest)
        scene = await asyncio.to_thread(self._scene_builder.song_scene, song, accepted, tempo_map, origin)
        sounds = {ORIGINAL: song_sound(song.digest, accepted)}
        return _passage(within(scene, span), sounds, _address(SONGS, song.digest))

    async def of_render(self, job: str, number: int | None, bars: Bars) -> Passage | None:
        """What there is by now of a take under way, by default of the job's first one; None where none is."""
        render = self._live.of_job(job, number)
        if render is None:
            return None
        accepted = accepted_during(self._index, render)
        scene = await asyncio.to_thread(render_scene, render, accepted, self._scene_builder, bars)
        address = _address(JOBS, job, str(render.number))
        found = _passage(scene, _render_sounds(render, accepted, scene.audio), address)
        return replace(found, job=job, number=render.number, ready=scene.ready)

    async def take_wave(
        self,
        take_id: str,
        side: str,
        sound: str,
        first: int | None,
        frames: int | None,
        stems: tuple[str, ...] = (),
    ) -> PassageWave:
        """A part of a side of a take. Raises ProtocolError, ClipStoreError."""
        take = self._index.get(take_id)
        mix = stem_mix(self._index, take, stems)
        accepted = AcceptedSong("") if take.parent is None else accepted_around(self._index, take)
        found = take_sound(take, accepted, mix)
        if side == ORIGINAL:
            found = "" if take.parent is None else song_sound(take.parent, accepted)
        _check(found, sound)
        request = SceneRequest(take, (), accepted, 0, 0, mix)
        sides = await asyncio.to_thread(self._scene_builder.sides, request)
        return _part(sides[side], _own_part(sides, side), first, frames)

    async def song_wave(self, digest: str, sound: str, first: int | None, frames: int | None) -> PassageWave:
        """A part of a song with its accepted takes. Raises ProtocolError, ClipStoreError."""
        accepted = accepted_takes(self._index, digest)
        _check(song_sound(digest, accepted), sound)
        audio = await asyncio.to_thread(self._scene_builder.original, digest, accepted)
        return _part(audio, _own_part({ORIGINAL: audio}, ORIGINAL), first, frames)

    async def render_wave(
        self, job: str, number: int, side: str, sound: str, first: int | None, frames: int | None
    ) -> PassageWave:
        """A part of a side of a take under way, of its own sound only what is there. Raises ProtocolError."""
        render = self._live.of_job(job, number)
        if render is None:
            raise ProtocolError(
                ErrorCode.FILE_CHANGED, "This render has ended.", "Ask for the passage again."
            )
        accepted = accepted_during(self._index, render)
        scene = await asyncio.to_thread(render_scene, render, accepted, self._scene_builder, Bars(0, 0))
        _check(_render_sounds(render, accepted, scene.audio).get(side, ""), sound)
        own = _own_part(scene.audio, side)
        wave = _part(scene.audio[side], own, first, frames)
        if side == TAKE and not own.start <= wave.first <= wave.first + wave.frames <= own.end:
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                f"Frames {own.start} to {own.end} are rendered so far.",
                "Ask for a part of them.",
                "frames",
            )
        return wave


def _render_sounds(
    render: PartialRender, accepted: AcceptedSong, sides: Mapping[str, LayeredAudio]
) -> dict[str, str]:
    """Names what a render plays, by side: the same name while it grows, because what is there stays as it is."""
    song = "" if render.song is None else song_sound(render.song.digest, accepted)
    fade = entry_fade(render, _own_part(sides, TAKE).length)
    sounds = {TAKE: _name("render", render.job.id, render.number, render.stem, fade, song)}
    return {**sounds, ORIGINAL: song} if ORIGINAL in sides else sounds


def take_sound(take: Take, accepted: AcceptedSong, mix: StemMix | None = None) -> str:
    """Names what a take adds to its song, in its place: the backings that play with it are part of that, and for a
    backing all that it is added to."""
    if mix is not None:
        return _name("stems", take.region, *(stem.audio for stem in mix.takes))
    covers = placement_of(take).covers_song
    below = song_sound(take.parent, accepted) if take.parent and not covers else ""
    changed = tuple(comp.parts for comp in accepted.comps if comp.stem)
    return _name(take.audio, below, *((*accepted.adding, changed) if covers else ()))


def song_sound(digest: str, accepted: AcceptedSong) -> str:
    """Names a song with what is accepted in it: takes never change, so their ids are enough."""
    return _name(digest, *((comp.stem or comp.place.stem, comp.parts) for comp in accepted.comps))


def _name(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _check(found: str, expected: str) -> None:
    if found != expected:
        raise ProtocolError(
            ErrorCode.FILE_CHANGED,
            "The song has changed since: other takes are accepted now.",
            "Ask for the passage again.",
        )


def _own_part(sides: Mapping[str, LayeredAudio], side: str) -> Span:
    """Where a side has sound of its own, counted from the song's first sample; empty while nothing is rendered."""
    audio, original = sides[side], sides.get(ORIGINAL)
    spans = [patch.span for patch in audio.patches]
    if side == TAKE and original is not None and audio.song is original.song:
        spans = [patch.span for patch in audio.patches if patch not in original.patches]
    elif len(audio.song):
        spans.append(Span(0, len(audio.song)))
    return Span(min((span.start for span in spans), default=0), max((span.end for span in spans), default=0))


def _part(audio: LayeredAudio, own: Span, first: int | None, frames: int | None) -> PassageWave:
    """What a client asked for, or all of it. Raises ProtocolError."""
    first = own.start if first is None else first
    frames = max(0, min(own.end - first, MAX_FRAMES)) if frames is None else frames
    if not 0 <= frames <= MAX_FRAMES:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            f"frames must be 0 to {MAX_FRAMES}, got {frames}.",
            "Ask for the passage in parts.",
            "frames",
        )
    return PassageWave(audio, first, frames)


def _address(*parts: str) -> str:
    return PREFIX + "/".join(quote(part, safe="") for part in parts)


def _passage(scene: Scene, sounds: dict[str, str], address: str) -> Passage:
    """address: without the side's name."""
    sides = dict(scene.audio)
    return Passage(
        take=scene.take, song=scene.song, place=_name(scene.place), rate=scene.rate,
        channels=min(MAX_CHANNELS, max(audio.channels for audio in sides.values())), origin=scene.origin,
        stems=scene.stems,
        start=scene.loop_range.start, end=scene.loop_range.end, loops=scene.bounded,
        sides=tuple(_side(scene, sides, side, sounds[side], address) for side in sides),
    )  # fmt: skip


def _side(scene: Scene, sides: dict[str, LayeredAudio], side: str, sound: str, address: str) -> PassageSide:
    own = _own_part(sides, side).shifted(scene.origin)
    if side == TAKE and own.length == 0 and scene.region is not None:  # nothing of it is rendered yet
        own = Span(scene.region.start, scene.region.start)
    original = sides.get(ORIGINAL)
    inside = side == TAKE and original is not None and sides[side].song is original.song
    query = {"sound": sound, **({"stems": ",".join(scene.stems)} if scene.stems and side == TAKE else {})}
    return PassageSide(
        side=side, url=f"{address}/{side}.wav?{urlencode(query)}", start=own.start, end=own.end,
        around=ORIGINAL if inside else "silence", sound=sound, match_db=scene.gains_db.get(side, 0.0),
    )  # fmt: skip
