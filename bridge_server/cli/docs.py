"""`takebridge docs`: writes the documents that are made from the protocol's tables."""

from __future__ import annotations

import json
from pathlib import Path

from daw_protocol.document import protocol_document
from daw_protocol.schema import whole_schema


def documents() -> dict[str, str]:
    """File name -> text of every made document."""
    schema = json.dumps(whole_schema(), indent=2, ensure_ascii=False) + "\n"
    return {"protocol.md": protocol_document(), "schema.json": schema}


def write_documents(folder: Path) -> int:
    """Writes them all; returns the exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        print(folder / name)
    return 0
