"""Stable Audio Open as the library diffusers runs it: audio to latents, noise to latents, latents to audio.

The library's pipeline draws the latents. What it does with an initial sound would not be heard: it adds the sound to
noise 500 times as loud (huggingface/diffusers, issue 10861). So a repaint begins with latents made here, the sound
under as much noise as its first level says, as the authors' own stable-audio-tools does it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderOobleck, StableAudioDiTModel, StableAudioPipeline
from diffusers.pipelines.stable_audio import StableAudioProjectionModel
from diffusers.utils import logging as diffusers_log
from torch import Tensor
from transformers import AutoTokenizer, T5EncoderModel
from transformers.utils import logging as transformers_log

from model.acestep.sampling.samplers import NoisePurpose, generator
from model.acestep.weights.model_folders import read_fields
from model.engine import OnProgress, Progress, Samples
from model.errors import EngineError
from model.pace import Pace
from model.part_checks import checked_between_parts
from model.stable_audio.noise_schedule import PUBLISHED_CLASS, schedule
from model.stable_audio.published_stable_audio import PUBLISHED_TOKENS, StableAudioCheckpoint
from model.stable_audio.stable_audio_settings import StableAudioSettings
from model.torch_device import out_of_memory

PART_FRAMES = 128
"""Latent frames that the autoencoder computes at once: six seconds, so that memory does not grow with the length."""
EDGE_FRAMES = 16
"""How far the autoencoder hears: less than ten latent frames to each side."""


@dataclass(frozen=True)
class SoundPlan:
    """One take's latents. seconds: how long its sound is; the rest of the window is silence.

    known: latents [1, channels, frames] of the old sound, None for a new one; free: its frames that are to be new.
    noise: the first noise level; None = the checkpoint's, which leaves nothing of the old sound.
    """

    caption: str
    seconds: float
    seed: int
    take: int
    known: Tensor | None = None
    free: range = range(0)
    noise: float | None = None


class AudioNetwork:
    """A loaded checkpoint.

    rate: samples a second; hop: samples of a latent frame; channels: 1 or 2; frames: latent frames of its window;
    tokens: what it reads of a prompt.
    """

    def __init__(self, checkpoint: StableAudioCheckpoint, place: torch.device, progress: OnProgress) -> None:
        """Raises NotLoaded for weights that cannot be read or do not belong together."""
        parts, self._levels = _read(checkpoint, progress)
        self._pipeline: Any = StableAudioPipeline(**parts).to(place)
        self._pipeline.set_progress_bar_config(disable=True)
        self._place = place
        codec = self._pipeline.vae
        self.rate, self.hop = int(codec.sampling_rate), int(codec.hop_length)
        self.channels = int(codec.config.audio_channels)
        self.frames = int(self._pipeline.transformer.config.sample_size)
        self.tokens = int(self._pipeline.tokenizer.model_max_length)

    def unread(self, words: str) -> str:
        """The end of a prompt that the network does not read; "" where it reads all of it."""
        tokenizer = self._pipeline.tokenizer
        if len(tokenizer(words)["input_ids"]) <= self.tokens:
            return ""
        found = tokenizer(words, truncation=True, max_length=self.tokens, return_offsets_mapping=True)
        return words[max(end for _, end in found["offset_mapping"]) :].strip()

    def first_level(self, noise: float) -> float:
        """The noise level that a plan with this `noise` really begins at: one that the checkpoint has."""
        return float(schedule(self._levels, noise).config.sigma_max)

    def encode(self, samples: Samples, pace: Pace) -> Tensor:
        """float32 [n * hop, channels], at its rate -> latents [1, C, n], the same every time."""
        audio = torch.from_numpy(np.ascontiguousarray(samples.T))[None].to(self._place)
        codec, frames = self._pipeline.vae, len(samples) // self.hop
        found = []
        with torch.no_grad(), checked_between_parts(codec, pace.check):
            for part, around in _parts(0, frames, frames):
                pace.at("listening to the song", part.start / frames)
                heard = audio[..., around.start * self.hop : around.stop * self.hop]
                latents = codec.encode(heard).latent_dist.mode()
                found.append(latents[..., part.start - around.start : part.stop - around.start])
        return torch.cat(found, -1)

    def draw(self, plan: SoundPlan, settings: StableAudioSettings, pace: Pace) -> Tensor:
        """The take's latents [1, C, frames]; outside `free`, those of the old sound, bit for bit."""
        network = self._pipeline.transformer
        levels = schedule(self._levels, plan.noise)
        self._pipeline.scheduler = levels
        shape = (1, int(network.config.in_channels), self.frames)
        source = generator(plan.seed, plan.take, NoisePurpose.START)

        def noise() -> Tensor:
            return torch.randn(shape, generator=source).to(self._place)

        start = float(levels.config.sigma_max) * noise()
        if plan.known is not None:
            start += plan.known

        def drawn(step: int, _: Tensor, latents: Tensor) -> None:
            if plan.known is not None:
                # What is around the region is the old sound under the noise of the next level, as in RePaint
                # (A. Lugmayr and others, 2022), so that the region is drawn to fit it.
                held = plan.known + levels.sigmas[step + 1].item() * noise()
                free = slice(plan.free.start, plan.free.stop)
                held[..., free] = latents[..., free]
                latents.copy_(held)
            pace.at("generating", (step + 1) / settings.steps)

        pace.at("reading the prompt", 0.0)
        with (
            checked_between_parts(network, pace.check),
            checked_between_parts(self._pipeline.text_encoder, pace.check),
        ):
            found = self._pipeline(
                plan.caption,
                audio_end_in_s=plan.seconds,
                num_inference_steps=settings.steps,
                guidance_scale=settings.guidance,
                negative_prompt=settings.avoid or None,
                generator=generator(plan.seed, plan.take, NoisePurpose.STEP),
                latents=start / levels.init_noise_sigma,  # by which the library multiplies them
                callback=drawn,
                output_type="latent",
            )
        latents: Tensor = found.audios
        return latents

    def decode(self, latents: Tensor, first: int, end: int, pace: Pace) -> Iterator[Samples]:
        """Samples [first, end) of the window, as pieces float32 [samples, channels] in order."""
        codec = self._pipeline.vae
        frames = range(first // self.hop, -(-end // self.hop))
        for part, around in _parts(frames.start, frames.stop, latents.shape[-1]):
            pace.at("decoding", (part.start - frames.start) / len(frames))
            with torch.no_grad(), checked_between_parts(codec, pace.check):
                audio = codec.decode(latents[..., around.start : around.stop]).sample[0]
            low, high = max(first, part.start * self.hop), min(end, part.stop * self.hop)
            cut = audio[:, low - around.start * self.hop : high - around.start * self.hop]
            yield np.ascontiguousarray(cut.T.cpu().numpy(), dtype=np.float32)


def _parts(first: int, end: int, limit: int) -> Iterator[tuple[range, range]]:
    """Frames [first, end) in parts, each with what is computed for it: the part and its edges, inside [0, limit)."""
    for low in range(first, end, PART_FRAMES):
        high = min(low + PART_FRAMES, end)
        yield range(low, high), range(max(0, low - EDGE_FRAMES), min(limit, high + EDGE_FRAMES))


_PARTS: Mapping[str, Any] = {
    "text_encoder": T5EncoderModel,
    "projection_model": StableAudioProjectionModel,
    "transformer": StableAudioDiTModel,
    "vae": AutoencoderOobleck,
}


def _read(checkpoint: StableAudioCheckpoint, progress: OnProgress) -> tuple[dict[str, Any], dict[str, Any]]:
    """The pipeline's parts, and the config of its scheduler. Raises NotLoaded."""
    for library in (diffusers_log, transformers_log):  # what they say on the way is for their developers
        library.disable_progress_bar()
        library.set_verbosity_error()
    try:
        parts = dict(_networks(checkpoint, progress))
        if not (checkpoint.path / "tokenizer" / "tokenizer.json").is_file():
            raise checkpoint.without("tokenizer/tokenizer.json")
        parts["tokenizer"] = _tokenizer(checkpoint.path / "tokenizer")
        levels = dict(read_fields(checkpoint.path / "scheduler" / "scheduler_config.json"))
        _refuse_what_does_not_fit(parts, levels)
        parts["scheduler"] = schedule(levels)
    except EngineError:  # also RenderStopped, which `progress` may raise
        raise
    except Exception as error:  # a damaged file fails in as many ways as there are readers in the libraries
        if out_of_memory(error):
            raise
        raise checkpoint.unreadable(error) from error
    return parts, levels


def _networks(checkpoint: StableAudioCheckpoint, progress: OnProgress) -> Iterator[tuple[str, Any]]:
    """The networks by their folders, in float32. Raises NotLoaded for one that lacks files or tensors."""
    for name in _PARTS:  # before the library, which would speak of the hub
        for file in (f"{name}/config.json", f"{name}/*.safetensors"):
            if not any(checkpoint.path.glob(file)):
                raise checkpoint.without(file)
    for done, (name, kind) in enumerate(_PARTS.items()):
        progress(Progress("loading the network", done / len(_PARTS)))
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", FutureWarning
            )  # of torch's weight norm, which the library still uses
            network, about = kind.from_pretrained(
                checkpoint.path / name, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
        if about["missing_keys"]:
            raise checkpoint.lacks([f"{name}.{key}" for key in about["missing_keys"]])
        yield name, network.float().eval()


def _tokenizer(folder: Path) -> Any:
    found: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    # Without a config, a tokenizer knows no limit, and the library fills every prompt up to it.
    found.model_max_length = min(found.model_max_length, PUBLISHED_TOKENS)
    return found


def _refuse_what_does_not_fit(parts: dict[str, Any], levels: dict[str, Any]) -> None:
    """Raises ValueError for parts of different checkpoints, which would fail or sound wrong while they render."""
    transformer, codec = parts["transformer"].config, parts["vae"].config
    words, seconds = parts["text_encoder"].config, parts["projection_model"].config
    pairs = {
        "the halves of vae": (codec.encoder_hidden_size, 2 * codec.decoder_input_channels),
        "transformer and vae": (transformer.in_channels, codec.decoder_input_channels),
        "transformer and projection_model": (transformer.cross_attention_input_dim, seconds.conditioning_dim),
        "transformer's times and projection_model": (
            transformer.global_states_input_dim,
            2 * seconds.conditioning_dim,
        ),
        "projection_model and text_encoder": (seconds.text_encoder_dim, words.d_model),
        "scheduler": (levels.get("_class_name"), PUBLISHED_CLASS),
    }
    for what, (one, other) in pairs.items():
        if one != other:
            raise ValueError(f"{what} do not fit: {one} and {other}")
    if not isinstance(transformer.sample_size, int) or transformer.sample_size < 1:
        raise ValueError(f"transformer has a window of {transformer.sample_size} frames")
    if len(parts["tokenizer"]) > words.vocab_size:
        raise ValueError(
            f"tokenizer and text_encoder do not fit: {len(parts['tokenizer'])} and {words.vocab_size}"
        )
