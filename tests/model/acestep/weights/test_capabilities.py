"""Which checkpoint does what."""

from __future__ import annotations

import pytest

from model.acestep.weights.capabilities import (
    ACCOMPANIMENTS,
    MODEL_TASK,
    TRACKS,
    Training,
    capabilities,
    capability,
    lyric_heads_in,
    traits_of,
)
from model.engine import Task

BASE_ONLY = {Task.ACCOMPANY, Task.EXTRACT, Task.LEGO}


@pytest.mark.parametrize(
    ("name", "turbo", "xl", "missing"),
    [
        ("acestep-v15-turbo", True, False, BASE_ONLY),
        ("acestep-v15-turbo-shift1", True, False, BASE_ONLY),
        ("acestep-v15-sft", False, False, BASE_ONLY),
        ("acestep-v15-xl-sft", False, True, BASE_ONLY),
        ("acestep-v15-base", False, False, set()),
        ("acestep-v15-xl-base", False, True, set()),
        ("my-finetune", False, False, set()),
    ],
)
def test_tasks_of_a_checkpoint(name: str, turbo: bool, xl: bool, missing: set[Task]) -> None:
    listed = capabilities(traits_of(name, is_turbo=turbo, is_xl=xl))
    assert [entry.task for entry in listed] == list(Task)
    assert {entry.task for entry in listed if not entry.available} == missing | {
        Task.ANALYSE,
        Task.PLAN,
        Task.REWRITE,
    }


def test_a_refusal_names_the_checkpoint_and_the_one_to_load() -> None:
    refusal = capability(traits_of("acestep-v15-xl-turbo", is_turbo=True, is_xl=True), Task.EXTRACT)
    assert "acestep-v15-xl-turbo" in refusal.reason
    assert "extract stems" in refusal.reason
    assert "models pull acestep-v15-xl-base" in refusal.remedy


@pytest.mark.parametrize(
    ("name", "turbo", "steps", "shift", "guidance"),
    [
        ("acestep-v15-turbo", True, 8, 3.0, 1.0),
        ("acestep-v15-turbo-shift1", True, 8, 1.0, 1.0),
        ("acestep-v15-turbo-shift3", True, 8, 3.0, 1.0),
        ("acestep-v15-turbo-continuous", True, 8, 3.0, 1.0),
        ("acestep-v15-base", False, 50, 1.0, 7.0),
        ("acestep-v15-sft", False, 50, 1.0, 7.0),
    ],
)
def test_defaults(name: str, turbo: bool, steps: int, shift: float, guidance: float) -> None:
    defaults = traits_of(name, is_turbo=turbo, is_xl=False).defaults
    assert (defaults.steps, defaults.shift, defaults.guidance) == (steps, shift, guidance)
    assert defaults.guidance <= defaults.most_guidance
    assert defaults.steps <= defaults.most_steps


def test_names_that_base_and_sft_share_count_as_sft() -> None:
    assert traits_of("acestep-v15-base-sft-fix-inst", is_turbo=False, is_xl=False).training is Training.SFT


def test_every_task_of_the_bridge_that_gives_audio_has_one_of_the_network() -> None:
    assert set(MODEL_TASK) == set(Task) - {Task.ANALYSE, Task.PLAN, Task.REWRITE}


def test_tracks() -> None:
    assert len(TRACKS) == 12
    assert set(TRACKS) - set(ACCOMPANIMENTS) == {"vocals", "backing_vocals"}


@pytest.mark.parametrize("field", [None, [], "x", {}, {"2": 6}, {"x": [1]}, {"2": ["6", True, -1]}])
def test_a_config_that_names_no_heads(field: object) -> None:
    assert lyric_heads_in(field) == ()


def test_heads_that_follow_the_lyrics() -> None:
    assert lyric_heads_in({"10": [3], "2": [7, 6, 6]}) == ((2, 6), (2, 7), (10, 3))
    own = traits_of("x", is_turbo=True, is_xl=True, lyric_heads=((2, 6),))
    assert own.lyric_heads == ((2, 6),)
    assert len(traits_of("x", is_turbo=True, is_xl=False).lyric_heads) == 7
    assert traits_of("x", is_turbo=False, is_xl=True).lyric_heads == ()  # the others' would be wrong for it
