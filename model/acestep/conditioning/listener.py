"""Encodes songs and references to latents, once each, however many requests use them.

A song is encoded in blocks on its own grid, with enough context on both sides for the encoder's receptive field. So a
block is the same, bit for bit, whatever was requested before, and regions of one song share blocks.

Where the autoencoder streams, neighbouring blocks are one stream, and share their context. oneDNN may sum a convolution
of another length in another order: so a block is cut at the same frames in every stream, and no stream begins with it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from model.acestep.conditioning import sound_latents
from model.acestep.conditioning.audio_rate import song_audio, whole_audio
from model.acestep.conditioning.kept_latents import aligned, decoded
from model.acestep.conditioning.reference_audio import reference_clip
from model.acestep.latent_grid import HOP, Window, hop_of
from model.acestep.networks.vae import LatentDistribution, Vae
from model.acestep.networks.vae_tiling import ENCODE_REACH
from model.acestep.sampling.render_settings import Encoding
from model.acestep.sampling.samplers import NoisePurpose, generator
from model.engine import Song
from model.errors import CannotRender
from model.pace import Pace

BLOCK_FRAMES = 100
"""Latent frames per block: 4 s. Each also costs 14 frames of context, and each stream of them 20."""
EDGE_FRAMES = 10
"""Latent frames of a stream's context on each side: more than the encoder's reach, so that all of its layers have begun
when the first block does."""
_CUTS = (0, 10, 30, 50, 70, 90, BLOCK_FRAMES)
"""Where a block's audio is cut in a stream: its first and last piece may be the context of a neighbour."""

