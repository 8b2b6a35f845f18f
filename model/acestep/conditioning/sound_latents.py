"""Audio to latents and back with the autoencoder: streamed on a CPU, tiled on an accelerator.

Shapes: T latent frames of 1920 samples at 48 kHz. Latents are float32 [1, T, 64], time before channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from model.acestep.latent_grid import MAX_FRAMES
from model.acestep.networks.vae import LatentDistribution, Vae
from model.acestep.networks.vae_streaming import pieces, stream_encode, stream_span
from model.acestep.networks.vae_tiling import decode_span, encode_tiled
from model.acestep.sampling.samplers import NoisePurpose, OnStep, generator
from model.engine import Samples, ShouldStop, stop_if_asked
from model.torch_device import ASYNCHRONOUS, fetch, send

STREAMED_FRAMES = 16
"""Latent frames per piece on a CPU: within about 5 % of the speed of one pass, and the first audio is ready early."""

_END_FRAMES = 16  # more than the receptive field of the published encoder

_SILENT = 1e-6  # a source entirely below this is silence and is not encoded


def encode(
    vae: Vae,
    audio: Tensor,
    chunk: int = 512,
    streams: bool | None = None,
    on_frames: OnStep = lambda _done, _frames: None,
    should_stop: ShouldStop = lambda: False,
) -> LatentDistribution:
    """Audio [1, 2, T * 1920] at 48 kHz -> the autoencoder's latent distribution, [1, 64, T].

    streams: True = piece by piece, which takes little memory and polls `should_stop` at every layer; False = in tiles
    of at most `chunk` frames; None = streams on a CPU. on_frames: called with (frames done, total frames).
    Raises RenderStopped.
    """
    place = vae.encoder.first.weight.device
    if streams_at(place) if streams is None else streams:
        return _encode_streamed(vae, audio.to(place), on_frames, should_stop)
    stop_if_asked(should_stop)
    return encode_tiled(vae, send(audio, place), chunk)


def streams_at(place: torch.device) -> bool:
    """A CPU gains nothing from long pieces; an accelerator idles on short ones."""
    return place.type == "cpu"


def _encode_streamed(
    vae: Vae, audio: Tensor, on_frames: OnStep, should_stop: ShouldStop
) -> LatentDistribution:
    hop = vae.config.hop
    frames, parts, done = audio.shape[2] // hop, [], 0
    for part in encode_pieces(vae, pieces(audio, STREAMED_FRAMES * hop), should_stop):
        parts.append(part)
        done += part.mean.shape[2]
        on_frames(done, frames)
    return LatentDistribution.joined(parts)


def encode_pieces(
    vae: Vae, audio: Iterable[Tensor], should_stop: ShouldStop = lambda: False
) -> Iterator[LatentDistribution]:
    """Streams pieces [1, 2, t * 1920]; see stream_encode. Polls `should_stop` at every layer; raises RenderStopped."""
    yield from stream_encode(vae, audio, lambda: stop_if_asked(should_stop))


def silence_of(vae: Vae, frames: int = MAX_FRAMES) -> Tensor:
    """Latents of silence [1, frames, 64], as checkpoints store them, for files without: encoded silence.

    Only the frames near the two ends differ; all others are equal, so they are encoded once. frames: more than 32.
    """
    shown = 2 * _END_FRAMES + 1
    quiet = torch.zeros(
        1, vae.config.audio_channels, shown * vae.config.hop, dtype=vae.encoder.first.weight.dtype
    )
    with torch.no_grad():
        found = encode(vae, quiet).mean.float().transpose(1, 2)
    head, middle, tail = found[:, :_END_FRAMES], found[:, _END_FRAMES:-_END_FRAMES], found[:, -_END_FRAMES:]
    return torch.cat([head, middle.expand(-1, frames - 2 * _END_FRAMES, -1), tail], dim=1)


def noise_for_encoding(like: Tensor, seed: int, take: int) -> Tensor:
    """Noise [B, 64, T] for a seeded sample of the source."""
    source = generator(seed, take, NoisePurpose.ENCODE)
    return torch.randn(like.shape, generator=source, dtype=torch.float32).to(like.device)


def is_silent(audio: Samples) -> bool:
    """Whether the source is silent, and so becomes silence latents without being encoded."""
    return audio.size == 0 or bool(np.abs(audio).max() < _SILENT)


def decode_frames(
    vae: Vae,
    latents: Tensor,
    frames: tuple[int, int],
    chunk: int,
    should_stop: ShouldStop = lambda: False,
    streams: bool | None = None,
) -> Iterator[Tensor]:
    """Audio [2, n] of the half-open `frames` of latents [1, T, 64], piece by piece, float32 on the CPU.

    streams: True = each piece as soon as its latents are processed, polling `should_stop` at every layer; False =
    tiles of `chunk` frames; None = streams on a CPU. Raises RenderStopped.
    The level is the network's own, without normalisation, or a repaint would be louder than its song.
    """
    weight = vae.decoder.first.weight
    rows = latents.transpose(1, 2).to(weight)
    if streams_at(weight.device) if streams is None else streams:
        found = stream_span(vae, rows, *frames, STREAMED_FRAMES, check=lambda: stop_if_asked(should_stop))
    else:
        found = _decode_in_tiles(vae, rows, frames, chunk, should_stop)
    yield from arriving(audio[0].float() for audio in found)


def arriving(audio: Iterator[Tensor]) -> Iterator[Tensor]:
    """Pieces in main memory; where the device works by itself, each is fetched while the next is being decoded."""
    ahead: Callable[[], Tensor] | None = None
    for piece in audio:
        coming = fetch(piece)
        if piece.device.type not in ASYNCHRONOUS:
            yield coming()
            continue
        if ahead is not None:
            yield ahead()
        ahead = coming
    if ahead is not None:
        yield ahead()


def _decode_in_tiles(
    vae: Vae, rows: Tensor, frames: tuple[int, int], chunk: int, should_stop: ShouldStop
) -> Iterator[Tensor]:
    first, end = frames
    for begin in range(first, end, chunk):
        stop_if_asked(should_stop)
        with torch.no_grad():
            yield decode_span(vae, rows, begin, min(begin + chunk, end))
