"""The published pipeline from prompt, tokens and audio to latents and 48 kHz audio, against our phases in turn."""

from __future__ import annotations

import math
from functools import cache

import pytest

pytest.importorskip("transformers", reason="prompts need transformers: pip install takebridge[acestep]")

import torch
from torch import Tensor

from model.acestep_v1.conditioning.prompt_encoder import (
    PromptEncoder,
    load_prompt_network,
    load_prompt_tokenizer,
)
from model.acestep_v1.networks.audio_codec import AudioCodec
from model.acestep_v1.sampling.conditions import Weakening, Words, conditions_of
from model.acestep_v1.sampling.denoise import Region, cover_start, generated, repainted, varied
from model.acestep_v1.sampling.edit import EditSpan, edited
from model.acestep_v1.sampling.guidance import Guidance
from model.acestep_v1.sampling.schedules import euler
from model.acestep_v1.sampling.velocity import (
    TAU,
    EditVelocity,
    GuidedVelocity,
    Network,
    RenderConditions,
)
from tests.model.acestep_v1.golden_v1 import (
    table,
    tensors,
    tiny_codec,
    tiny_condition_network,
    tiny_transformer,
    tiny_vocoder,
    tiny_weights,
    worst,
)

CLOSE = 1e-4
GOLDEN = tensors("full_pipeline")
PROMPT = table("full_pipeline")["prompt"]
STEPS = table("full_pipeline")["infer_step"]
ALL = Weakening(text=True, lyrics=True, transformer=True)


@cache
def encoder() -> PromptEncoder:
    checkpoint = tiny_weights().checkpoint
    return PromptEncoder(
        load_prompt_network(checkpoint, torch.float32, "cpu"), load_prompt_tokenizer(checkpoint)
    )


def codec() -> AudioCodec:
    return AudioCodec(tiny_codec(), tiny_vocoder(), tiny_weights().mel())


def conditions(prompt: str, ids: tuple[int, ...], edit: bool = False) -> RenderConditions:
    words = Words(encoder().states(prompt), encoder().states(prompt, TAU), ids)
    return conditions_of(tiny_condition_network(), words, ALL, edit=edit)


def ids(name: str) -> tuple[int, ...]:
    return tuple(GOLDEN[f"ids.{name}"].tolist())


def velocity(frames: int, lyrics: tuple[int, ...], steps: int = STEPS) -> GuidedVelocity:
    return GuidedVelocity(Network(tiny_transformer(), frames), conditions(PROMPT, lyrics), Guidance(), steps)


def resampled(audio: Tensor) -> Tensor:
    """44.1 to 48 kHz with torchaudio's default filter, which the published pipeline uses."""
    old, new = 147, 160
    base = min(old, new) * 0.99
    width = math.ceil(6 * old / base)
    at = torch.arange(-width, width + old, dtype=torch.float64) / old
    at = ((torch.arange(0, -new, -1, dtype=torch.float64) / new)[:, None] + at) * base
    at = at.clamp(-6, 6)
    kernel = torch.sinc(at) * torch.cos(at * math.pi / 12).square() * (base / old)
    padded = torch.nn.functional.pad(audio, (width, width + old))[:, None]
    found = torch.nn.functional.conv1d(padded, kernel[:, None].float(), stride=old)
    return found.transpose(1, 2).reshape(len(audio), -1)[:, : math.ceil(audio.shape[1] * new / old)]


@pytest.mark.parametrize(
    ("case", "lyrics"), [("text2music", "lyrics"), ("instrumental", "inst"), ("no_lyrics", "")]
)
def test_new_songs(case: str, lyrics: str):
    with torch.no_grad():
        found = generated(
            velocity(12, ids(lyrics) if lyrics else (0,)), GOLDEN["noise_text2music"], euler(STEPS)
        )
    assert worst(found, GOLDEN[f"{case}.latents"]) < CLOSE
    if case == "text2music":
        wave = torch.cat(list(codec().decode(found)), 1)
        assert worst(resampled(wave), GOLDEN["text2music.wav48"]) < CLOSE


def test_a_repaint_from_audio_to_audio():
    source = codec().encode(GOLDEN["src_audio44"])
    assert worst(source, GOLDEN["src_latents"]) < CLOSE
    mask = torch.zeros(11, dtype=torch.bool)
    mask[int(0.3 * 44_100 / 4096) : int(0.7 * 44_100 / 4096)] = True
    first, other = GOLDEN["noise_src"], GOLDEN["retake_noise_src"]
    noise = torch.where(mask, varied(first, other, 0.5), first)
    with torch.no_grad():
        found = repainted(velocity(11, ids("lyrics")), Region(source, mask, noise, 0.5), euler(STEPS), STEPS)
    assert worst(found, GOLDEN["repaint.latents"]) < CLOSE
    assert worst(resampled(torch.cat(list(codec().decode(found)), 1)), GOLDEN["repaint.wav48"]) < CLOSE


def test_a_continuation():
    first, other = GOLDEN["noise_src"], GOLDEN["retake_noise_src"]
    mask = torch.arange(17) >= 11
    source = torch.nn.functional.pad(GOLDEN["src_latents"], (0, 6))
    noise = torch.cat([first, other[..., -6:]], -1)
    with torch.no_grad():
        found = repainted(velocity(17, ids("lyrics")), Region(source, mask, noise, 1.0), euler(STEPS), STEPS)
    assert worst(found, GOLDEN["extend.latents"]) < CLOSE


def test_a_cover():
    start = cover_start(0.5, STEPS)
    guided = velocity(11, ids("lyrics"), start.schedule.evaluations)
    with torch.no_grad():
        found = generated(guided, start.latents(GOLDEN["src_latents"], GOLDEN["noise_src"]), start.schedule)
    assert worst(found, GOLDEN["audio2audio.latents"]) < CLOSE


def test_an_edit():
    case = table("full_pipeline")["cases"]["edit"]
    network = Network(tiny_transformer(), 11)
    old = EditVelocity(network, conditions(PROMPT, ids("lyrics"), edit=True), 15.0)
    new = EditVelocity(network, conditions(case["edit_target_prompt"], ids("edit"), edit=True), 15.0)
    drawn = iter(GOLDEN["edit_noises"])
    with torch.no_grad():
        found = edited(old, new, GOLDEN["src_latents"], euler(STEPS), EditSpan(), lambda: next(drawn))
    assert worst(found, GOLDEN["edit.latents"]) < CLOSE
