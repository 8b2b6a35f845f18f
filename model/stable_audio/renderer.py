"""Runs one request with a loaded checkpoint: what is heard of the song, the sound, and its way back to the project."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from model.acestep.conditioning.fitting_words import counted
from model.acestep.delivered_pieces import MIX, DeliveredPieces
from model.dsp.resample import resample, resample_pieces
from model.dsp.window import read_window
from model.engine import OnProgress, Rendered, RenderRequest, Report, Samples, Song, Task
from model.errors import CannotRender
from model.library_checkpoint import UNTRAINED
from model.pace import Pace
from model.placed_audio import placed, with_channels
from model.stable_audio.audio_network import AudioNetwork, SoundPlan
from model.stable_audio.published_stable_audio import StableAudioCheckpoint
from model.stable_audio.sound_window import SoundWindow, window_around
from model.stable_audio.stable_audio_settings import StableAudioSettings
from model.tagged_caption import tagged_caption
from model.weight_header import fingerprint

LICENSED = (
    "Stable Audio Open's weights are under the Stability AI Community License: commercial use is free below 1 million "
    "USD of revenue a year and must be registered with Stability AI; above, it takes a paid licence."
)
NOT_ON_BARS = "Stable Audio Open knows key and tempo as words only, not your bars: the beat may drift."
NOT_AVOIDED = "With guidance 1 nothing is avoided; a higher guidance heeds `avoid`."
EDGE_SAMPLES = 2048
"""Of the network's rate: more than is wanted on each side, so that the resampler's edges are never heard."""
_HEARD, _DRAWN = 0.05, 0.85  # of a render's time


class StableAudioRenderer:
    """Renders requests with one checkpoint. device: its name for producers."""

    def __init__(
        self, checkpoint: StableAudioCheckpoint, place: torch.device, device: str, progress: OnProgress
    ) -> None:
        """Raises NotLoaded."""
        self.checkpoint = checkpoint
        self._device = device
        self._network = AudioNetwork(checkpoint, place, progress)
        self._fingerprint = fingerprint(sorted(checkpoint.path.glob("*/*.safetensors")))
        self._heard: tuple[tuple[str, SoundWindow], Tensor] | None = None

    def render(self, request: RenderRequest, settings: StableAudioSettings, pace: Pace) -> Iterator[Rendered]:
        """See model.engine.Engine: one take. Pieces come in order; the Report comes last."""
        window = self._window(request)
        plan = self._plan(request, settings, window, pace.part(0.0, _HEARD))
        latents = self._network.draw(plan, settings, pace.part(_HEARD, _DRAWN))
        delivered = DeliveredPieces(request)
        for position, samples in self._placed(latents, request, window, pace.part(_DRAWN, 1.0)):
            yield from delivered.pieces(MIX, position, with_channels(samples, request.channels))
        pace.at("ready", 1.0)
        yield self._report(request, settings, plan, window, delivered.peak)

    def _plan(
        self, request: RenderRequest, settings: StableAudioSettings, window: SoundWindow, pace: Pace
    ) -> SoundPlan:
        rate = request.rate
        new = SoundPlan(tagged_caption(request), window.length / rate, request.seed, request.take)
        if request.task is not Task.REPAINT:
            return new
        known = self._known(request.required_song, window, pace)
        first = self._sample(request.start - window.first, rate) / self._network.hop
        end = self._sample(request.end - window.first, rate) / self._network.hop
        noise = settings.noise_level(request.strength)
        return replace(new, known=known, free=range(math.floor(first), math.ceil(end)), noise=noise)

    def _placed(
        self, latents: Tensor, request: RenderRequest, window: SoundWindow, pace: Pace
    ) -> Iterator[tuple[int, Samples]]:
        """The sound of the region and its handles at the project's rate, with its frames."""
        network, rate = self._network, request.rate
        wanted = request.start - request.handle, request.end + request.handle
        first = math.floor(self._sample(wanted[0] - window.first, rate)) - EDGE_SAMPLES
        end = math.ceil(self._sample(wanted[1] - window.first, rate)) + EDGE_SAMPLES
        # Decoding begins where a sample of the network is a frame of the project too.
        step = network.rate // math.gcd(rate, network.rate)
        first = max(0, first) // step * step
        audio = network.decode(latents, first, min(end, network.frames * network.hop), pace)
        begins = window.first + first * rate // network.rate
        return placed(resample_pieces(audio, network.rate, rate), begins, wanted)

    def _sample(self, frames: int, rate: int) -> float:
        """Frames at a rate as samples of the network."""
        return frames * self._network.rate / rate

    def _window(self, request: RenderRequest) -> SoundWindow:
        """What the network makes at once, in frames of the project. Raises CannotRender if the region is longer."""
        network, rate = self._network, request.rate
        start, end = request.start - request.handle, request.end + request.handle
        room = (network.frames * network.hop - EDGE_SAMPLES) * rate // network.rate
        if end - start > room:
            raise CannotRender(
                f"Stable Audio Open makes at most {room / rate:.1f} s at once, and the region with its pre- and "
                f"post-roll has {(end - start) / rate:.1f} s.",
                "Select a shorter region, or use the engine acestep.",
            )
        if request.task is not Task.REPAINT:
            return SoundWindow(start, end)
        most = None if request.context_seconds is None else round(request.context_seconds * rate)
        return window_around(start, end, request.required_song.frames, room, most)

    def _known(self, song: Song, window: SoundWindow, pace: Pace) -> Tensor:
        """Latents of the song in the window; heard once for all takes."""
        network, about = self._network, (song.digest, window)
        if self._heard is None or self._heard[0] != about:
            self._heard = None
            heard = with_channels(read_window(song.samples, window.first, window.end), network.channels)
            audio = resample(heard, song.rate, network.rate, check=pace.check)
            self._heard = about, network.encode(read_window(audio, 0, network.frames * network.hop), pace)
        return self._heard[1]

    def _report(
        self,
        request: RenderRequest,
        settings: StableAudioSettings,
        plan: SoundPlan,
        window: SoundWindow,
        peak: float,
    ) -> Report:
        name = self.checkpoint.name
        figures: dict[str, Any] = {
            "checkpoint": name,
            "guidance": settings.guidance,
            "steps": settings.steps,
            "avoid": settings.avoid,
            "device": self._device,
            "weights_digest": self._fingerprint,
            "peak": round(peak, 6),
        }
        if plan.noise is not None:
            figures |= {
                "noise": round(self._network.first_level(plan.noise), 4),
                "heard_before_seconds": round((request.start - window.first) / request.rate, 3),
                "heard_after_seconds": round((window.end - request.end) / request.rate, 3),
            }
        notes = (
            LICENSED,
            *((UNTRAINED,) if self.checkpoint.untrained else ()),
            NOT_ON_BARS,
            *self._unread(plan.caption, settings.avoid if settings.guided else ""),
            *((NOT_AVOIDED,) if settings.avoid and not settings.guided else ()),
        )
        task = request.task.value
        if self.checkpoint.untrained:
            return Report(f"Noise from untrained weights ({name}): {task}.", figures, notes, name)
        return Report(f"Generated by Stable Audio Open ({name}): {task}.", figures, notes, name)

    def _unread(self, caption: str, avoid: str) -> Iterator[str]:
        """A note for each text that is longer than the network reads."""
        network = self._network
        if lost := network.unread(caption):
            yield (
                f"The prompt exceeds the model's limit ({network.tokens} tokens, including tempo and key): "
                f"{counted(lost)} ignored."
            )
        if lost := network.unread(avoid):
            yield f"What is to be avoided exceeds the model's limit ({network.tokens} tokens): {counted(lost)} ignored."
