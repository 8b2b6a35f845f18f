"""The audition as a musician works it: what is chosen to be heard, and how; it tells those who watch.

Lives on the event loop; one command at a time, what is slow in threads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from bridge_server.audition.partial_scene import partial_scene
from bridge_server.audition.player import PlaybackOptions, Player
from bridge_server.audition.scene import ORIGINAL, TAKE, Scene, not_playing, resolved, within
from bridge_server.audition.scene_builder import (
    DEFAULT_BARS,
    SceneBuilder,
    accepted_beside,
    tempo_map_of,
    wanted,
)
from bridge_server.audition.sound_devices import SoundDevices
from bridge_server.audition.transport_sync import TransportSync
from bridge_server.rendering.partial_render import (
    PartialRender,
    PartialRenders,
    RenderFinished,
    RenderGrew,
    heard_take,
)
from bridge_server.sessions.events import Events, JobReply, Notice
from bridge_server.songs.sources import Song
from bridge_server.supervisor import Supervisor
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import AuditionState
from daw_protocol.results import OutputDevice
from daw_protocol.timeline import Position, Span, TempoMap

log = logging.getLogger(__name__)

BEATS_PER_SECOND = 30  # how often is looked at device, transport and end
TOLD_EVERY = 2  # of these, one is told to those who watch

Result = TypeVar("Result")


class AuditionController:
    """One per server."""

    def __init__(
        self,
        store: ClipStore,
        live: PartialRenders,
        events: Events,
        supervisor: Supervisor,
        devices: SoundDevices | None = None,
    ) -> None:
        self._index = store.index
        self._events = events
        self._supervisor = supervisor
        self._scene_builder = SceneBuilder(store.blobs)
        self._live = live
        self.player = Player(devices or SoundDevices())
        self.transport_sync = TransportSync(self.player)
        self._audio = ThreadPoolExecutor(1, "audition")
        self._lock = asyncio.Lock()
        self._beat: asyncio.Task[None] | None = None
        self._scene: Scene | None = None
        self._options = PlaybackOptions(TAKE)
        self.bars = (DEFAULT_BARS, DEFAULT_BARS)  # around takes, where it is not said otherwise
        self._bars = self.bars  # around what is heard now
        self._job = ""  # the job that is heard, or waited for
        self.auto = False
        self._message = ""
        events.subscribe(RenderGrew, lambda event: self._live_changed(event.render, ()))
        events.subscribe(RenderFinished, lambda event: self._live_changed(event.render, event.takes))
        events.subscribe(JobReply, self._job_reply)

    # What is asked

    async def play_take(
        self,
        take: Take,
        side: str,
        before: int | None,
        after: int | None,
        span: tuple[Position | None, Position | None],
    ) -> None:
        """A take in its song. What plays already at the same place goes on at the same position."""
        async with self._lock:
            asked = wanted(self._index, take, *self._around(before, after))
            tempo_map = tempo_map_of(take)
            scene = await asyncio.to_thread(self._scene_builder.take_scene, asked, tempo_map)
            self._bars, self._job = (asked.before, asked.after), ""
            now = self._scene
            stays = now is not None and self._sounds and now.place == scene.place and now.take != scene.take
            await self._start(within(scene, span), side, stays=stays)

    async def play_song(
        self, song: Song, tempo_map: TempoMap, origin: int, span: tuple[Position | None, Position | None]
    ) -> None:
        """A song without any take but those that are in force. origin: of its first sample on the timeline."""
        async with self._lock:
            accepted = accepted_beside(self._index, song.digest, None)
            scene = await asyncio.to_thread(self._scene_builder.song_scene, song, accepted, tempo_map, origin)
            self._job = ""
            await self._start(within(scene, span), ORIGINAL)

    async def play_job(self, job: str, before: int | None, after: int | None) -> None:
        """A render that is going on; one that waits for its turn is heard when that comes."""
        async with self._lock:
            self._bars = self._around(before, after)
            self._job = job
            render = self._live.current
            if render is not None and render.job.id == job:
                await self._preview(render)
            else:
                await self._halt()
                self._job = job
                self._say("The job waits for its turn; it is played as soon as its first bar is there.")

    async def stop(self) -> None:
        async with self._lock:
            await self._halt()

    async def compare(self, side: str | None) -> None:
        """The other side, or the one that is named."""
        async with self._lock:
            scene = self._playing()
            other = ORIGINAL if self._options.side == TAKE else TAKE
            side = side or other
            if side not in scene.lanes:
                raise ProtocolError(
                    ErrorCode.NOT_PLAYING,
                    "There is no original to compare with: the take was made from no song."
                    if scene.take or scene.job
                    else "No take is playing, only the song.",
                    "Play a take that was made for a song.",
                    "side",
                )
            await self._manage(side=side)

    async def step(self, by: int) -> None:
        """The next take of the place, or one further back; round and round."""
        async with self._lock:
            scene = self._playing()
            if not scene.take:
                raise not_playing("No take is playing.", "Play one first.")
            take = self._index.get(scene.take)
            asked = wanted(self._index, take, *self._bars)
            ids = [one.id for one in asked.siblings]
            other = asked.siblings[(ids.index(take.id) + by) % len(ids)]
            sync_offset = await asyncio.to_thread(
                self._scene_builder.take_scene, replace(asked, take=other), scene.tempo_map
            )
            self._scene = replace(sync_offset, loop_range=scene.loop_range, bounded=scene.bounded)
            await self._manage(side=TAKE)
            if other.id == take.id:
                self._say("This is the only take of its place.")

    async def manage(self, **changes: Any) -> None:
        """Another loop, gain_db or match, for now and later."""
        async with self._lock:
            await self._manage(**changes)

    async def surround(self, before: int | None, after: int | None) -> None:
        """Other bars around takes; what is heard goes on where it is, or begins anew where that is cut off."""
        async with self._lock:
            self.bars = self._bars = self._around(before, after)
            if (now := self._scene) is not None and now.take and self._sounds:
                asked = wanted(self._index, self._index.get(now.take), *self._bars)
                scene = await asyncio.to_thread(self._scene_builder.take_scene, asked, now.tempo_map)
                here, loop_range = self.player.position, scene.loop_range
                start = (
                    None
                    if self._options.free or loop_range.start <= here < loop_range.end
                    else loop_range.start
                )
                self._scene = self.transport_sync.scene = scene
                await self._in_audio_thread(self.player.change, scene, self._options, start)
            self.tell()

    async def seek(self, position: Position) -> None:
        async with self._lock:
            scene = self._playing()
            if self.transport_sync.what != "none":
                raise not_playing(
                    "The position is the DAW's: the audition follows its transport.",
                    "Move the DAW's playhead, or send audition.follow none.",
                )
            there = resolved(position, scene, "position")
            await self._in_audio_thread(self.player.change, scene, self._options, there)
            self.tell()

    async def devices(self) -> list[OutputDevice]:
        """What there is. While something plays, what there was when it began."""
        async with self._lock:
            found = await self._in_audio_thread(self.player.devices.list)
            return [device.record() for device in found]

    async def choose_device(self, name: str) -> str:
        """Returns the device that is used, or will be."""
        async with self._lock:
            used = await self._in_audio_thread(self.player.choose, name, self._options)
            self._look_after()
            self.tell()
            return used

    async def follow(self, what: str, port: str) -> None:
        async with self._lock:
            await self._in_audio_thread(self.transport_sync.follow, what, port, asyncio.get_running_loop())
            if self._scene is not None and self._sounds:
                await self._manage(free=what != "none")
            self._options = replace(self._options, free=what != "none")
            self.tell()

    # What happens

    async def close(self) -> None:
        """The server stops."""
        if self._beat is not None:
            self._beat.cancel()
        await self._in_audio_thread(self.transport_sync.close)
        await self._in_audio_thread(self.player.close)

    def state(self) -> AuditionState:
        """What those who watch are told."""
        scene, options = self._scene, self._options
        side = scene.side(options.side) if scene else options.side
        waiting = (scene is None and self._job) or (self._sounds and (self._waits or (scene and scene.waits)))
        position = self.player.position
        loop_range = scene.loop_range if scene else Span(position, position)
        return AuditionState(
            state="waiting" if waiting else "playing" if self._sounds else "stopped",
            take=scene.take if scene else "", job=self._job, song=scene.song if scene else "", side=side,
            position=position, start=loop_range.start, end=loop_range.end, loop=options.loops, auto=self.auto,
            before=self.bars[0], after=self.bars[1], gain_db=options.gain_db, match=options.match,
            match_db=scene.gains_db.get(side, 0.0) if scene and options.match else 0.0,
            message=self._message, **self.player.figures(), **self.transport_sync.figures(),
        )  # fmt: skip

    def tell(self) -> None:
        self._events.publish(Notice(self.state()))

    @property
    def _sounds(self) -> bool:
        return self.player.playback is not None

    @property
    def _waits(self) -> bool:
        """For the DAW's transport to move."""
        return self._options.free and not self.transport_sync.moves

    def _around(self, before: int | None, after: int | None) -> tuple[int, int]:
        return (self.bars[0] if before is None else before, self.bars[1] if after is None else after)

    def _playing(self) -> Scene:
        if self._scene is None or not self._sounds:
            raise not_playing("Nothing is playing.", "audition.play begins.")
        return self._scene

    def _say(self, message: str) -> None:
        self._message = message[:2000]
        self.tell()

    async def _start(self, scene: Scene, side: str, *, stays: bool = False) -> None:
        """Plays a scene from its beginning, or from what is heard now."""
        options = replace(self._options, side=side, free=self.transport_sync.what != "none")
        self.transport_sync.scene = scene
        try:
            if stays:
                await self._in_audio_thread(self.player.change, scene, options)
            else:
                first = self.transport_sync.position() if options.free else None
                at = scene.loop_range.start if first is None else first
                await self._in_audio_thread(self.player.play, scene, options, at)
        except BaseException:
            if not self._sounds:
                self._scene, self._job = None, ""
            raise
        self._scene, self._options = scene, options
        self._look_after()
        self._say("")

    async def _manage(self, **changes: Any) -> None:
        self._options = replace(self._options, **changes)
        if self._scene is not None and self._sounds:
            self.transport_sync.scene = self._scene
            await self._in_audio_thread(self.player.change, self._scene, self._options)
        self._say("")

    async def _halt(self, message: str = "") -> None:
        """Fades out; whoever sees that it has stopped sees why."""
        self._job, self._message = "", message[:2000]
        if self._sounds:
            await self._in_audio_thread(self.player.stop)
        self._scene = None
        self.tell()

    def _look_after(self) -> None:
        if self._sounds and (self._beat is None or self._beat.done()):
            self._beat = self._supervisor.spawn("audition beat", self._keep_beat())

    async def _keep_beat(self) -> None:
        """Looks after what plays until it stops."""
        count = 0
        while self._sounds:
            await asyncio.sleep(1 / BEATS_PER_SECOND)
            try:
                async with self._lock:
                    await self._look()
            except ProtocolError as error:
                await self._end(str(error))
            except Exception:  # a bug must not leave a device playing that nobody can stop
                log.exception("the audition met a bug")
                await self._end("The audition made a mistake of its own; the server's log has the details.")
            count += 1
            if count % TOLD_EVERY == 0 and self._sounds:
                self.tell()

    async def _look(self) -> None:
        if not self._sounds or self._scene is None:
            return
        if self.player.broken:
            gone = self.player.playback.outlet.name if self.player.playback else ""
            try:
                name = await self._in_audio_thread(self._move)
            except ProtocolError as error:
                await self._halt(
                    f"{gone} has gone, and nothing else can be played on: {error.sentence} Stopped."
                )
                return
            self._say(f"{gone} has gone; playing on through {name}.")
        elif self._options.free:
            await self._in_audio_thread(self.transport_sync.keep, self._scene, self._options)
        elif self.player.ended:
            await self._halt()

    async def _in_audio_thread(self, function: Callable[..., Result], *given: Any) -> Result:
        """All of PortAudio in one thread: Windows' sound interface belongs to the thread that began it."""
        return await asyncio.get_running_loop().run_in_executor(self._audio, partial(function, *given))

    def _move(self) -> str:
        return self.player.move(self._options)

    async def _end(self, message: str) -> None:
        await self._in_audio_thread(self.player.close)
        self._scene, self._job = None, ""
        self._say(message)

    # Renders that are going on

    def _live_changed(self, render: PartialRender, takes: tuple[Take, ...]) -> None:
        idle = not self._sounds and not self._job
        if self.auto and idle and render.announced and not takes:
            self._job = render.job.id
        if self._job == render.job.id:
            self._later(self._hear_render(render, takes))

    def _job_reply(self, event: JobReply) -> None:
        if event.reply.terminal and self._job == event.job:
            self._later(self._give_up(event.job))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        """One after the other, in the order they were asked for: the lock sees to that."""
        self._supervisor.spawn("audition", work)

    async def _hear_render(self, render: PartialRender, takes: tuple[Take, ...]) -> None:
        async with self._lock:
            if self._job != render.job.id:
                return  # stopped, or something else is played by now
            try:
                take = heard_take(render, takes)
                await (self._preview(render) if take is None else self._finished(take))
            except ProtocolError as error:
                self._job = ""
                self._say(f"{error.sentence} {error.remedy}")
            except Exception:
                log.exception("the audition of job %s met a bug", render.job.id)

    async def _give_up(self, job: str) -> None:
        async with self._lock:
            if self._job == job:  # else its take has been heard of before its end
                await self._halt("The render came to nothing, so there is nothing more to hear of it.")

    async def _preview(self, render: PartialRender) -> None:
        """What there is of a render by now."""
        accepted: tuple[Take, ...] = ()
        if render.song is not None:
            accepted = accepted_beside(self._index, render.song.digest, render.plan.region_in_song)
        scene = await asyncio.to_thread(self._made_preview, render, accepted)
        now = self._scene
        same = now is not None and self._sounds and now.place == scene.place
        if same and now is not None and now.ready == scene.ready:
            return  # more of it, but no further bar
        job = self._job
        await self._start(scene, self._options.side if same else TAKE, stays=same and not self._silent)
        self._job = job

    def _made_preview(self, render: PartialRender, accepted: tuple[Take, ...]) -> Scene:
        render.catch_up()
        song = None if render.song is None else self._scene_builder.song_lane(render.song, accepted)
        return partial_scene(render, song, *self._bars)

    @property
    def _silent(self) -> bool:
        return self.player.playback is None or self.player.playback.output_mix.reader is None

    async def _finished(self, take: Take) -> None:
        """The render that is heard has become a take: it goes on as that."""
        asked = wanted(self._index, take, *self._bars)
        tempo_map = tempo_map_of(take)
        scene = await asyncio.to_thread(self._scene_builder.take_scene, asked, tempo_map)
        await self._start(scene, self._options.side, stays=self._sounds and not self._silent)
        self._job = ""
        self.tell()
