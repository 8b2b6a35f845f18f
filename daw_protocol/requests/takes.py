"""Requests about existing takes."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Choice, Flag, Text, Whole
from daw_protocol.message import value
from daw_protocol.requests.prompts import MAX_PROMPT
from daw_protocol.requests.request import Request
from daw_protocol.timeline.position import Position
from daw_protocol.timeline_fields import PositionKind


@dataclass(frozen=True, kw_only=True)
class ListTakes(Request):
    """Takes, newest first."""

    song: str | None = value(Text(80, 1), "only takes of the song with this digest", None)
    job: str | None = value(Text(64, 1), "only takes of this job", None)
    task: str | None = value(Text(32, 1), "only takes of this task", None)
    limit: int = value(Whole(1, 1000), "how many at most", 50)
    before: str | None = value(
        Text(64, 1), "only takes older than this one (the last take of the previous page)", None
    )


@dataclass(frozen=True, kw_only=True)
class RankTakes(Request):
    """Rank takes by how well they follow their prompt, as a trained network hears it; the best first."""

    song: str | None = value(Text(80, 1), "only takes of the song with this digest", None)
    job: str | None = value(Text(64, 1), "only takes of this job", None)
    prompt: str = value(Text(MAX_PROMPT), "what to compare them with; by default what each was asked for", "")
    limit: int = value(Whole(1, 100), "how many at most, the newest", 20)


@dataclass(frozen=True, kw_only=True)
class HearWords(Request):
    """Whether takes sing their lyrics: how many of the words a speech recogniser hears in them."""

    take: str | None = value(Text(64, 1), "only this take", None)
    song: str | None = value(Text(80, 1), "only takes of the song with this digest", None)
    job: str | None = value(Text(64, 1), "only takes of this job", None)
    lyrics: str = value(Text(8000), "the words to listen for; by default those of each take's request", "")
    limit: int = value(Whole(1, 100), "how many at most, the newest", 20)


@dataclass(frozen=True, kw_only=True)
class ShowTake(Request):
    """One take with its recipe and receipt."""

    take: str = value(Text(64, 1), "the take's id")


@dataclass(frozen=True, kw_only=True)
class FetchTake(Request):
    """A take's files, sent as binary WebSocket frames after the answer."""

    take: str = value(Text(64, 1), "the take's id")
    what: str = value(
        Choice(("clip", "handles", "song", "picture", "recipe", "attachment")),
        "clip, clip with handles, whole song with the clip spliced in, waveform picture, recipe or attachment",
        "clip",
    )
    name: str = value(Text(255), "the attachment's name", "")


@dataclass(frozen=True, kw_only=True)
class ChooseTake(Request):
    """Choose a take for its region, or lay a part of it over what is chosen; earlier choices stay in the history."""

    take: str = value(Text(64, 1), "the take's id")
    start: Position | None = value(
        PositionKind(), "first sample of the part, on the timeline; by default the take's first", None
    )
    end: Position | None = value(
        PositionKind(), "first sample after the part; by default the take's end", None
    )


@dataclass(frozen=True, kw_only=True)
class RevertTake(Request):
    """Go back to the previous choice for this take's region, or to the original."""

    take: str = value(Text(64, 1), "the take's id")


@dataclass(frozen=True, kw_only=True)
class RedoTake(Request):
    """Undo the last revert of a take's region: choose again the take that was chosen before it."""

    take: str = value(Text(64, 1), "the id of a take of that region")


@dataclass(frozen=True, kw_only=True)
class ShowLineage(Request):
    """A take and its ancestors, nearest first: the takes it varies, and those its song contains."""

    take: str = value(Text(64, 1), "the take's id")


@dataclass(frozen=True, kw_only=True)
class DeleteTake(Request):
    """Delete a take that is neither playing nor needed by a waiting job. Its clip file and all other takes remain."""

    take: str = value(Text(64, 1), "the take's id")


@dataclass(frozen=True, kw_only=True)
class MarkTake(Request):
    """Name a take, give it stars, hide it or show it again; what is omitted stays as it is."""

    take: str = value(Text(64, 1), "the take's id")
    name: str | None = value(Text(80), "the take's name, in any language; empty to remove it", None)
    stars: int | None = value(Whole(0, 5), "how good it is, in stars", None)
    hidden: bool | None = value(
        Flag(), "whether lists and lanes leave it out; a take in the song cannot be", None
    )


@dataclass(frozen=True, kw_only=True)
class UndoSong(Request):
    """Undo the last thing that was chosen, reverted or redone in a song, in any of its regions."""

    song: str = value(Text(128, 1), "the song's title, digest or start of its digest")


@dataclass(frozen=True, kw_only=True)
class ShowLedger(Request):
    """The authorship ledger of a song: for every stretch human, machine or both, with the takes and who chose them."""

    song: str = value(Text(128, 1), "the song's title, digest or start of its digest")


@dataclass(frozen=True, kw_only=True)
class RedoSong(Request):
    """Redo what was undone last in a song."""

    song: str = value(Text(128, 1), "the song's title, digest or start of its digest")
