"""Streams the autoencoder: each layer keeps the few values that its next outputs need.

The result equals that of the whole clip at once, nothing is computed twice, memory does not grow with the length, and
audio comes in order before later latents are available. There are no seams, unlike in `vae_tiling`. Zero padding is
applied only at the two real ends of the clip, layer by layer, as in the direct network.

Between the layers audio comes time first, [B, n, C]: what is kept is then one piece of memory, and so is what oneDNN
reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.acestep.networks.packed_convolution import along_time
from model.acestep.networks.vae import LatentDistribution, ResidualUnit, Snake, Upsample, Vae
from model.acestep.networks.vae_tiling import DECODE_REACH, span_tile

Check = Callable[[], None]
"""Called before every layer of every piece; may raise to cancel."""


def _go_on() -> None:
    pass


class Stage(Protocol):
    """A streamed layer, [B, n, C] -> [B, m, C']; a piece may be empty (length 0), and so may the result."""

    def push(self, piece: Tensor, last: bool) -> Tensor: ...


class SnakeStage:
    """An activation, which needs nothing of the past."""

    def __init__(self, layer: Snake) -> None:
        self._layer = layer

    def push(self, piece: Tensor, last: bool) -> Tensor:
        del last
        return self._layer.along_time(piece)


class ConvStage:
    """A convolution that keeps the inputs of its next output. bias: instead of the convolution's own."""

    def __init__(self, conv: nn.Conv1d, bias: Tensor | None = None) -> None:
        self._along_time = along_time(conv)
        self._bias = conv.bias if bias is None else bias
        self._channels = conv.out_channels
        self._padding = int(conv.padding[0])
        self._stride = conv.stride[0]
        self._reach = (conv.kernel_size[0] - 1) * conv.dilation[0] + 1
        self._kept: Tensor | None = None

    def push(self, piece: Tensor, last: bool) -> Tensor:
        if self._kept is None:
            self._kept = piece.new_zeros(piece.shape[0], self._padding, piece.shape[2])
        held = torch.cat((self._kept, piece), dim=1)
        if last:
            held = functional.pad(held, (0, 0, 0, self._padding))
        outputs = max(0, (held.shape[1] - self._reach) // self._stride + 1)
        self._kept = held[:, outputs * self._stride :].clone()
        if outputs == 0:
            return piece.new_zeros(piece.shape[0], 0, self._channels)
        return self._along_time(held, self._bias)


class UpsampleStage:
    """The two taps, piece by piece; drops the first and the last half stride of the clip."""

    def __init__(self, layer: Upsample) -> None:
        self._half, self._stride = layer.stride // 2, layer.stride
        self._taps = ConvStage(layer.taps, layer.bias.repeat(layer.stride))
        self._started = False

    def push(self, piece: Tensor, last: bool) -> Tensor:
        phases = self._taps.push(piece, last)  # [B, n, s * C'], which is [B, n * s, C'] in memory
        samples = phases.reshape(
            phases.shape[0], phases.shape[1] * self._stride, phases.shape[2] // self._stride
        )
        if not self._started and samples.shape[1]:
            samples, self._started = samples[:, self._half :], True
        return samples[:, : -self._half] if last else samples


class ResidualStage:
    """A residual unit; the shortcut is delayed until the convolution has caught up."""

    def __init__(self, unit: ResidualUnit) -> None:
        self._unit = unit
        self._wide = ConvStage(unit.wide)
        self._narrow = along_time(unit.narrow)
        self._waiting: Tensor | None = None

    def push(self, piece: Tensor, last: bool) -> Tensor:
        unit = self._unit
        wide = self._wide.push(unit.wide_snake.along_time(piece), last)
        held = piece if self._waiting is None else torch.cat((self._waiting, piece), dim=1)
        ready = wide.shape[1]
        self._waiting = held[:, ready:].clone()
        if ready == 0:
            return wide
        out = self._narrow(unit.narrow_snake.along_time(wide), unit.narrow.bias)
        return out.add_(held[:, :ready])


def stage_for(layer: nn.Module) -> Stage:
    if isinstance(layer, ResidualUnit):
        return ResidualStage(layer)
    if isinstance(layer, Upsample):
        return UpsampleStage(layer)
    if isinstance(layer, nn.Conv1d):
        return ConvStage(layer)
    if isinstance(layer, Snake):
        return SnakeStage(layer)
    raise TypeError(f"no streamed form of {type(layer).__name__}")


def _marked_last(pieces: Iterable[Tensor]) -> Iterator[tuple[Tensor, bool]]:
    """Each piece, and whether it is the last one."""
    waiting: Tensor | None = None
    for piece in pieces:
        if waiting is not None:
            yield waiting, False
        waiting = piece
    if waiting is not None:
        yield waiting, True


def _stream(layers: list[nn.Module], pieces: Iterable[Tensor], check: Check) -> Iterator[Tensor]:
    """[B, C, n] -> [B, C', m], piece by piece."""
    stages = [stage_for(layer) for layer in layers]
    for piece, last in _marked_last(pieces):
        with torch.no_grad():
            piece = piece.transpose(1, 2).contiguous()
            for stage in stages:
                check()
                piece = stage.push(piece, last)
            piece = piece.transpose(1, 2).contiguous()
        if piece.shape[2]:
            yield piece


def stream_decode(vae: Vae, latents: Iterable[Tensor], check: Check = _go_on) -> Iterator[Tensor]:
    """Latent pieces [B, 64, t] in order -> audio pieces [B, A, n] in order, float32, n > 0.

    The audio lags about 9 frames behind the latents and ends with them: frames * hop samples in total.
    """
    weight = vae.decoder.first.weight
    for audio in _stream(vae.decoder.steps(), (piece.to(weight) for piece in latents), check):
        yield audio.float()


def stream_span(
    vae: Vae,
    latents: Tensor,
    start: int,
    end: int,
    length: int,
    first: int | None = None,
    check: Check = _go_on,
) -> Iterator[Tensor]:
    """The audio of latent frames [start, end) as in the whole clip [B, 64, T], in order and as soon as ready.

    length, first: latent frames per piece, and of the first one. Computes only those frames and those they depend on.
    Raises ValueError for a span outside the clip.
    """
    tile = span_tile(start, end, latents.shape[2], DECODE_REACH)
    skip, wanted = (start - tile.start) * vae.config.hop, (end - start) * vae.config.hop
    for audio in stream_decode(vae, pieces(latents[:, :, tile.start : tile.end], length, first), check):
        part = audio[:, :, skip : skip + wanted]
        skip = max(0, skip - audio.shape[2])
        wanted -= part.shape[2]
        if part.shape[2]:
            yield part


def stream_encode(vae: Vae, audio: Iterable[Tensor], check: Check = _go_on) -> Iterator[LatentDistribution]:
    """Audio pieces [B, A, n] in order -> latent statistics in order.

    Every piece must be whole frames (a multiple of the hop), so pad the end of the clip. Raises ValueError otherwise.
    """
    hop, weight = vae.config.hop, vae.encoder.first.weight

    def whole(pieces: Iterable[Tensor]) -> Iterator[Tensor]:
        for piece in pieces:
            if piece.shape[2] % hop:
                raise ValueError(f"{piece.shape[2]} samples are not a multiple of the hop, {hop}")
            yield piece.to(weight)

    for statistics in _stream(vae.encoder.steps(), whole(audio), check):
        yield vae.distribution(statistics)


def pieces(whole: Tensor, length: int, first: int | None = None) -> Iterator[Tensor]:
    """Cuts [B, C, T] along its last axis into pieces of `length`; `first` is the length of the first one.

    A short first piece makes the first audio available earlier.
    """
    if length < 1 or (first is not None and first < 1):
        raise ValueError(f"pieces must be at least 1 long, got {length} (first {first})")
    start, end = 0, first or length
    while start < whole.shape[-1]:
        yield whole[..., start:end]
        start, end = end, end + length
