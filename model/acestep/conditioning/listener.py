"""Encodes songs and references to latents, once each, however many requests use them.

A song is encoded in blocks on its own grid, each with enough context on both sides for the encoder's receptive field.
So a block is the same, bit for bit, whatever was requested before, and regions of one song share blocks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from contextlib import AbstractContextManager
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from model.acestep.conditioning import sound_latents
from model.acestep.conditioning.audio_rate import song_audio, whole_audio
from model.acestep.conditioning.kept_latents import aligned, decoded
from model.acestep.conditioning.reference_audio import reference_clip
from model.acestep.latent_grid import Window, hop_of
from model.acestep.networks.vae import LatentDistribution, Vae
from model.acestep.networks.vae_tiling import ENCODE_REACH
from model.acestep.sampling.render_settings import Encoding
from model.acestep.sampling.samplers import NoisePurpose, generator
from model.engine import Song
from model.errors import CannotRender
from model.pace import Pace

BLOCK_FRAMES = 100
"""Latent frames per block: 4 s. Each block also costs 14 frames of context."""

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
            frames = -(-song.frames // hop)
            return aligned(known, frames, self._source.silence)[:, first:end]
        numbers = range(first // BLOCK_FRAMES, -(-end // BLOCK_FRAMES))
        blocks = self._encoded_blocks(song, numbers, pace)
        skipped = first - numbers[0] * BLOCK_FRAMES
        shown = slice(skipped, skipped + end - first)
        mean = torch.cat([block.mean for block in blocks], dim=2)[:, :, shown]
        if encoding is Encoding.SAMPLE:
            scale = torch.cat([block.scale for block in blocks], dim=2)[:, :, shown]
            noise = sound_latents.noise_for_encoding(mean, seed, take)
            mean = LatentDistribution(mean, scale).sample(noise)
        return mean.transpose(1, 2)

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
        names = [(song.digest, song.rate, number) for number in numbers]
        found = {name: known for name in names if (known := self._blocks.get(name)) is not None}
        missing = [name for name in names if name not in found]
        if missing:
            with self._source.vae() as vae:
                for index, name in enumerate(missing):
                    stretch = pace.part(index / len(missing), (index + 1) / len(missing))
                    found[name] = self._blocks.put(name, self._encoded(vae, song, name[2], stretch))
        return [found[name] for name in names]

    def _encoded(self, vae: Vae, song: Song, number: int, pace: Pace) -> LatentDistribution:
        """One block, encoded with its neighbours in the song as context; zeros only before and after the song."""
        frames = -(-song.frames // hop_of(song.rate))
        first, end = number * BLOCK_FRAMES, min((number + 1) * BLOCK_FRAMES, frames)
        begin, last = max(0, first - ENCODE_REACH), min(frames, end + ENCODE_REACH)
        audio = torch.from_numpy(song_audio(song.samples, song.rate, (begin, last)))[None]
        found = sound_latents.encode(
            vae,
            audio,
            self._source.vae_frames,
            on_frames=lambda done, total: pace.at("encoding the song", done / total),
            should_stop=pace.stops,
        )
        core = slice(first - begin, end - begin)
        # Copies, because a view would keep the context in memory too.
        return LatentDistribution(found.mean[:, :, core].clone(), found.scale[:, :, core].clone())


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
