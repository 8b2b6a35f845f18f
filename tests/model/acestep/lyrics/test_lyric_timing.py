"""The extra pass of the transformer, against the official application's, and renders that ask for times."""

from __future__ import annotations

import copy
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.conditioning.request_plan import plan_render
from model.acestep.lyrics import lyric_timing
from model.acestep.lyrics.lyric_timing import lyric_attention, present_heads
from model.acestep.networks.dit import DitLayer
from model.acestep.pipeline import Conditions
from model.acestep.renderer import Renderer
from model.acestep.weights.capabilities import lyric_heads_in, traits_of
from model.blueprint import Blueprint
from model.engine import Progress, Report, Task
from model.errors import CannotRender
from tests.model.acestep.golden_data import table, tensors, worst
from tests.model.acestep.small_parts import SmallParts
from tests.model.acestep.test_renderer import rendered, request
from tests.model.acestep.tiny_models import TURBO, networks


def test_the_pass_is_the_official_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    golden, about = tensors("lyric_times"), table("lyric_times")["dit"]
    dit = copy.deepcopy(networks(TURBO).dit)
    for layer in dit.layers:
        assert isinstance(layer, DitLayer)
        layer.cross_attention.query_norm.weight.data *= 8  # as the stored case did
    monkeypatch.setattr(lyric_timing, "noise_like_latents", lambda *_: golden["dit.noise"])
    heads = lyric_heads_in(about["heads"])
    scene: Any = SimpleNamespace(context=golden["dit.context"])
    conditions = Conditions(golden["dit.encoder"], torch.zeros(0))
    settings: Any = SimpleNamespace(times=[0.0] * round(1 / about["t"] + 1))
    monkeypatch.setattr(lyric_timing, "step_count", lambda times: len(times) - 1)
    found = lyric_attention(dit, scene, conditions, golden["dit.latents"], settings, heads, slice(13, 102))
    for ours, (layer, head) in zip(found, heads, strict=True):
        theirs = golden["dit.attention"][layer, head][:, 13:102].T
        assert worst(torch.from_numpy(ours), theirs) <= 1e-4


def test_heads_that_the_network_lacks_are_left_out() -> None:
    config = networks(TURBO).dit.config
    traits = traits_of("x-turbo", is_turbo=True, is_xl=False, lyric_heads=((1, 2), (1, 9), (7, 0)))
    assert present_heads(traits, config) == ((1, 2),)
    for none in (
        traits_of("x-xl-turbo", is_turbo=True, is_xl=True),
        traits_of("x-turbo", is_turbo=True, is_xl=False),
    ):
        with pytest.raises(CannotRender, match="does not say which of its attention"):
            present_heads(none, config)


def test_the_times_of_a_render_count_from_the_songs_first_sample() -> None:
    parts = SmallParts("untrained-tiny-turbo", keeps_loaded=False)
    parts.traits = replace(parts.traits, lyric_heads=((3, 0),))
    asked = request(Task.GENERATE, lyrics="[Verse]\nla la", lyric_times=True)
    *_, blueprint, report = rendered(asked, Renderer(parts))
    assert isinstance(blueprint, Blueprint)
    assert isinstance(report, Report)
    assert [line.text for line in blueprint.lyrics] == ["[Verse]", "la la"]
    assert not blueprint.lyrics_timed  # random attention follows nothing
    assert any(note.startswith("The lyrics have no times") for note in report.notes)
    plain = rendered(replace(asked, lyric_times=False), Renderer(parts))
    assert not any(isinstance(each, Blueprint) for each in plain)
    together, told = replace(asked, takes=(0, 1)), list[Progress]()
    plan = replace(plan_render(together, parts.traits), together=(0, 1))
    found = list(Renderer(parts).render(together, plan, told.append, lambda: False))
    assert [each.take for each in found if isinstance(each, Blueprint)] == [0, 1]
    fractions = [each.fraction for each in told]
    assert fractions == sorted(fractions), "both are decoded before the first is timed"
