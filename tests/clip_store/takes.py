"""Takes as the index reads them back from a row: a test names the columns it cares for."""

from __future__ import annotations

import json
from typing import Any

from clip_store.take import COLUMNS, MIX, Take, from_row

ROW: dict[str, Any] = {
    "id": "t1", "job": "j1", "number": 1, "task": "repaint", "parent": None, "audio": "a" * 64, "position": 0,
    "start": 0, "length": 4800, "rate": 48000, "created": 0.0, "stem": MIX, "title": "Song", "handles": None,
    "result": None, "origin": None, "request": {}, "recipe": {}, "receipt": {}, "attachments": [],
}  # fmt: skip


def stored_take(**columns: Any) -> Take:
    values = {**ROW, **columns}
    return from_row(
        [
            json.dumps(values[name]) if isinstance(values[name], dict | list) else values[name]
            for name in COLUMNS
        ]
    )
