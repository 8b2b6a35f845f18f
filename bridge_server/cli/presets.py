"""`takebridge presets`: lists, saves and deletes presets, and moves them between servers as a JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape

from bridge_server.cli.commands import DONE, Screen, some_server
from bridge_server.cli.console import ListTable, own_words
from bridge_server.errors import as_protocol_error
from bridge_server.settings import Settings
from clip_store.atomic_file import write_whole
from clip_store.errors import ClipStoreError
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.json_text import json_reason, json_value
from daw_protocol.prompt_results import Preset, PresetList

MAX_FILE_BYTES = 16 << 20


@dataclass(frozen=True)
class PresetWish:
    """What was typed; at most one of these. values: with save, what the preset keeps."""

    save: str | None = None
    delete: str | None = None
    write: Path | None = None
    read: Path | None = None
    values: Mapping[str, Any] | None = None


async def presets(settings: Settings, screen: Screen, wish: PresetWish) -> int:
    """Returns the exit status; raises ProtocolError."""
    given = presets_in(wish.read) if wish.read is not None else ()
    async with some_server(settings) as client:
        if wish.save is not None:
            saved = Preset.from_stored(
                await client.call("presets.save", name=wish.save, **dict(wish.values or {}))
            )
            screen.result(saved.to_fields())
            screen.say(f"Preset “{escape(saved.name)}” is saved.")
            return DONE
        if wish.delete is not None:
            answer = await client.call("presets.delete", name=wish.delete)
            screen.result(answer)
            screen.say(f"Preset “{escape(answer['name'])}” is deleted.")
            return DONE
        for preset in given:
            await client.call("presets.save", **preset.to_fields())
        found = PresetList.from_stored(await client.call("presets.list")).presets
    if wish.write is not None:
        write_presets(wish.write, found)
        screen.say(f"→ {escape(str(wish.write))}")
    screen.result([preset.to_fields() for preset in found])
    _print(screen, found)
    return DONE


def _print(screen: Screen, found: tuple[Preset, ...]) -> None:
    table = ListTable("preset", "task", "prompt", "other values")
    for preset in found:
        fields = preset.to_fields()
        others = (
            f"{name} {given}"
            for name, given in fields.items()
            if name not in ("name", "task", "prompt", "lyrics")
        )
        table.add_row(
            own_words(preset.name),
            preset.task,
            own_words(preset.prompt or ""),
            own_words(", ".join(others)),
        )
    if not screen.as_json:
        screen.console.print(table if found else "There are no presets yet.")


def write_presets(path: Path, presets: tuple[Preset, ...]) -> None:
    """Writes presets as a JSON file. Raises ProtocolError."""
    text = json.dumps({"presets": [preset.to_fields() for preset in presets]}, indent=1, ensure_ascii=False)
    try:
        write_whole(path.absolute(), [f"{text}\n".encode()])
    except ClipStoreError as error:
        raise as_protocol_error(error) from error


def presets_in(path: Path) -> tuple[Preset, ...]:
    """The presets of a JSON file, all checked. Raises ProtocolError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ProtocolError(
            ErrorCode.FILE_MISSING,
            f"{path.name} cannot be read: {error.strerror or error}.",
            "Name a file that `takebridge presets --export` or the panel wrote.",
        ) from error
    try:
        if len(data) > MAX_FILE_BYTES:
            raise ValueError("it is too large")
        found = json_value(data.decode("utf-8-sig"))
        entries = found["presets"] if isinstance(found, dict) else found
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise ValueError("it has no list of presets")
    except (ValueError, KeyError, RecursionError) as error:
        reason = "it has no list of presets" if isinstance(error, KeyError) else json_reason(error)
        raise ProtocolError(
            ErrorCode.FILE_UNREADABLE,
            f"{path.name} is not a file of presets: {reason}.",
            "Use a file that `takebridge presets --export` or the panel wrote.",
        ) from error
    return tuple(Preset.from_fields(entry) for entry in entries)
