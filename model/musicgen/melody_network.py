"""MusicGen Melody as the library transformers runs it: words, a melody and codes go in, codes and audio come out.

One `generate` is one window of what the network was trained for; longer music is `long_music.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import (
    AutoTokenizer,
    MusicgenMelodyForConditionalGeneration,
    StoppingCriteria,
    StoppingCriteriaList,
)
from transformers.utils.logging import disable_progress_bar, set_verbosity_error

from model.acestep.sampling.samplers import NoisePurpose, generator
from model.engine import Samples
from model.musicgen.chroma import HOP, chroma_of
from model.musicgen.musicgen_settings import MusicgenSettings
from model.musicgen.published_musicgen import MusicgenCheckpoint
from model.pace import Pace
from model.part_checks import checked_between_parts
from model.torch_device import out_of_memory


@dataclass(frozen=True)
class WindowPlan:
    """One window of a take.

    prompt: codes [codebooks, frames] that it goes on from; None for a beginning. chroma: [1, frames, notes], or None.
    frames: new ones. seed, take, index: which random numbers.
    """

    caption: str
    chroma: Tensor | None
    prompt: Tensor | None
    frames: int
    seed: int
    take: int
    index: int


class MelodyNetwork:
    """A loaded checkpoint.

    rate: samples a second; frame: samples of one frame of codes; channels: 1 or 2; window_frames: the longest window.
    """

    def __init__(self, checkpoint: MusicgenCheckpoint, place: torch.device) -> None:
        """Raises NotLoaded for weights that cannot be read or do not belong to their config."""
        network, tokenizer = _read(checkpoint)
        self._network = network.float().eval().to(place)
        self._tokenizer = tokenizer
        self._place = place
        codec, decoder = network.config.audio_encoder, network.config.decoder
        self.rate = int(codec.sampling_rate)
        self.frame = int(codec.hop_length)
        self.channels = int(decoder.audio_channels)
        self._notes = int(network.config.num_chroma)
        seconds = int(network.config.chroma_length * HOP / self.rate)
        self.window_frames = seconds * self.rate // self.frame

    def melody(self, samples: Samples) -> Tensor:
        """Of a song, float32 [frames, channels] at the network's rate, as `WindowPlan.chroma` has it."""
        mono = torch.from_numpy(np.ascontiguousarray(samples.mean(axis=1, dtype=np.float32)))
        return chroma_of(mono.to(self._place), self.rate, self._notes)

    def encode(self, samples: Samples, pace: Pace) -> Tensor:
        """float32 [n * frame, 1 or 2], at its rate -> codes [codebooks, n]; in stereo left and right by turns."""
        heard = np.repeat(samples, 2, axis=1) if samples.shape[1] < self.channels else samples
        if heard.shape[1] > self.channels:
            heard = heard.mean(axis=1, keepdims=True, dtype=np.float32)
        sides = torch.from_numpy(np.ascontiguousarray(heard.T)).to(self._place)
        with torch.no_grad(), checked_between_parts(self._network, pace.check):
            codes = [self._network.audio_encoder.encode(side[None, None]).audio_codes[0, 0] for side in sides]
        return torch.stack(codes, 1).flatten(0, 1)[:, : len(samples) // self.frame]

    def generate(self, plan: WindowPlan, settings: MusicgenSettings, pace: Pace) -> tuple[Tensor, Samples]:
        """The prompt and what follows: codes [codebooks, frames], and audio float32 [frames * frame, channels].

        The library draws from torch's own random numbers: they are seeded here, and put back afterwards.
        """
        words = self._tokenizer([plan.caption], return_tensors="pt")
        before = 0 if plan.prompt is None else plan.prompt.shape[1]
        delays = self._network.decoder.num_codebooks // self.channels
        heard = _HeardTokens(pace, before, plan.frames + delays)
        has_several = self._place.type in ("cuda", "xpu")  # Apple's has one state, and no way to fork it
        with (
            torch.random.fork_rng(
                [self._place] if has_several else [], device_type=self._place.type if has_several else "cuda"
            ),
            checked_between_parts(self._network, pace.check),
        ):
            torch.manual_seed(generator(plan.seed, plan.take, NoisePurpose.START, plan.index).initial_seed())
            audio = self._network.generate(
                input_ids=words["input_ids"].to(self._place),
                attention_mask=words["attention_mask"].to(self._place),
                input_features=plan.chroma,
                max_length=before + plan.frames + delays,
                do_sample=True,
                temperature=settings.temperature,
                top_k=settings.top_k,
                guidance_scale=settings.guidance,
                stopping_criteria=StoppingCriteriaList([heard]),
                **({} if plan.prompt is None else {"decoder_input_ids": plan.prompt}),
            )
        codes = _undelayed(heard.tokens, self.channels, before + plan.frames)
        if plan.prompt is not None:
            codes[:, :before] = plan.prompt
        return codes, np.ascontiguousarray(audio[0].T.cpu().numpy(), dtype=np.float32)


class _HeardTokens(StoppingCriteria):
    """Reports each token as it is drawn, and keeps them all. Raises RenderStopped, which ends the library's loop."""

    def __init__(self, pace: Pace, before: int, count: int) -> None:
        self._pace = pace
        self._before = before
        self._count = count
        self.tokens = torch.zeros(0)

    def __call__(self, input_ids: Tensor, *_: Any, **__: Any) -> Tensor:
        self.tokens = input_ids
        self._pace.at("generating", (input_ids.shape[1] - self._before) / self._count)
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


def _undelayed(tokens: Tensor, channels: int, frames: int) -> Tensor:
    """Tokens as drawn -> codes [codebooks, frames]. Each codebook lags one step behind the one before it, and all lag
    behind the token that begins; in stereo, left and right lag by the same."""
    rows = [row[1 + index // channels :][:frames] for index, row in enumerate(tokens)]
    return torch.stack(rows)


def _read(checkpoint: MusicgenCheckpoint) -> tuple[Any, Any]:
    """The network and its tokenizer. Raises NotLoaded."""
    disable_progress_bar()  # type: ignore[no-untyped-call]  # what the library says on the way is for its developers
    set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.path, local_files_only=True)
        loaded: Any = MusicgenMelodyForConditionalGeneration.from_pretrained(
            checkpoint.path, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except Exception as error:  # a damaged file fails in as many ways as there are readers in the library
        if out_of_memory(error):
            raise
        raise checkpoint.unreadable(error) from error
    network, about = loaded
    if missing := about["missing_keys"]:
        raise checkpoint.lacks(list(missing))
    return network, tokenizer
