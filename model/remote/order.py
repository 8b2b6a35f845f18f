"""What is asked of a server that runs ACE-Step: a window of the song, the zone of it to make anew, and the words.

The window and the zone lie on the network's grid of 40 ms, counted from the song's first sample: so both edges of the
zone fall on the server's own grid, and it has nothing to round. Pure but for cutting the song.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from model.acestep.conditioning import prompts
from model.acestep.conditioning.audio_rate import song_audio
from model.acestep.conditioning.prompts import Metas
from model.acestep.latent_grid import FRAMES_PER_SECOND, HOP, MAX_FRAMES, Window, hop_of, plan_window
from model.acestep.weights.capabilities import MODEL_TASK, ModelTask
from model.engine import RenderRequest, Samples, Task
from model.errors import CannotRender

MIX = "mix"
LEAST_AROUND_SECONDS = 1.0
"""Song on each side even where a request wants none: the server's gain is measured there."""
MAX_SECONDS = (MAX_FRAMES - 1) / FRAMES_PER_SECOND
SEEDS = 2**31
"""Servers read seeds as JSON numbers: all of them keep 31 bits."""
_STEP = 0x9E3779B1
"""Odd, so that the seeds of the takes differ: multiples of it repeat after 2^31 takes only."""
ONE_BY_ONE = (ModelTask.EXTRACT, ModelTask.LEGO)


@dataclass(frozen=True)
class SentAudio:
    """The window as it is sent: float32 [frames, 2] at 48 kHz, nothing in it above full scale.

    scale: what the song was multiplied by. digest: the song's.
    """

    samples: Samples
    scale: float
    digest: str


@dataclass(frozen=True)
class Order:
    """One piece of audio to ask for.

    stem: its name. tracks: those of extract, lego and complete. zone: half-open frames of the window to make anew;
    None = all of it. sent: None for a new song. seed: 31 bits. strength, options: the request's.
    """

    task: ModelTask
    stem: str
    tracks: tuple[str, ...]
    window: Window
    zone: tuple[int, int] | None
    sent: SentAudio | None
    caption: str
    lyrics: str
    language: str
    metas: Metas
    seed: int
    strength: float
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Of the window."""
        return self.window.frames / FRAMES_PER_SECOND

    @property
    def zone_seconds(self) -> tuple[float, float]:
        """The zone, counted from the window's start."""
        assert self.zone is not None, "only a repaint has a zone"
        return self.zone[0] / FRAMES_PER_SECOND, self.zone[1] / FRAMES_PER_SECOND


def orders_of(
    request: RenderRequest, every_track: tuple[str, ...]
) -> tuple[tuple[Order, ...], tuple[str, ...]]:
    """The orders of a request for one take, a stem each, and what the producer should know.

    Raises CannotRender for a region that is too long, and for a song with samples that are no numbers.
    """
    task = MODEL_TASK[request.task]
    window = window_of(request)
    metas, notes = _metas(request, window)
    lyrics = request.lyrics or (prompts.INSTRUMENTAL if request.task is Task.GENERATE else "")
    sent = sent_audio(request, window)
    names = tuple(dict.fromkeys(request.stems))
    if task is ModelTask.EXTRACT:
        names = names or every_track
    split = task in ONE_BY_ONE and bool(names)
    found = tuple(
        Order(
            task=task,
            stem=tracks[0] if split else MIX,
            tracks=tracks,
            window=window,
            zone=window.region if task is ModelTask.REPAINT else None,
            sent=sent,
            caption=request.caption,
            lyrics=lyrics,
            language=request.language,
            metas=metas,
            seed=sent_seed(request.seed, request.take),
            strength=request.strength,
            options=request.options,
        )
        for tracks in ([(name,) for name in names] if split else [names])
    )
    return found, notes


def window_of(request: RenderRequest) -> Window:
    """The window; its region is the zone, which holds the pre- and post-roll too.

    Where the song does not go on, the zone is a frame longer than what is wanted: servers lose one at the end.
    """
    song = 0 if request.song is None or request.task is Task.GENERATE else request.song.frames
    around = request.context_seconds
    wanted = request.start - request.handle, request.end + request.handle
    spare = hop_of(request.rate) if wanted[1] >= song else 0
    found = plan_window(
        wanted[0],
        wanted[1] + spare,
        song,
        request.rate,
        surround_seconds=None if around is None else max(around, LEAST_AROUND_SECONDS),
        ending=request.ending,
    )
    return replace(found, wanted=wanted)


def sent_audio(request: RenderRequest, window: Window) -> SentAudio | None:
    """The window's part of the song, silence where there is none; None for a new song. Raises CannotRender."""
    if request.task is Task.GENERATE:
        return None
    song = request.required_song
    samples = np.zeros((window.frames * HOP, 2), np.float32)
    first, end = window.source
    if first < end:
        samples[first * HOP : end * HOP] = song_audio(song.samples, song.rate, window.song_frames).T
    if not np.isfinite(samples).all():
        raise CannotRender("The song contains invalid samples (NaN or infinity).", "Bounce the source again.")
    peak = float(np.abs(samples).max(initial=0.0))
    scale = 1.0 if peak <= 1.0 else 1.0 / peak
    return SentAudio(samples if scale == 1.0 else (samples * np.float32(scale)), scale, song.digest)


def sent_seed(seed: int, take: int) -> int:
    """The seed of a take, 31 bits: take 0 of a small seed keeps it."""
    return (seed + take * _STEP) % SEEDS


def _metas(request: RenderRequest, window: Window) -> tuple[Metas, tuple[str, ...]]:
    """The metadata at the region's first beat."""
    grid, seconds = request.grid, window.frames / FRAMES_PER_SECOND
    if len(grid.seconds) == 0:
        return prompts.metas_from_host(None, None, grid.unit, request.key, seconds)
    at = int(np.searchsorted(grid.seconds, request.start / request.rate + 1e-6, side="right")) - 1
    at = max(0, at)
    tempo, beats = float(grid.quarters_per_minute[at]), int(grid.bar_beats[at])
    return prompts.metas_from_host(tempo, beats, grid.unit, request.key, seconds)
