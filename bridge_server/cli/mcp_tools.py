"""What an agent may do over MCP: a tool for each command of the protocol's table, and of which kind it is.

Names, texts and schemas come from the table. Knows nothing of the SDK.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from daw_protocol.addresses import BY_NAME, Command
from daw_protocol.fields import Schema
from daw_protocol.message import message_schema, unknown_field
from daw_protocol.requests.planning import OF_SOUND, Written

UNSENT = ("id", "reply_port", "client", "token")
"""Fields of every request that are the connection's affair."""
NOT_AN_AGENTS = (
    "reference", "reference_consent",  # the performers' consent is asked for and given by a person
    "tracks", "mode", "tempo_map", "track", "replace", "priority", "origin", "notes", "handles", "context",
)  # fmt: skip
"""Fields of renders that a person vouches for, or that a DAW's script fills in. What is left out costs no attention."""
WAIT = "wait"

MAX_RESULT = 40_000
"""Characters of one result: an agent reads all of it, and pays for it."""
SHORTER = (200, 50, 12, 3)
"""Entries a list keeps, and tens of characters a text keeps, tried in this order until the result fits."""


class ToolKind(enum.Enum):
    """What a tool does to a producer's work."""

    READING = "reading"  # changes nothing
    RENDERING = "rendering"  # adds takes and changes nothing that is there
    CHANGING = "changing"  # chooses, names, plays, writes a file; can be taken back
    REMOVING = "removing"  # cannot be taken back


KINDS: dict[ToolKind, tuple[str, ...]] = {
    ToolKind.READING: (
        "status", "engines", "songs.list", "focus.show", "jobs.list", "jobs.show", "takes.list", "takes.show",
        "takes.lineage", "prompts.read", "prompts.recent", "presets.list", "models.list", "audition.show",
        "audition.devices", "store.verify", "songs.ledger", "takes.rank", "takes.words", "training.list",
        "training.show", "training.songs",
    ),
    ToolKind.RENDERING: (
        "repaint", "complete", "accompany", "extract", "generate", "lego", "cover", "vary", "analyse", "plan",
        "rewrite",
    ),
    ToolKind.CHANGING: (
        "tempo", "meter", "key", "source", "select", "forget", "songs.tempo", "takes.choose", "takes.revert",
        "takes.redo", "takes.mark", "songs.undo", "songs.redo", "export", "presets.save", "audition.play",
        "audition.stop", "audition.ab", "audition.next", "audition.prev", "audition.loop", "audition.bars",
        "audition.seek", "audition.gain", "audition.match",
    ),
    ToolKind.REMOVING: ("cancel", "takes.delete", "presets.delete"),
}  # fmt: skip
"""Every tool by its command."""

WITHHELD = {
    "transport": "the DAW's, which an agent does not know",
    "audition.follow": "it connects to the DAW's transport",
    "audition.auto": "it would play every render of others too",
    "audition.device": "it moves the sound to another loudspeaker",
    "audition.passage": "audio as binary frames",
    "takes.fetch": "audio as binary frames",
    "upload.begin": "audio as binary frames",
    "watch": "a subscription; each rendering tool reports its own progress",
    "models.get": "gigabytes under a licence that a person accepts",
    "models.cancel": "somebody else's download",
    "training.start": "the consent of those who perform on the songs, which a person gives",
    "training.resume": "hours of the machine, which a person gives",
    "training.stop": "somebody else's training",
    "training.discard": "it removes hours of work for good",
    "store.sweep": "it removes files for good; `takebridge store sweep` does it",
}
"""Commands that are no tools, each with the reason."""


@dataclass(frozen=True)
class AgentTool:
    """One tool."""

    command: Command
    kind: ToolKind

    @property
    def name(self) -> str:
        """Without dots: some agents' programs allow none."""
        return self.command.name.replace(".", "_")

    @property
    def description(self) -> str:
        doc = self.command.doc
        if self.kind is ToolKind.RENDERING:
            return f"{doc}\n\nWaits until it is done, and returns every take with the figures of its receipt."
        return doc

    @property
    def schema(self) -> Schema:
        """The arguments, as JSON Schema."""
        schema = message_schema(self.command.request)
        left_out = {*UNSENT, *(NOT_AN_AGENTS if self.kind is ToolKind.RENDERING else ())}
        if issubclass(self.command.request, Written):
            left_out |= OF_SOUND
        properties = {name: given for name, given in schema["properties"].items() if name not in left_out}
        if self.kind is ToolKind.RENDERING:
            properties[WAIT] = {
                "type": "boolean",
                "default": True,
                "description": "false returns the job at once; jobs_show then says how it stands",
            }
        return {**schema, "properties": properties}

    def checked(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments, if the tool has all of them; the request checks their values. Raises ProtocolError."""
        properties = self.schema["properties"]
        for name in arguments:
            if name not in properties:
                raise unknown_field(name, properties)
        return dict(arguments)


def _tools() -> Iterator[AgentTool]:
    for kind, names in KINDS.items():
        for name in names:
            yield AgentTool(BY_NAME[name], kind)


TOOLS = {tool.name: tool for tool in _tools()}


def bounded(result: Mapping[str, Any]) -> dict[str, Any]:
    """The result, with long lists and texts cut where it would be more than MAX_RESULT characters; it says so then."""
    whole = dict(result)
    if len(json.dumps(whole)) <= MAX_RESULT:
        return whole
    for entries in SHORTER:
        short = {
            **_shortened(whole, entries),
            "shortened": f"Lists end after {entries} entries and texts after {entries * 10} characters. Ask for less.",
        }
        if len(json.dumps(short)) <= MAX_RESULT:
            return short
    return {
        "shortened": "The result is too long to be sent. Ask for less, with limit or for one take or job."
    }


def _shortened(value: Any, entries: int) -> Any:
    if isinstance(value, dict):
        return {name: _shortened(given, entries) for name, given in value.items()}
    if isinstance(value, list):
        return [_shortened(given, entries) for given in value[:entries]]
    if isinstance(value, str) and len(value) > entries * 10:
        return value[: entries * 10] + "…"
    return value
