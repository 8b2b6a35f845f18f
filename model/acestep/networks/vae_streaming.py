"""Streams the autoencoder: each layer keeps the few values that its next outputs need.

The result equals that of the whole clip at once, nothing is computed twice, memory does not grow with the length, and
audio comes in order before later latents are available. There are no seams, unlike in `vae_tiling`. Zero padding is
applied only at the two real ends of the clip, layer by layer, as in the direct network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.acestep.networks.vae import LatentDistribution, ResidualUnit, Snake, Upsample, Vae
from model.acestep.networks.vae_tiling import DECODE_REACH, span_tile

Check = Callable[[], None]
"""Called before every layer of every piece; may raise to cancel."""


def _go_on() -> None:
    pass


class Stage(Protocol):
    """A streamed layer; a piece may be empty (length 0), and so may the result."""

    def push(self, piece: Tensor, last: bool) -> Tensor: ...


class PointwiseStage:
    """A stateless layer."""

    def __init__(self, layer: nn.Module) -> None:
        self._layer = layer

    def push(self, piece: Tensor, last: bool) -> Tensor:
        del last
        out: Tensor = self._layer(piece)
        return out


class ConvStage:
    """A convolution that keeps the inputs of its next output."""

    def __init__(self, conv: nn.Conv1d) -> None:
        self._conv = conv
        self._padding = int(conv.padding[0])
        self._stride = conv.stride[0]
        self._reach = (conv.kernel_size[0] - 1) * conv.dilation[0] + 1
        self._kept: Tensor | None = None

    def push(self, piece: Tensor, last: bool) -> Tensor:
        if self._kept is None:
            self._kept = piece.new_zeros(*piece.shape[:2], self._padding)
        held = torch.cat((self._kept, piece), dim=2)
        if last:
            held = functional.pad(held, (0, self._padding))
        outputs = max(0, (held.shape[2] - self._reach) // self._stride + 1)
        self._kept = held[:, :, outputs * self._stride :].clone()
        if outputs == 0:
            return piece.new_zeros(piece.shape[0], self._conv.out_channels, 0)
        conv = self._conv
        return functional.conv1d(held, conv.weight, conv.bias, conv.stride, 0, conv.dilation)


class UpsampleStage:
    """The two taps, piece by piece; drops the first and the last half stride of the clip."""

    def __init__(self, layer: Upsample) -> None:
        self._layer = layer
        self._taps = ConvStage(layer.taps)
        self._started = False

    def push(self, piece: Tensor, last: bool) -> Tensor:
        samples = self._layer.interleave(self._taps.push(piece, last))
        half = self._layer.stride // 2
        if not self._started and samples.shape[2]:
            samples, self._started = samples[:, :, half:], True
        return samples[:, :, :-half] if last else samples


class ResidualStage:
    """A residual unit; the shortcut is delayed until the convolution has caught up."""

    def __init__(self, unit: ResidualUnit) -> None:
        self._unit = unit
        self._wide = ConvStage(unit.wide)
        self._waiting: Tensor | None = None

    def push(self, piece: Tensor, last: bool) -> Tensor:
        unit = self._unit
        wide = self._wide.push(unit.wide_snake(piece), last)
        held = piece if self._waiting is None else torch.cat((self._waiting, piece), dim=2)
        ready = wide.shape[2]
        self._waiting = held[:, :, ready:].clone()
        if ready == 0:
            return wide
        out: Tensor = unit.narrow(unit.narrow_snake(wide))
        return out.add_(held[:, :, :ready])


def stage_for(layer: nn.Module) -> Stage:
    if isinstance(layer, ResidualUnit):
        return ResidualStage(layer)
    if isinstance(layer, Upsample):
        return UpsampleStage(layer)
    if isinstance(layer, nn.Conv1d):
        return ConvStage(layer)
    if isinstance(layer, Snake):
        return PointwiseStage(layer)
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
    stages = [stage_for(layer) for layer in layers]
    for piece, last in _marked_last(pieces):
        with torch.no_grad():
            for stage in stages:
                check()
                piece = stage.push(piece, last)
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
