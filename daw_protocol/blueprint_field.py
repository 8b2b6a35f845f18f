"""The kind of value that carries a blueprint in a request: the plan of a song, or the id of the job that made one.

Its fields are those of `recipe.BlueprintRecord`, which lies above requests; the server reads them when it accepts one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daw_protocol.fields import Kind, Schema, object_in, shown

MAX_BLUEPRINT_LETTERS = 100_000
"""Ten minutes of codes are 3000 numbers, 21,000 letters."""
PLAN_NAME = re.compile(r"(j[0-9a-f]{1,32})(?::([1-9][0-9]{0,2}))?", re.ASCII)
LOOK = "j0123456789"


@dataclass(frozen=True)
class BlueprintKind(Kind):
    """A blueprint object (in OSC, its JSON text), or the id of a plan's job, with ":2" for its second blueprint."""

    def read(self, value: Any) -> Mapping[str, Any] | str:
        if isinstance(value, str) and PLAN_NAME.fullmatch(value.strip()):
            return value.strip()
        if isinstance(value, str) and not value.lstrip().startswith("{"):
            raise ValueError(f"must be a blueprint, or the id of the job that planned it, got {shown(value)}")
        found = object_in(value)
        if not found:
            raise ValueError("must be a blueprint with a value at least, got an empty one")
        letters = len(value) if isinstance(value, str) else len(json.dumps(found, default=str))
        if letters > MAX_BLUEPRINT_LETTERS:
            raise ValueError(f"must be at most {MAX_BLUEPRINT_LETTERS} characters of JSON, got {letters}")
        return dict(found)

    def schema(self) -> Schema:
        return {
            "type": ["object", "string"],
            "maxLength": MAX_BLUEPRINT_LETTERS,
            "minProperties": 1,
            "examples": [LOOK, {"tempo": 96, "caption": "slow bossa nova", "seconds": 40}],
        }

    def describe(self) -> str:
        return f'blueprint object, or the id of the job that planned it (`"{LOOK}"`, `"{LOOK}:2"` for its second one)'
