"""Presets keep values of a task's request, and no others."""

from __future__ import annotations

import pytest

from daw_protocol.errors import ErrorCode
from daw_protocol.requests import SavePreset
from daw_protocol.requests.presets import PRESET_TASKS, RENDERS
from tests.refusals import refusal


def test_what_is_not_given_is_not_part_of_it() -> None:
    preset = SavePreset.from_fields(
        {"name": "Dark", "task": "repaint", "prompt": "darker", "strength": "0.3"}
    )
    assert preset.kept() == {"prompt": "darker", "strength": 0.3}
    assert SavePreset.from_fields({"name": "x", "task": "extract"}).kept() == {}
    assert SavePreset.from_fields({"name": "x", "task": "repaint", "depth": 24}).kept() == {"depth": "24"}
    assert SavePreset(name="x", task="repaint", match_loudness=False).kept() == {"match_loudness": False}


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"name": "", "task": "repaint"}, "name", ErrorCode.OUT_OF_RANGE),
        ({"name": " ", "task": "repaint"}, "name", ErrorCode.OUT_OF_RANGE),
        ({"name": "a\nb", "task": "repaint"}, "name", ErrorCode.OUT_OF_RANGE),
        ({"name": "x" * 65, "task": "repaint"}, "name", ErrorCode.OUT_OF_RANGE),
        ({"name": "x"}, "task", ErrorCode.MISSING_FIELD),
        ({"name": "x", "task": "analyse"}, "task", ErrorCode.OUT_OF_RANGE),
        ({"name": "x", "task": "generate", "strength": 0.5}, "strength", ErrorCode.UNKNOWN_FIELD),
        ({"name": "x", "task": "extract", "layers": "fill"}, "layers", ErrorCode.UNKNOWN_FIELD),
        ({"name": "x", "task": "repaint", "takes": 9}, "takes", ErrorCode.OUT_OF_RANGE),
        ({"name": "x", "task": "repaint", "source": "song.wav"}, "source", ErrorCode.UNKNOWN_FIELD),
    ],
)
def test_bad_presets(fields: dict[str, object], field: str, code: ErrorCode) -> None:
    error = refusal(SavePreset.from_fields, fields)
    assert (error.field, error.code) == (field, code)
    assert error.remedy


def test_every_task_that_makes_takes_has_presets() -> None:
    assert set(RENDERS) == set(PRESET_TASKS)
