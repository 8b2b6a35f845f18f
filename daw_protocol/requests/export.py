"""Requests for files: projects for other DAWs, and the finished song."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Choice, FileName, Text
from daw_protocol.message import value
from daw_protocol.requests.request import Request

PROJECT_FORMATS = ("dawproject", "rpp", "aaf", "midi", "wav")
MIX_FORMATS = ("mix", "mix-flac")
STEMS_FORMAT = "stems"
LEDGER_FORMAT = "ledger"
NOTES_FORMAT = "notes"
EXPORT_FORMATS = (*PROJECT_FORMATS, *MIX_FORMATS, STEMS_FORMAT, LEDGER_FORMAT, NOTES_FORMAT)


@dataclass(frozen=True, kw_only=True)
class Export(Request):
    """Export a take or song for a DAW, the song (`mix`, `mix-flac`), its `ledger`, `stems` (a ZIP), `notes` (MIDI)."""

    what: str = value(Choice(("take", "song")), "what `name` refers to")
    name: str = value(Text(128, 1), "the take's id, or the song's title, digest or start of its digest")
    format: str = value(
        Choice(EXPORT_FORMATS), "the file format; docs/exports.md lists what each can carry", "dawproject"
    )
    folder: str = value(
        FileName(1024),
        "target folder, inside one of the server's folders; the store's export folder by default",
        "",
    )

    def check(self) -> None:
        if self.format in MIX_FORMATS and self.what != "song":
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                f"format: {self.format} is the whole song with everything accepted in it, not one take.",
                'Send what "song" and the song\'s name; `takes.fetch` has the song with one take.',
                "format",
            )
        if self.format == LEDGER_FORMAT and self.what != "song":
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                "format: a ledger is that of a whole song, not of one take.",
                'Send what "song" and the song\'s name; `takes.show` has the recipe of one take.',
                "format",
            )
        if self.format == NOTES_FORMAT and self.what != "take":
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                "format: notes are those of one stem or take, not of a song.",
                'Separate the song first (extract), then send what "take" and the id of the stem.',
                "format",
            )
        if self.format == STEMS_FORMAT and self.what != "take":
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                "format: stems are those of one separation, not of a song.",
                'Send what "take" and the id of one of its stems.',
                "format",
            )
