"""The tiny random checkpoints in tests/golden/acestep/tiny, loaded once in float32 on the CPU."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from model.acestep.networks.audio_tokenizer import AudioDetokenizer, AudioTokenizer
from model.acestep.networks.condition_encoder import ConditionEncoder, Packed
from model.acestep.networks.dit import Dit
from model.acestep.networks.vae import Vae
from model.acestep.weights.checkpoint import load_vae, open_weights
from model.acestep.weights.model_folders import recognise
from tests.places import TINY

TURBO = TINY / "acestep-v15-turbo"
XL = TINY / "acestep-v15-xl-turbo"

BLOCK_TOLERANCE = 1e-5  # one block, and a VAE tile
VAE_TOLERANCE = 2e-5  # one way through the autoencoder in float32, see `exact_vae`
DIT_TOLERANCE = 2e-5  # the whole transformer
RENDER_TOLERANCE = 1e-4  # a whole turbo render


@dataclass(frozen=True)
class Networks:
    dit: Dit
    conditions: ConditionEncoder
    tokenizer: AudioTokenizer
    detokenizer: AudioDetokenizer


@cache
def networks(folder: Path) -> Networks:
    weights = open_weights(recognise(folder))
    return Networks(
        weights.load_dit(torch.float32, "cpu"),
        weights.load_condition_encoder(torch.float32, "cpu"),
        weights.load_tokenizer(torch.float32, "cpu"),
        weights.load_detokenizer(torch.float32, "cpu"),
    )


@cache
def silence() -> Tensor:
    """As it is stored."""
    found = open_weights(recognise(TURBO)).silence()
    assert found is not None
    return found[:, :800]


@cache
def vae() -> Vae:
    return load_vae(TINY / "vae", torch.float32, "cpu")


@cache
def exact_vae() -> Vae:
    """The same in double precision, whose errors are the stored numbers' own: 7e-6, on every machine.

    In float32 some 5e-6 of ours come on top, more or less with the processor's instructions and threads.
    """
    return load_vae(TINY / "vae", torch.float64, "cpu")


def all_valid(states: Tensor) -> Packed:
    return Packed(states, torch.ones(states.shape[:2], dtype=torch.bool))


def velocity(dit: Dit, case: dict[str, Tensor], prefix: str = "") -> Tensor:
    """The transformer's answer to a stored case."""
    x, time = case[f"{prefix}x"], case[f"{prefix}t"]
    gap = time - case[f"{prefix}r"] if f"{prefix}r" in case else None
    condition = dit.condition(case[f"{prefix}encoder"])
    answer: Tensor = dit(x, case[f"{prefix}context"], time, condition, dit.plan(x.shape[1]), gap)
    return answer
