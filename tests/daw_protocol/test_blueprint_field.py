"""A blueprint in a request: an object, its text, or the name of a plan."""

from __future__ import annotations

import json
from typing import Any

import pytest

from daw_protocol.blueprint_field import LOOK, MAX_BLUEPRINT_LETTERS, PLAN_NAME, BlueprintKind
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Generate

PLAN = {"tempo": 96, "caption": "slow bossa nova", "codes": [1, 2]}


def test_objects_texts_and_names_are_read() -> None:
    kind = BlueprintKind()
    assert kind.read(PLAN) == kind.read(json.dumps(PLAN)) == PLAN
    assert kind.read(f" {LOOK}:2 ") == f"{LOOK}:2"
    assert Generate(blueprint=json.dumps(PLAN)).to_fields() == {"blueprint": PLAN}
    assert PLAN_NAME.fullmatch(LOOK)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("the second one", ErrorCode.OUT_OF_RANGE),
        ("", ErrorCode.OUT_OF_RANGE),
        ("{not json", ErrorCode.OUT_OF_RANGE),
        ({}, ErrorCode.OUT_OF_RANGE),
        (f"{LOOK}:0", ErrorCode.OUT_OF_RANGE),
        (7, ErrorCode.WRONG_TYPE),
        ([PLAN], ErrorCode.WRONG_TYPE),
        ({"caption": "x" * MAX_BLUEPRINT_LETTERS}, ErrorCode.OUT_OF_RANGE),
    ],
)
def test_anything_else_is_refused(given: Any, code: ErrorCode) -> None:
    with pytest.raises(ProtocolError) as refused:
        Generate(blueprint=given)
    assert (refused.value.code, refused.value.field) == (code, "blueprint")
