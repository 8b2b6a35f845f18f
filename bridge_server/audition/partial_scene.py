"""The scene of a render in progress: the song with the part of the take that is rendered so far. Pure."""

from __future__ import annotations

import numpy as np

from bridge_server.audition.layered_audio import LayeredAudio, Patch
from bridge_server.audition.loop_range import last_bar_line, loop_range_around
from bridge_server.audition.loop_reader import rising
from bridge_server.audition.scene import ORIGINAL, TAKE, Scene
from bridge_server.audition.scene_builder import SceneBuilder, accepted_takes, beside
from bridge_server.audition.state import Bars
from bridge_server.rendering.partial_render import PartialRender
from clip_store.index import TakeIndex
from clip_store.mix.accepted import AcceptedSong
from clip_store.take import MIX
from daw_protocol.timeline import Span


def render_scene(render: PartialRender, accepted: AcceptedSong, builder: SceneBuilder, bars: Bars) -> Scene:
    """What can be played by now, after reading what was written since. For a thread; several may call it."""
    render.catch_up()
    song = None if render.song is None else builder.song_audio(render.song, accepted)
    return partial_scene(render, song, *bars)


def partial_scene(render: PartialRender, song: LayeredAudio | None, before: int, after: int) -> Scene:
    """What can be played now. song: the one the render is for, None if it has none.

    It plays up to the last bar line that is rendered, then loops.
    """
    plan, ready = render.plan, render.ready  # once: another thread may read more of it meanwhile
    origin = plan.region.start - plan.region_in_song.start
    channels = plan.channels if song is None else song.channels
    base = song if song is not None else LayeredAudio(np.zeros((0, channels), np.float32), plan.rate)
    audio = {TAKE: base.with_patches(_patches(render, ready, base))}
    if song is not None:
        audio[ORIGINAL] = song
    extent = Span(min(origin, plan.region.start), max(origin + base.frames, plan.region.end))
    loop_range = loop_range_around(plan.region, before, after, plan.tempo_map, plan.rate, extent)
    return Scene(
        place=render_place(render), audio=audio, origin=origin, tempo_map=plan.tempo_map,
        loop_range=loop_range, job=render.job.id, song=render.song.parent if render.song else "", region=plan.region,
        ready=ready_up_to(render, ready, loop_range),
    )  # fmt: skip


def accepted_during(index: TakeIndex, render: PartialRender) -> AcceptedSong:
    """What is accepted in the song of a render and plays together with it, as far as its song does not have it."""
    song, plan = render.song, render.plan
    if song is None or (
        song.heard and song.heard.begins
    ):  # positions of the song as it came do not hold there
        return AcceptedSong("")
    accepted = accepted_takes(index, song.parent)
    if song.heard:
        there = set(song.heard.takes)
        accepted = accepted.only(
            lambda comp: not accepted.replaces(comp) and not there & {part.take for part in comp.parts}
        )
    return beside(accepted, plan.region_in_original, plan.spec.placement, render.stem or MIX)


def render_place(render: PartialRender) -> tuple[str, str, int]:
    """The scene's place: each take of each job has its own."""
    return ("render", render.job.id, render.number)


def ready_up_to(render: PartialRender, ready: int, loop_range: Span) -> int | None:
    """The last bar line that is rendered; None when everything is. ready: frames of the region."""
    region = render.plan.region
    if ready >= region.length:
        return None
    line = last_bar_line(render.plan.tempo_map, region.start + ready, render.plan.rate)
    return max(loop_range.start, min(line, loop_range.end))


def entry_fade(render: PartialRender, ready: int) -> int:
    """Frames over which the song fades into the render, of which `ready` frames are there; they never change later
    unless this does."""
    plan = render.plan
    if not plan.spec.spliced or plan.region_in_song.start <= 0:
        return 0
    return min(round(plan.request.crossfade / 1000 * plan.rate), ready, plan.region.length // 2)


def _patches(render: PartialRender, ready: int, base: LayeredAudio) -> list[Patch]:
    if render.samples is None or ready == 0:
        return []
    start = render.plan.region_in_song.start
    there = render.samples[:ready]
    spec = render.plan.spec
    if not spec.spliced:
        return [Patch(start, there, adds=not spec.placement.covers_song)]
    fade = entry_fade(render, ready)
    if fade == 0:
        return [Patch(start, there)]
    # A linear crossfade: the one of the finished take depends on its sound up to the end.
    entry = base.read(start, fade)
    entry += (there[:fade] - entry) * rising(0, fade, fade)
    return [Patch(start, entry), Patch(start + fade, there[fade:])]
