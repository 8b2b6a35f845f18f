"""Options as settings: defaults, wrong values, and what does not go together."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

from model.acestep_v1.render_settings import Edit, V1Settings, v1_settings
from model.acestep_v1.sampling.edit import ONLY_LYRICS, REMIX
from model.acestep_v1.sampling.guidance import Formula
from model.acestep_v1.sampling.steps import SongSolver
from model.engine import Task
from model.errors import CannotRender


def test_the_usual_settings_are_the_published_interfaces():
    usual = v1_settings(Task.REPAINT, {})
    assert usual == V1Settings()
    assert (usual.steps, usual.omega, usual.guidance.scale, usual.guidance.interval) == (60, 10.0, 15.0, 0.5)
    assert (usual.weakening.text, usual.weakening.lyrics, usual.weakening.transformer) == (True, False, True)


def test_given_settings():
    given = v1_settings(
        Task.GENERATE,
        {
            "steps": 27,
            "solver": "pingpong",
            "guidance_kind": "cfg_star",
            "weaken_lyrics": True,
            "variation": 0.2,
        },
    )
    assert (given.steps, given.solver, given.guidance.formula) == (27, SongSolver.PINGPONG, Formula.CFG_STAR)
    assert (given.weakening.lyrics, given.variation) == (True, 0.2)
    assert v1_settings(Task.GENERATE, {"chosen_steps": "1, 3,8"}).chosen == (1, 3, 8)
    assert v1_settings(Task.COVER, {"edit": "remix"}).edit.span is REMIX
    assert v1_settings(Task.COVER, {"edit": "lyrics"}).edit.span is ONLY_LYRICS
    assert v1_settings(Task.COVER, {"edit": False}).edit is Edit.OFF


@pytest.mark.parametrize(
    ("task", "options", "word"),
    [
        (Task.REPAINT, {"steps": 0}, "steps"),
        (Task.REPAINT, {"steps": 2.5}, "steps"),
        (Task.REPAINT, {"steps": True}, "steps"),
        (Task.GENERATE, {"chosen_steps": "3,2"}, "chosen_steps"),
        (Task.GENERATE, {"chosen_steps": "0,2"}, "chosen_steps"),
        (Task.GENERATE, {"chosen_steps": "1,many"}, "chosen_steps"),
        (Task.REPAINT, {"chosen_steps": "1,2"}, "chosen_steps"),
        (Task.REPAINT, {"omega": float("nan")}, "omega"),
        (Task.REPAINT, {"guidance_kind": "adg"}, "guidance_kind"),
        (Task.REPAINT, {"weaken_lyrics": "yes"}, "weaken_lyrics"),
        (Task.COVER, {"old_prompt": 3}, "old_prompt"),
        (Task.REPAINT, {"solver": "heun"}, "heun"),
        (Task.COVER, {"solver": "pingpong"}, "pingpong"),
        (Task.REPAINT, {"edit": "remix"}, "edit"),
        (Task.GENERATE, {"matched_start": "on"}, "matched_start"),
        (Task.COMPLETE, {"variation": 0.5}, "variation"),
    ],
)
def test_wrong_options_are_named_with_a_remedy(task: Task, options: dict[str, Any], word: str):
    with pytest.raises(CannotRender, match=word) as refused:
        v1_settings(task, options)
    assert refused.value.remedy