_KEPT_BLOCKS = 1024  # over an hour of music, 50 MB
_KEPT_REFERENCES = 8

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """A cache of the most recent values by name."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._values: OrderedDict[Hashable, Value] = OrderedDict()

    def get(self, name: Hashable) -> Value | None:
        if name in self._values:
            self._values.move_to_end(name)
        return self._values.get(name)

    def put(self, name: Hashable, value: Value) -> Value:
        self._values[name] = value
        self._values.move_to_end(name)
        while len(self._values) > self._kept:
            self._values.popitem(last=False)
        return value

    def clear(self) -> None:
        self._values.clear()


class VaeSource(Protocol):
    """What encoding needs from a checkpoint; renderer.Parts provides it."""

    vae_frames: int

    @property
    def silence(self) -> Tensor: ...
    def vae(self) -> AbstractContextManager[Vae]: ...


class Listener:
    """Encodes songs and references with one checkpoint's autoencoder."""

    def __init__(self, source: VaeSource) -> None:
        self._source = source
        self._blocks: Recent[LatentDistribution] = Recent(_KEPT_BLOCKS)
        self._references: Recent[Tensor] = Recent(_KEPT_REFERENCES)

    def forget(self) -> None:
        self._blocks.clear()
        self._references.clear()

    def encode(
        self, song: Song, window: Window, encoding: Encoding, seed: int, take: int, pace: Pace
    ) -> Tensor | None:
        """Latents [1, t, 64] of the window's source frames; None for silence. Raises CannotRender.

        Those that were kept with the song are taken as they are, unless a sample of the distribution is wanted.
        """
        first, end = window.song_frames
        hop = hop_of(song.rate)
        if sound_latents.is_silent(song.samples[first * hop : end * hop]):
            return None
        _refuse_invalid_samples(song, "song")
        if encoding is Encoding.MEAN and (known := kept_with(song)) is not None:
            return aligned(known, _frames(song), self._source.silence)[:, first:end]
        numbers = range(first // BLOCK_FRAMES, -(-end // BLOCK_FRAMES))
        skipped = first - numbers[0] * BLOCK_FRAMES
        blocks = LatentDistribution.joined(self._encoded_blocks(song, numbers, pace))
        shown = blocks.copied(skipped, skipped + end - first)
        if encoding is Encoding.SAMPLE:
            noise = sound_latents.noise_for_encoding(shown.mean, seed, take)
            return shown.sample(noise).transpose(1, 2)
        return shown.mean.transpose(1, 2)

    def encode_reference(self, reference: Song, seed: int, pace: Pace) -> Tensor:
        """Latents [1, 750, 64] of 30 s of reference audio; which 30 s depends on the seed, not on the take."""
        known = self._references.get((reference.digest, seed))
        if known is not None:
            return known
        if sound_latents.is_silent(reference.samples):
            raise CannotRender("The reference audio is silent.", "Use a reference with audible sound.")
        _refuse_invalid_samples(reference, "reference")
        audio = torch.from_numpy(whole_audio(reference.samples, reference.rate))
        clip = reference_clip(audio, generator(seed, 0, NoisePurpose.REFERENCE))
        with self._source.vae() as vae:
            found = sound_latents.encode(
                vae,
                clip[None],
                self._source.vae_frames,
                on_frames=lambda done, frames: pace.at("encoding the reference", done / frames),
                should_stop=pace.stops,
            )
        return self._references.put((reference.digest, seed), found.mean.transpose(1, 2))

    def _encoded_blocks(self, song: Song, numbers: range, pace: Pace) -> list[LatentDistribution]:
        names = {number: (song.digest, song.rate, number) for number in numbers}
        found = {
            number: known for number in numbers if (known := self._blocks.get(names[number])) is not None
        }
        missing = [number for number in numbers if number not in found]
        if missing:
            with self._source.vae() as vae:
                streams = sound_latents.streams_at(vae.encoder.first.weight.device)
                encoded = _streamed_blocks if streams else _blocks_apart
                done = 0
                for run in consecutive(missing):
                    stretch = pace.part(done / len(missing), (done + len(run)) / len(missing))
                    for number, block in encoded(vae, song, run, self._source.vae_frames, stretch):
                        found[number] = self._blocks.put(names[number], block)
                    done += len(run)
        return [found[number] for number in numbers]


def consecutive(numbers: list[int]) -> list[range]:
    """Rising numbers as runs of neighbours."""
    runs: list[range] = []
    for number in numbers:
        begin = runs.pop().start if runs and runs[-1].stop == number else number
        runs.append(range(begin, number + 1))
    return runs


Numbered = Iterator[tuple[int, LatentDistribution]]
"""Blocks of a song, each with its number."""


def _blocks_apart(vae: Vae, song: Song, run: range, vae_frames: int, pace: Pace) -> Numbered:
    """Each with its neighbours in the song as context; zeros only before and after the song."""
    frames = _frames(song)
    for index, number in enumerate(run):
        first, end = number * BLOCK_FRAMES, min((number + 1) * BLOCK_FRAMES, frames)
        begin, last = max(0, first - ENCODE_REACH), min(frames, end + ENCODE_REACH)
        found = sound_latents.encode(vae, _audio(song, begin, last), vae_frames, should_stop=pace.stops)
        pace.at("encoding the song", (index + 1) / len(run))
        yield number, found.copied(first - begin, end - begin)


def _streamed_blocks(vae: Vae, song: Song, run: range, vae_frames: int, pace: Pace) -> Numbered:
    """All of them as one stream, each as soon as it is there."""
    del vae_frames  # of a tile
    frames = _frames(song)
    first = begin = reached = max(0, run.start * BLOCK_FRAMES - EDGE_FRAMES)
    last = min(frames, run.stop * BLOCK_FRAMES)
    parts: list[LatentDistribution] = []
    waiting = list(run)
    for part in sound_latents.encode_pieces(vae, _stream_of(song, run, frames), pace.stops):
        parts.append(part)
        reached += part.mean.shape[2]
        pace.at("encoding the song", min(1.0, (reached - first) / (last - first)))
        while waiting and reached >= (end := min(frames, (waiting[0] + 1) * BLOCK_FRAMES)):
            number, whole = waiting.pop(0), LatentDistribution.joined(parts)
            yield number, whole.copied(number * BLOCK_FRAMES - begin, end - begin)
            begin, parts = end, [whole.copied(end - begin, reached - begin)]
        if not waiting:
            return


def _stream_of(song: Song, run: range, frames: int) -> Iterator[Tensor]:
    """The audio of the blocks and of their context, in pieces."""

    def block(number: int) -> Tensor:
        # Always all of a block: resampled alone, a part of it would differ in its last bits.
        first = number * BLOCK_FRAMES
        return _audio(song, first, min(frames, first + BLOCK_FRAMES))

    if run.start > 0:
        yield block(run.start - 1)[:, :, -EDGE_FRAMES * HOP :]
    for number in run:
        audio = block(number)
        for first, end in pairwise(_CUTS):
            if (piece := audio[:, :, first * HOP : end * HOP]).shape[2]:
                yield piece
    if run.stop * BLOCK_FRAMES < frames:
        context = block(run.stop)
        yield context[:, :, : EDGE_FRAMES * HOP]
        if context.shape[2] > EDGE_FRAMES * HOP:
            yield context[:, :, :HOP]  # is not encoded: it tells that the song does not end with the context


def _audio(song: Song, first: int, end: int) -> Tensor:
    """Latent frames of a song, [1, 2, n * 1920] at 48 kHz."""
    return torch.from_numpy(song_audio(song.samples, song.rate, (first, end)))[None]


def _frames(song: Song) -> int:
    """Latent frames that hold all of a song."""
    return -(-song.frames // hop_of(song.rate))


def kept_with(song: Song) -> Tensor | None:
    """The latents [T, 64] that were kept with a song; None without any that can be read."""
    return None if song.kept is None else decoded(song.kept)


def origin_of_latents(song: Song | None, window: Window, encoding: Encoding) -> str:
    """For the recipe: where a window's latents of the song came from."""
    if song is None or window.source == (0, 0):
        return "none"
    is_kept = encoding is Encoding.MEAN and kept_with(song) is not None
    return "kept with the take" if is_kept else "encoded"


def hears_nothing(song: Song | None, start: int, end: int) -> bool:
    """Whether a song has no sound between two of its samples."""
    return song is None or sound_latents.is_silent(song.samples[max(0, start) : max(0, end)])


def _refuse_invalid_samples(song: Song, what: str) -> None:
    if not np.isfinite(song.samples).all():
        raise CannotRender(f"The {what} contains invalid samples (NaN or infinity).", "Bounce it again.")
