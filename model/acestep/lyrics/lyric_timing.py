"""When the lyrics are sung in what the transformer has just made, by how it attends to them in one more pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from model.acestep.conditioning.prompts import lyrics_begin
from model.acestep.conditioning.request_plan import RenderPlan
from model.acestep.latent_grid import FRAMES_PER_SECOND
from model.acestep.lyrics.timed_lines import TimedWords, Token, timed_words, within_region
from model.acestep.networks.dit import Dit, DitConfig
from model.acestep.pipeline import Conditions, Scene
from model.acestep.sampling.render_settings import RenderSettings
from model.acestep.sampling.samplers import noise_like_latents
from model.acestep.sampling.schedules import step_count
from model.acestep.weights.capabilities import CheckpointTraits
from model.engine import RenderRequest, Report
from model.errors import CannotRender
from model.pace import Pace

_SEED = 42
"""The official application's: the pass is the same for every take."""

Head = tuple[int, int]
"""A layer and one of its heads, from 0."""


def present_heads(traits: CheckpointTraits, config: DitConfig) -> tuple[Head, ...]:
    """The heads that follow the lyrics, of those that the network has. Raises CannotRender where it has none."""
    found = tuple(
        (layer, head)
        for layer, head in traits.lyric_heads
        if layer < config.layers and head < config.block.heads
    )
    if not found:
        raise CannotRender(
            f"The checkpoint {traits.name} does not say which of its attention follows the lyrics, so their times "
            "cannot be told.",
            "Omit lyric_times, or use a checkpoint that does, such as acestep-v15-turbo.",
        )
    return found


def lyric_attention(
    dit: Dit,
    scene: Scene,
    conditions: Conditions,
    latents: torch.Tensor,
    settings: RenderSettings,
    heads: Sequence[Head],
    entries: slice,
) -> list[NDArray[np.float32]]:
    """For each head its attention probabilities [N, L]: of the condition's entries N, in the L frames of latents.

    latents: denoised, [1, T, 64]. As the official application does it: noised to the last of evenly spaced times, with
    the condition of the steps before a switch, without guidance.
    """
    weight = dit.patchify.weight
    time = 1 / step_count(settings.times)
    noise = noise_like_latents(latents.shape[1], latents.shape[2], torch.Generator().manual_seed(_SEED)).to(
        latents
    )
    noisy = time * noise + (1 - time) * latents
    with torch.no_grad():
        found = dit.attention_to(
            noisy.to(weight),
            scene.context.to(weight),
            torch.tensor([time], device=weight.device),
            dit.condition(conditions.prompt.to(weight)),
            dit.plan(latents.shape[1]),
            heads,
            entries,
        )
    return [each[0].T.contiguous().cpu().numpy() for each in found]


def time_lyrics(
    dit: Dit,
    heads: Sequence[Head],
    request: RenderRequest,
    plan: RenderPlan,
    scene: Scene,
    conditions: Conditions,
    latents: torch.Tensor,
    tokens: Sequence[Token],
    pace: Pace,
) -> TimedWords:
    """When each line is sung in denoised latents [1, T, 64]; in seconds from the song's first sample.

    tokens: of the lyric prompt, which the condition begins with.
    """
    pace.at("timing the lyrics", 0.0)
    begin = lyrics_begin(plan.prompts[0].lyrics)
    first = sum(start < begin for start, _ in tokens)
    lyrics = [(start - begin, min(end - begin, len(request.lyrics))) for start, end in tokens[first:]]
    entries = slice(first, len(tokens))
    attention = lyric_attention(dit, scene, conditions, latents, plan.settings, heads, entries)
    pace.at("timing the lyrics", 0.3)
    window, rate = plan.window, plan.window.rate
    found = timed_words(request.lyrics, lyrics, attention, window.frames / FRAMES_PER_SECOND, pace.check)
    return within_region(found, window.origin / rate, request.start / rate, request.end / rate)


def with_words(report: Report, words: TimedWords | None) -> Report:
    """The report with what is known of the lyrics' times."""
    if words is None:
        return report
    figures = dict(report.figures)
    if words.score is not None:
        figures |= {
            "lyric_score": round(words.score.score, 4),
            "lyric_coverage": round(words.score.coverage, 4),
            "lyric_monotonicity": round(words.score.monotonicity, 4),
            "lyric_confidence": round(words.score.confidence, 4),
        }
    return replace(report, figures=figures, notes=(*report.notes, *words.notes))
