"""Carries out the audition's commands: applies `transition`, does the effects, and publishes the new state.

Who runs where: the state, the lock and every decision live on the event loop. Whatever touches the sound device runs
in one thread of its own, "audition", because on Windows a device belongs to the thread that opened it. Songs and takes
are read and measured in the loop's common threads. A command holds the lock until all of that is done; events of
renders wait for the lock as commands do, so that they take effect in the order in which they happened.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from bridge_server.audition.commands import (
    AwaitRender,
    Command,
    DeviceMoved,
    PlayScene,
    RenderBegan,
    RenderDone,
    RenderGrown,
    SetBars,
    Stop,
    SwitchTake,
)
from bridge_server.audition.effects import (
    AlignPlayback,
    ChangePlayback,
    Effect,
    MutePlayback,
    StartPlayback,
    StopPlayback,
    SwitchTransport,
)
from bridge_server.audition.partial_scene import accepted_during, render_place, render_scene
from bridge_server.audition.player import Player
from bridge_server.audition.scene import ORIGINAL, Scene, not_playing, within
from bridge_server.audition.scene_builder import SceneBuilder, accepted_takes, scene_request, tempo_map_of
from bridge_server.audition.sound_devices import SoundDevices
from bridge_server.audition.state import Bars, ControllerState, Playing, Stopped
from bridge_server.audition.transition import transition
from bridge_server.audition.transport_sync import OpenTransport, TransportSync
from bridge_server.errors import as_protocol_error
from bridge_server.rendering.partial_render import (
    PartialRender,
    PartialRenders,
    RenderFinished,
    RenderGrew,
    auditioned_take,
)
from bridge_server.sessions.events import Events, JobReply, Notice
from bridge_server.songs.sources import Song
from bridge_server.supervisor import Supervisor
from clip_store.errors import ClipStoreError
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol.errors import ProtocolError
from daw_protocol.replies import AuditionState, Cancelled, Done, Reply
from daw_protocol.results import OutputDevice
from daw_protocol.timeline import Position, Span, TempoMap

log = logging.getLogger(__name__)

TICKS_PER_SECOND = 30  # checks of the device, the transport and the end
TICKS_PER_NOTICE = 2  # the position is published with every second one

INTERNAL_ERROR = "Internal error in the audition; playback stopped. The server's log has the details."

Result = TypeVar("Result")


class AuditionController:
    """One per server. `apply` takes the commands that need no audio; the other methods read audio first."""

    def __init__(
        self,
        store: ClipStore,
        live: PartialRenders,
        events: Events,
        supervisor: Supervisor,
        devices: SoundDevices | None = None,
        transports: Mapping[str, OpenTransport] | None = None,
    ) -> None:
        self._index = store.index
        self._live = live
        self._events = events
        self._supervisor = supervisor
        self.scene_builder = SceneBuilder(store.blobs)
        self.player = Player(devices or SoundDevices())
        self.transport_sync = TransportSync(self.player, transports or {})
        self._state = ControllerState()
        self._lock = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "audition")
        self._ticking: asyncio.Task[None] | None = None
        self._subscriptions = (
            events.subscribe(RenderGrew, lambda event: self._later(self._show_render(event.render, ()))),
            events.subscribe(
                RenderFinished, lambda event: self._later(self._show_render(event.render, event.takes))
            ),
            events.subscribe(JobReply, self._job_reply),
        )

    # Commands

    async def apply(self, command: Command) -> None:
        """Raises ProtocolError when the command is refused or the device cannot do it."""
        async with self._lock:
            await self._apply(command)

    async def play_take(
        self,
        take: Take,
        side: str,
        before: int | None,
        after: int | None,
        span: tuple[Position | None, Position | None],
        stems: tuple[str, ...] = (),
    ) -> None:
        """A take in its song, between two positions where they are given; stems: heard together, instead of it."""
        async with self._lock:
            bars = self._state.bars_or(before, after)
            scene = await self._take_scene(take, bars, stems)
            await self._apply(PlayScene(within(scene, span), side, bars))

    async def play_song(
        self, song: Song, tempo_map: TempoMap, origin: int, span: tuple[Position | None, Position | None]
    ) -> None:
        """A song with its accepted takes. origin: position of its first sample on the timeline."""
        async with self._lock:
            accepted = accepted_takes(self._index, song.digest)
            scene = await asyncio.to_thread(self.scene_builder.song_scene, song, accepted, tempo_map, origin)
            await self._apply(PlayScene(within(scene, span), ORIGINAL, self._state.bars))

    async def play_job(self, job: str, before: int | None, after: int | None) -> None:
        """A render in progress, or one still queued, which plays when it has a bar."""
        async with self._lock:
            bars = self._state.bars_or(before, after)
            render = self._live.of_job(job)
            if render is not None:
                await self._apply(await self._grown(render, bars))
            else:
                await self._apply(AwaitRender(job, bars))

    async def step(self, by: int) -> None:
        """The take `by` places after this one among those of its place, which form a circle."""
        async with self._lock:
            playing = self._state.playing()
            if not playing.scene.take:
                raise not_playing("No take is playing.", "Play a take first.")
            take = self._index.get(playing.scene.take)
            request = scene_request(self._index, take, *playing.bars)
            ids = [one.id for one in request.siblings]
            other = request.siblings[(ids.index(take.id) + by) % len(ids)]
            scene = await asyncio.to_thread(
                self.scene_builder.take_scene, replace(request, take=other), playing.scene.tempo_map
            )
            await self._apply(SwitchTake(scene, only=other.id == take.id))

    async def set_bars(self, before: int | None, after: int | None) -> None:
        """The bars around takes, for the one that plays too."""
        async with self._lock:
            bars, now, scene = self._state.bars_or(before, after), self._state.scene, None
            if now is not None and now.take:
                scene = await self._take_scene(self._index.get(now.take), bars, now.stems)
            await self._apply(SetBars(bars, scene, self.player.position))

    async def devices(self) -> list[OutputDevice]:
        """The outputs of this machine; while one plays, those there were when it was opened."""
        async with self._lock:
            found = await self._in_thread(self.player.devices.list)
            return [device.record() for device in found]

    async def choose_device(self, name: str) -> str:
        """Returns the name of the device that plays, or will. Raises ProtocolError."""
        async with self._lock:
            used = await self._in_thread(self.player.choose, name, self._state.options)
            self._publish()
            return used

    async def close(self) -> None:
        """Stops for good."""
        for unsubscribe in self._subscriptions:
            unsubscribe()
        if self._ticking is not None:
            self._ticking.cancel()
        await self.transport_sync.close()
        await self._in_thread(self.player.close)

    # State

    def bars_or(self, before: int | None, after: int | None) -> Bars:
        """The bars a request gives around a take, completed by the usual ones."""
        return self._state.bars_or(before, after)

    def state(self) -> AuditionState:
        """The state as clients get it."""
        now, scene, options = self._state, self._state.scene, self._state.options
        side = scene.side(options.side) if scene else options.side
        position = self.player.position
        loop_range = scene.loop_range if scene else Span(position, position)
        return AuditionState(
            state=self._state_name(), take=scene.take if scene else "", job=now.job, song=scene.song if scene else "",
            side=side, position=position, start=loop_range.start, end=loop_range.end, loop=options.loops,
            stems=", ".join(scene.stems) if scene else "",
            auto=now.auto, before=now.bars.before, after=now.bars.after, gain_db=options.gain_db,
            match=options.match, match_db=scene.gains_db.get(side, 0.0) if scene and options.match else 0.0,
            message=now.message, **self.player.figures(), **self.transport_sync.figures(),
        )  # fmt: skip

    def _state_name(self) -> str:
        match self._state.activity:
            case Stopped():
                return "stopped"
            case Playing(scene) if not scene.waits and (
                not self._state.options.free or self.transport_sync.rolling
            ):
                return "playing"
            case _:
                return "waiting"

    def _publish(self) -> None:
        self._events.publish(Notice(self.state()))

    # Carrying out; the caller holds the lock

    async def _apply(self, command: Command) -> None:
        after, effects = transition(self._state, command)
        if after == self._state and not effects:
            return
        for effect in effects:
            await self._run(effect)
        self._state = after
        if isinstance(after.activity, Playing) and (self._ticking is None or self._ticking.done()):
            self._ticking = self._supervisor.spawn("audition playback", self._tick_while_playing())
        self._publish()

    async def _run(self, effect: Effect) -> None:
        match effect:
            case StartPlayback(scene, options):
                self.transport_sync.scene = scene
                followed = self.transport_sync.position() if options.free else None
                position = scene.loop_range.start if followed is None else followed
                await self._in_thread(self.player.play, scene, options, position)
            case ChangePlayback(scene, options, position):
                self.transport_sync.scene = scene
                await self._in_thread(self.player.change, scene, options, position)
            case AlignPlayback(scene, options, place):
                await self._in_thread(self.player.align, scene, options, place)
            case MutePlayback():
                await self._in_thread(self.player.mute)
            case StopPlayback():
                await self._in_thread(self.player.stop)
            case SwitchTransport(what, port):
                await self.transport_sync.follow(what, port)

    async def _in_thread(self, function: Callable[..., Result], *given: Any) -> Result:
        """Runs what touches the device in its thread. Fails with an open device, or with the state stopped."""
        try:
            return await self._call(function, *given)
        except BaseException:
            if self.player.playback is None and isinstance(self._state.activity, Playing):
                self._state = replace(self._state, activity=Stopped())
                self._publish()
            raise

    async def _call(self, function: Callable[..., Result], *given: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(function, *given))

    async def _take_scene(self, take: Take, bars: Bars, stems: tuple[str, ...] = ()) -> Scene:
        request = scene_request(self._index, take, *bars, stems)
        return await asyncio.to_thread(self.scene_builder.take_scene, request, tempo_map_of(take))

    # Playback

    async def _tick_while_playing(self) -> None:
        ticks = 0
        while isinstance(self._state.activity, Playing):
            await asyncio.sleep(1 / TICKS_PER_SECOND)
            async with self._lock:
                await self._guarded(self._tick())
            ticks += 1
            if ticks % TICKS_PER_NOTICE == 0 and isinstance(self._state.activity, Playing):
                self._publish()

    async def _tick(self) -> None:
        scene, options = self._state.scene, self._state.options
        if scene is None:
            return
        if self.player.broken:
            await self._move()
        elif options.free:
            effect = self.transport_sync.check(scene, options)
            if effect is not None:
                await self._run(effect)
        elif self.player.ended:
            await self._apply(Stop())

    async def _move(self) -> None:
        """The device is lost: another one, if there is any."""
        lost = self.player.playback.outlet.name if self.player.playback else ""
        try:  # not by _in_thread: whoever sees that playback has stopped sees why
            now = await self._call(self.player.move, self._state.options)
        except ProtocolError as error:
            reason = f"{lost} was disconnected and no other device can play: {error.sentence} Stopped."
            await self._apply(Stop(reason))
        else:
            await self._apply(DeviceMoved(lost, now))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """Background work: an error stops playback and becomes its message."""
        try:
            await work
        except (ProtocolError, ClipStoreError) as problem:
            error = as_protocol_error(problem) if isinstance(problem, ClipStoreError) else problem
            await self._abort(f"{error.sentence} {error.remedy}")
        except Exception:  # a bug must not leave a device playing without a way to stop it
            log.exception("The audition failed")
            await self._abort(INTERNAL_ERROR)

    async def _abort(self, message: str) -> None:
        await self._in_thread(self.player.close)
        await self._apply(Stop(message))

    # Renders

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        self._supervisor.spawn("audition", self._guarded_in_turn(work))

    async def _guarded_in_turn(self, work: Coroutine[Any, Any, None]) -> None:
        async with self._lock:
            await self._guarded(work)

    def _job_reply(self, event: JobReply) -> None:
        if event.reply.terminal:
            self._later(self._end_render(event.job, event.reply))

    async def _end_render(self, job: str, reply: Reply) -> None:
        """A job ended. One that was asked for after its last take was recorded plays that take."""
        if self._state.job != job:
            return
        takes = self._index.list(job=job, limit=1) if isinstance(reply, Done) else ()
        if takes:
            await self._play_finished(job, takes[0])
        else:
            how = "was cancelled" if isinstance(reply, Cancelled) else "failed"
            await self._apply(Stop(f"The render {how}; playback stopped."))

    async def _show_render(self, render: PartialRender, takes: tuple[Take, ...]) -> None:
        """Plays what there is of a render, or its take, if that is what is wanted.

        Several takes of a job may be under way at once: the one that has begun to play is followed to its end.
        """
        job, playing = render.job.id, self._state.scene
        if render.announced and not takes:
            await self._apply(RenderBegan(job))
        if self._state.job != job or (playing is not None and playing.place != render_place(render)):
            return
        take = auditioned_take(render, takes)
        if take is None:
            await self._apply(await self._grown(render, self._state.render_bars))
        else:
            await self._play_finished(job, take)

    async def _play_finished(self, job: str, take: Take) -> None:
        bars = self._state.render_bars
        scene = await self._take_scene(take, bars)
        await self._apply(RenderDone(job, scene, bars, self._silent))

    async def _grown(self, render: PartialRender, bars: Bars) -> RenderGrown:
        """What there is of a render by now, as a scene."""
        accepted = accepted_during(self._index, render)
        scene = await asyncio.to_thread(render_scene, render, accepted, self.scene_builder, bars)
        return RenderGrown(scene, bars, self._silent)

    @property
    def _silent(self) -> bool:
        """Whether no reader plays, so that there is no position to continue from."""
        return self.player.playback is None or self.player.playback.output_mix.reader is None
