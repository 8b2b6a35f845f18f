"""Requests about prompts."""

from __future__ import annotations

import pytest

from daw_protocol.requests import ReadPrompt, RecentPrompts
from tests.refusals import refusal


def test_a_prompt_is_read_for_repaint_unless_another_task_is_named() -> None:
    assert ReadPrompt.from_fields({"prompt": "no drums"}).task == "repaint"
    assert ReadPrompt.from_fields({"task": "Accompany"}).task == "accompany"


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"task": "paint"}, "task"), ({"prompt": "x" * 2001}, "prompt"), ({"lyrics": 3.5}, "lyrics")],
)
def test_bad_values(fields: dict[str, object], field: str) -> None:
    assert refusal(ReadPrompt.from_fields, fields).field == field


def test_so_many_prompts_at_most() -> None:
    assert RecentPrompts.from_fields({}).limit == 20
    assert refusal(RecentPrompts.from_fields, {"limit": 101}).field == "limit"
