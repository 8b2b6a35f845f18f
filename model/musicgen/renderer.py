"""Runs one request with a loaded checkpoint: what is heard of the song, the music, and its way back to the project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.acestep.delivered_pieces import MIX, DeliveredPieces
from model.dsp.resample import resample, resample_pieces
from model.dsp.window import read_window
from model.engine import Rendered, RenderRequest, Report, Samples, Song, Task
from model.errors import CannotRender
from model.library_checkpoint import UNTRAINED
from model.musicgen.long_music import long_music, overlap_frames
from model.musicgen.melody_network import MelodyNetwork, WindowPlan
from model.musicgen.musicgen_settings import MusicgenSettings
from model.musicgen.published_musicgen import MusicgenCheckpoint
from model.pace import Pace
from model.placed_audio import placed, with_channels
from model.tagged_caption import tagged_caption
from model.weight_header import fingerprint

BACKING = "backing"
NOT_COMMERCIAL = "MusicGen's weights are under CC-BY-NC 4.0: what they make is not for commercial use."
NOT_ON_BARS = "MusicGen follows the notes of the melody, not your bars: the beat may drift."
NOT_AFTER = "MusicGen does not hear what comes after the region: check where it ends."
NO_ENDING = "MusicGen cannot be told to end the song; it simply stops."
_MARGIN_FRAMES = 2
"""More than is wanted, so that the resampler's last piece never falls short."""
_LEAST_SECONDS = 1.0
_HEARD = 0.03  # of a render's time


class MusicgenRenderer:
    """Renders requests with one checkpoint. device: its name for producers."""

    def __init__(self, checkpoint: MusicgenCheckpoint, place: torch.device, device: str) -> None:
        """Raises NotLoaded."""
        self.checkpoint = checkpoint
        self._device = device
        self._network = MelodyNetwork(checkpoint, place)
        self._fingerprint = fingerprint(sorted(checkpoint.path.glob("*.safetensors")))

    def render(self, request: RenderRequest, settings: MusicgenSettings, pace: Pace) -> Iterator[Rendered]:
        """See model.engine.Engine: one take. Pieces come in order; the Report comes last."""
        network, rate = self._network, request.rate
        prompt = self._prompt(request, pace) if request.task is Task.COMPLETE else None
        melody = self._melody(request, pace) if request.task is Task.ACCOMPANY else None
        before = 0 if prompt is None else prompt.shape[1]
        begins = request.start - round(before * network.frame * rate / network.rate)
        seconds = (request.end + request.handle - request.start) / rate
        frames = int(np.ceil(seconds * network.rate / network.frame)) + _MARGIN_FRAMES
        plan = WindowPlan(tagged_caption(request), None, prompt, frames, request.seed, request.take, 0)

        def chroma_at(frame: int) -> Tensor | None:
            if melody is None:
                return None
            first = max(frame, 0) * network.frame
            return network.melody(melody[first : first + network.window_frames * network.frame])

        music = long_music(network, plan, chroma_at, settings, pace.part(_HEARD, 1.0))
        stem = BACKING if request.task is Task.ACCOMPANY else MIX
        delivered = DeliveredPieces(request)
        wanted = request.start - request.handle, request.end + request.handle
        for position, samples in placed(resample_pieces(music, network.rate, rate), begins, wanted):
            yield from delivered.pieces(stem, position, with_channels(samples, request.channels))
        pace.at("ready", 1.0)
        yield self._report(request, settings, before, melody is not None, delivered.peak)

    def _prompt(self, request: RenderRequest, pace: Pace) -> Tensor:
        """Codes of what comes before the region, up to its first sample. Raises CannotRender if there is too little."""
        pace.at("listening to what comes before", 0.0)
        network, song = self._network, request.required_song
        seconds = request.start / song.rate
        if request.context_seconds is not None:
            seconds = min(seconds, max(_LEAST_SECONDS, request.context_seconds))
        frames = min(overlap_frames(network), int(seconds * network.rate / network.frame))
        if frames < 1:
            raise CannotRender(
                "There is nothing before the region that MusicGen could go on from.",
                "Choose a region after the song's start, or the engine acestep.",
            )
        first = request.start - round(frames * network.frame * song.rate / network.rate)
        before = read_window(song.samples, first, request.start)
        heard = resample(before, song.rate, network.rate, frames * network.frame, check=pace.check)
        return network.encode(heard, pace)

    def _melody(self, request: RenderRequest, pace: Pace) -> Samples:
        """The song from the region's start on, in mono at the network's rate."""
        pace.at("listening to the melody", 0.0)
        song: Song = request.required_song
        mono = read_window(song.samples, request.start, request.end).mean(axis=1, dtype=np.float32)
        return resample(mono[:, None], song.rate, self._network.rate, check=pace.check)

    def _report(
        self, request: RenderRequest, settings: MusicgenSettings, before: int, melody: bool, peak: float
    ) -> Report:
        network, name = self._network, self.checkpoint.name
        figures: dict[str, Any] = {
            "checkpoint": name,
            "guidance": settings.guidance,
            "temperature": settings.temperature,
            "top_k": settings.top_k,
            "heard_before_seconds": round(before * network.frame / network.rate, 3),
            "follows_melody": melody,
            "device": self._device,
            "weights_digest": self._fingerprint,
            "peak": round(peak, 6),
        }
        song = request.song
        inside = request.task is Task.COMPLETE and song is not None and request.end < song.frames
        notes = (
            NOT_COMMERCIAL,
            *((UNTRAINED,) if self.checkpoint.untrained else ()),
            *((NOT_ON_BARS,) if melody else ()),
            *((NOT_AFTER,) if inside else ()),
            *((NO_ENDING,) if request.ending else ()),
        )
        task = request.task.value
        if self.checkpoint.untrained:
            return Report(f"Noise from untrained weights ({name}): {task}.", figures, notes, name)
        return Report(f"Generated by MusicGen Melody ({name}): {task}.", figures, notes, name)
