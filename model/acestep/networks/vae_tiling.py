"""Runs the autoencoder on long clips in overlapping tiles, of which only the cores are kept.

A tile's core is exact if its overlap covers the receptive field: 9 frames for decoding, 7 for encoding. With less,
tiles have audible edges; the official application uses far more. Tiles suit a GPU, and decoding a span of a song;
`vae_streaming` computes the same without repeating anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from model.acestep.networks.vae import LatentDistribution, Vae

DECODE_REACH = 9  # latent frames on each side that a sample of the decoded audio depends on
ENCODE_REACH = 7  # latent frames of audio on each side that a latent frame depends on
MIN_OVERLAP = 4


@dataclass(frozen=True)
class Tile:
    """The range computed, [start, end), and the part of it kept, [core_start, core_end); latent frames."""

    start: int
    core_start: int
    core_end: int
    end: int


def fitting_overlap(chunk: int, overlap: int) -> int:
    """The overlap that leaves a core: halved, but not below 4, while chunk <= 2 overlap.

    Raises ValueError when the chunk is too small for any core.
    """
    while chunk <= 2 * overlap and overlap > MIN_OVERLAP:
        overlap = max(overlap // 2, MIN_OVERLAP)
    if chunk <= 2 * overlap:
        raise ValueError(f"a tile of {chunk} frames has no core between overlaps of {overlap} frames")
    return overlap


def tiles(frames: int, chunk: int, overlap: int) -> list[Tile]:
    """Tiles of at most `chunk` latent frames that cover a clip of `frames`; one tile if the clip is short."""
    if frames <= chunk:
        return [Tile(0, 0, frames, frames)]
    overlap = fitting_overlap(chunk, overlap)
    advance = chunk - 2 * overlap
    return [
        span_tile(start, min(start + advance, frames), frames, overlap) for start in range(0, frames, advance)
    ]


def span_tile(start: int, end: int, frames: int, overlap: int) -> Tile:
    """The tile with core [start, end) in a clip of `frames`, widened by `overlap` within the clip."""
    if not 0 <= start < end <= frames:
        raise ValueError(f"a span must be inside the clip: got [{start}, {end}) of {frames} latent frames")
    return Tile(max(0, start - overlap), start, end, min(frames, end + overlap))


def decode_tile(vae: Vae, latents: Tensor, tile: Tile) -> Tensor:
    """The audio of a tile's core, [B, A, core * hop]."""
    hop = vae.config.hop
    audio = vae.decode(latents[:, :, tile.start : tile.end])
    return audio[:, :, (tile.core_start - tile.start) * hop : (tile.core_end - tile.start) * hop]


def decode_span(vae: Vae, latents: Tensor, start: int, end: int, overlap: int = DECODE_REACH) -> Tensor:
    """The audio of latent frames [start, end) as in the whole clip, without decoding the rest."""
    return decode_tile(vae, latents, span_tile(start, end, latents.shape[2], overlap))


def encode_tiled(vae: Vae, audio: Tensor, chunk: int, overlap: int = ENCODE_REACH) -> LatentDistribution:
    """Audio [B, A, N] -> statistics of ceil(N / hop) frames, at most `chunk` frames at a time.

    A ragged end is zero-padded to a whole frame first: dropping it would lose audio, and could lose a frame.
    """
    hop = vae.config.hop
    audio = functional.pad(audio, (0, -audio.shape[2] % hop))
    cores = []
    for tile in tiles(audio.shape[2] // hop, chunk, overlap):
        found = vae.encode(audio[:, :, tile.start * hop : tile.end * hop])
        cores.append(found.copied(tile.core_start - tile.start, tile.core_end - tile.start))
    return LatentDistribution.joined(cores)
