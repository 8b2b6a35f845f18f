"""Requests that give a song in words: a blueprint to look at, edit and send back with `generate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Flag, Names
from daw_protocol.message import value
from daw_protocol.requests.render import Render

LOCKABLE = ("prompt", "lyrics", "language", "key", "tempo", "meter")
"""What a planner may write where it is not known; of these the tempo, the time signature and the key are the DAW's, and
lyrics and language the producer's, where they were sent."""


OF_SOUND = frozenset(
    {
        "source", "source_position", "tracks", "mode", "regions", "handles", "crossfade", "depth", "match_loudness",
        "context", "hears", "reference", "reference_consent", "title", "preset",
    }
)  # fmt: skip
"""What these requests have as all others do and make no use of, since no sound comes of them."""


@dataclass(frozen=True, kw_only=True)
class Written(Render):
    """What plan and rewrite share."""

    lock: tuple[str, ...] = value(
        Names(),
        "what to keep as it was sent besides what the DAW knows: prompt, lyrics, language, key, tempo, meter",
        (),
    )
    instrumental: bool = value(Flag(), "nothing is sung: no lyrics are written", False)

    def check(self) -> None:
        super().check()
        for name in self.lock:
            if name not in LOCKABLE:
                raise ProtocolError(
                    ErrorCode.OUT_OF_RANGE,
                    f"lock: {name!r} cannot be locked.",
                    f"It takes {', '.join(LOCKABLE)}.",
                    "lock",
                )
        if self.instrumental and self.lyrics:
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                "instrumental: there are lyrics to sing.",
                "Omit lyrics, or instrumental.",
                "instrumental",
            )


@dataclass(frozen=True, kw_only=True)
class Plan(Written):
    """Plan a new song: caption, lyrics, tempo, key, sections and audio codes as a `blueprint`, for `generate`."""

    task: ClassVar[str] = "plan"


@dataclass(frozen=True, kw_only=True)
class Rewrite(Written):
    """Write a fuller prompt from a few words, with the tempo, key and lyrics it implies, as a `blueprint`."""

    task: ClassVar[str] = "rewrite"
