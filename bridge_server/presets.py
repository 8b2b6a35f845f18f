"""The presets of a server: values for a task under a name, in the store's database, the same for all clients."""

from __future__ import annotations

import json
import logging
import unicodedata
from typing import Any

from bridge_server.jobs.database import Connection, transaction
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.message import default_of, entries
from daw_protocol.prompt_results import Preset
from daw_protocol.requests import Render

log = logging.getLogger(__name__)

MAX_PRESETS = 500

_TABLE = "CREATE TABLE IF NOT EXISTS preset (key TEXT PRIMARY KEY, preset TEXT NOT NULL)"
_REGION = ("start", "end", "bars", "length")


class Presets:
    """Lives on the event loop. A name is found in either case and however its accents are encoded."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        connection.execute(_TABLE)

    def all(self) -> tuple[Preset, ...]:
        """Every preset, by name."""
        rows = self._connection.execute("SELECT preset FROM preset ORDER BY key").fetchall()
        return tuple(found for row in rows if (found := _readable(row[0])) is not None)

    def named(self, name: str) -> Preset:
        """The preset with this name. Raises ProtocolError when there is none."""
        row = self._connection.execute("SELECT preset FROM preset WHERE key = ?", (key_of(name),)).fetchone()
        found = None if row is None else _readable(row[0])
        if found is None:
            raise ProtocolError(
                ErrorCode.UNKNOWN_PRESET,
                f"There is no preset {name!r}.",
                "`presets.list` and `takebridge presets` show those there are.",
                "preset",
            )
        return found

    def save(self, preset: Preset) -> None:
        """Keeps a preset, in place of one of that name. Raises ProtocolError when there are too many, or no room."""
        key = key_of(preset.name)
        with transaction(self._connection) as connection:
            others = connection.execute("SELECT COUNT(*) FROM preset WHERE key != ?", (key,)).fetchone()[0]
            if others >= MAX_PRESETS:
                raise ProtocolError(
                    ErrorCode.TOO_LARGE,
                    f"There are {others} presets; the server keeps at most {MAX_PRESETS}.",
                    "Delete some first.",
                    "name",
                )
            connection.execute(
                "INSERT OR REPLACE INTO preset VALUES (?, ?)",
                (key, json.dumps(preset.to_fields(), ensure_ascii=False)),
            )

    def delete(self, name: str) -> Preset:
        """Deletes a preset and returns it. Raises ProtocolError when there is none."""
        found = self.named(name)
        with transaction(self._connection) as connection:
            connection.execute("DELETE FROM preset WHERE key = ?", (key_of(name),))
        return found

    def fill(self, request: Render) -> Render:
        """The request with its preset's values where its own are at their default, and without naming the preset.

        A region in the request counts more than the preset's length. Raises ProtocolError.
        """
        if not request.preset:
            return request
        preset = self.named(request.preset)
        if preset.task != request.task:
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                f"preset: {preset.name!r} is for {preset.task}, not for {request.task}.",
                f"Send {preset.task}, or another preset.",
                "preset",
            )
        known = entries(type(request))
        values: dict[str, Any] = {
            name: given
            for name, given in preset.kept().items()
            if getattr(request, name) == default_of(known[name])
        }
        if any(getattr(request, name) is not None for name in _REGION):
            values.pop("length", None)
        return request.evolve(preset="", **values)


def key_of(name: str) -> str:
    """What names that mean the same preset have in common."""
    return unicodedata.normalize("NFC", name.strip()).casefold()


def _readable(text: str) -> Preset | None:
    """A stored preset; None for one that this version cannot read, which another version may."""
    try:
        return Preset.from_stored(json.loads(text))
    except (ValueError, TypeError, ProtocolError):
        log.warning("a preset cannot be read; it is left out")
        return None
