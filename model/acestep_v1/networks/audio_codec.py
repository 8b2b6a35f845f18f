"""Stereo audio at 44.1 kHz <-> latents [1, 8, 16, T], one frame for 4096 samples (92.88 ms).

Both directions run in parts of the time wherever the networks see a few frames only; what sees everything (the
attention at the latents' resolution) runs on the whole. So the result does not depend on the parts, but for rounding.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from model.acestep_v1.networks.codec_network import DECODER_CONTEXT, FACTOR, Codec, stretches
from model.acestep_v1.networks.mel import HOP, MelPicture, scaled, unscaled
from model.acestep_v1.networks.vocoder import CONTEXT, Vocoder
from model.engine import ShouldStop, stop_if_asked

FRAME = FACTOR * HOP
"""Samples of a latent frame."""
_SHIFT, _SCALE = 1.9091, 0.1786
_VOCODER_CONTEXT = -(-CONTEXT // FACTOR)


class AudioCodec:
    """The two networks and the mel tables. frames: latent frames to work on at once."""

    def __init__(self, codec: Codec, vocoder: Vocoder, mel: MelPicture, frames: int = 64) -> None:
        self._codec = codec
        self._vocoder = vocoder
        self._mel = mel
        self._frames = frames

    def encode(self, audio: Tensor) -> Tensor:
        """Audio [2, S] -> latents [1, 8, 16, ceil(S / 4096)], float32; zeros fill the last frame."""
        padded = functional.pad(audio, (0, -audio.shape[1] % FRAME))
        with torch.no_grad():
            picture = scaled(self._mel.of(padded.to(self._mel.window)))[None]
            return self.of_picture(picture)

    def of_picture(self, picture: Tensor) -> Tensor:
        """A scaled picture [1, 2, 128, 8 T] -> latents."""
        weight = self._codec.encoder.conv_in.weight
        found: Tensor = self._codec.encoder(picture.to(weight), self._frames)
        return (found.float() + _SHIFT) * _SCALE

    def decode(
        self, latents: Tensor, frames: tuple[int, int] | None = None, should_stop: ShouldStop = lambda: False
    ) -> Iterator[Tensor]:
        """The audio of the half-open `frames` (None = all), in pieces [2, n] in order, float32 on the CPU.

        latents: of the whole window: what lies outside the frames still shapes what is inside. Raises RenderStopped.
        """
        first, end = frames or (0, latents.shape[-1])
        weight = self._codec.decoder.conv_in.weight
        with torch.no_grad():
            seen = self._codec.decoder.seen((latents.float() / _SCALE - _SHIFT).to(weight))
            for begin, last, keep in stretches(end - first, self._frames, 0):
                stop_if_asked(should_stop)
                yield self._wave(seen, first + begin, first + last, should_stop)[
                    :, : (keep.stop - keep.start) * FRAME
                ]

    def _wave(self, seen: Tensor, begin: int, end: int, should_stop: ShouldStop) -> Tensor:
        """Audio [2, n] of the frames begin..end."""
        low, high = max(0, begin - _VOCODER_CONTEXT), min(seen.shape[-1], end + _VOCODER_CONTEXT)
        start, stop = max(0, low - DECODER_CONTEXT), min(seen.shape[-1], high + DECODER_CONTEXT)
        wide = self._codec.decoder.widened(seen[..., start:stop])
        picture = unscaled(wide[0, ..., (low - start) * FACTOR : (high - start) * FACTOR].float())
        channels = []
        for channel in picture:  # one at a time: half the memory
            stop_if_asked(should_stop)
            wave = self._vocoder(channel[None].to(self._vocoder.head.conv_pre.weight))[0]
            channels.append(wave[:, (begin - low) * FRAME : (end - low) * FRAME].float().cpu())
        return torch.cat(channels)
