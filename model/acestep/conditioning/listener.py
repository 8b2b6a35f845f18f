"""What the network has heard of songs and references: latents, encoded once however many requests show them.

A song is encoded in blocks on its own grid, each next to as much of the song as a latent frame depends on. A block so
comes out the same, bit for bit, whatever was asked before, and regions of one song share the blocks around them.
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
"""Latent frames of a block: 4 s. Each costs the 14 frames around it besides."""

_KEPT_BLOCKS = 1024  # over an hour of music, 50 MB
_KEPT_REFERENCES = 8

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The last few values by name; older ones are forgotten."""

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


class Ears(Protocol):
    """What listening needs of a checkpoint; renderer.Parts has it."""

    vae_frames: int

    def vae(self) -> AbstractContextManager[Vae]: ...


class Listener:
    """Encodes songs and references with one checkpoint's autoencoder."""

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        self._blocks: Recent[LatentDistribution] = Recent(_KEPT_BLOCKS)
        self._references: Recent[Tensor] = Recent(_KEPT_REFERENCES)

    def forget(self) -> None:
        self._blocks.clear()
        self._references.clear()

    def hear(
        self, song: Song, window: Window, encoding: Encoding, seed: int, take: int, pace: Pace
    ) -> Tensor | None:
        """Latents [1, t, 64] of the window's source frames; None for silence. Raises CannotRender."""
        first, end = window.song_frames
        hop = hop_of(song.rate)
        if sound_latents.is_silent(song.samples[first * hop : end * hop]):
            return None
        _refuse_no_numbers(song, "song")
        numbers = range(first // BLOCK_FRAMES, -(-end // BLOCK_FRAMES))
        blocks = self._heard(song, numbers, pace)
        skipped = first - numbers[0] * BLOCK_FRAMES
        shown = slice(skipped, skipped + end - first)
        mean = torch.cat([block.mean for block in blocks], dim=2)[:, :, shown]
        if encoding is Encoding.SAMPLE:
            scale = torch.cat([block.scale for block in blocks], dim=2)[:, :, shown]
            noise = sound_latents.noise_for_encoding(mean, seed, take)
            mean = LatentDistribution(mean, scale).sample(noise)
        return mean.transpose(1, 2)

    def hear_reference(self, reference: Song, seed: int, pace: Pace) -> Tensor:
        """Latents [1, 750, 64] of 30 s of reference audio; which 30 s depends on the seed, and not on the take."""
        known = self._references.get((reference.digest, seed))
        if known is not None:
            return known
        if sound_latents.is_silent(reference.samples):
            raise CannotRender("The reference is silent.", "Name a passage in which something sounds.")
        _refuse_no_numbers(reference, "reference")
        audio = torch.from_numpy(whole_audio(reference.samples, reference.rate))
        clip = reference_clip(audio, generator(seed, 0, NoisePurpose.REFERENCE))
        with self._ears.vae() as vae:
            found = sound_latents.encode(
                vae,
                clip[None],
                self._ears.vae_frames,
                on_frames=lambda done, frames: pace.at("listening to the reference", done / frames),
                should_stop=pace.stops,
            )
        return self._references.put((reference.digest, seed), found.mean.transpose(1, 2))

    def _heard(self, song: Song, numbers: range, pace: Pace) -> list[LatentDistribution]:
        names = [(song.digest, song.rate, number) for number in numbers]
        found = {name: known for name in names if (known := self._blocks.get(name)) is not None}
        missing = [name for name in names if name not in found]
        if missing:
            with self._ears.vae() as vae:
                for index, name in enumerate(missing):
                    stretch = pace.part(index / len(missing), (index + 1) / len(missing))
                    found[name] = self._blocks.put(name, self._encoded(vae, song, name[2], stretch))
        return [found[name] for name in names]

    def _encoded(self, vae: Vae, song: Song, number: int, pace: Pace) -> LatentDistribution:
        """One block, next to its neighbours in the song; zeros stand only before the song and after it."""
        frames = -(-song.frames // hop_of(song.rate))
        first, end = number * BLOCK_FRAMES, min((number + 1) * BLOCK_FRAMES, frames)
        begin, last = max(0, first - ENCODE_REACH), min(frames, end + ENCODE_REACH)
        audio = torch.from_numpy(song_audio(song.samples, song.rate, (begin, last)))[None]
        found = sound_latents.encode(
            vae,
            audio,
            self._ears.vae_frames,
            on_frames=lambda done, all_of_it: pace.at("listening to the song", done / all_of_it),
            should_stop=pace.stops,
        )
        core = slice(first - begin, end - begin)
        # Copies: a view would keep the neighbours alive too.
        return LatentDistribution(found.mean[:, :, core].clone(), found.scale[:, :, core].clone())


def _refuse_no_numbers(song: Song, what: str) -> None:
    if not np.isfinite(song.samples).all():
        raise CannotRender(f"The {what} contains samples that are not numbers.", "Bounce it again.")
