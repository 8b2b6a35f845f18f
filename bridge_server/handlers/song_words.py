"""What an edit knows of the song as it is: the request's words, or those that the take was made with that is edited."""

from __future__ import annotations

from dataclasses import replace

from clip_store.take import Take
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Cover
from model.engine import EngineDescription

UNDESCRIBED = "Without song_prompt and song_lyrics, the song as it is, an edit may change more than you want."


def refuse_impossible_edit(description: EngineDescription, request: Cover) -> None:
    """Raises ProtocolError for an edit that the engine cannot make, and for words about a song that is not edited."""
    if not request.edit:
        for field in ("song_prompt", "song_lyrics"):
            if getattr(request, field):
                raise ProtocolError(
                    ErrorCode.OUT_OF_RANGE,
                    f"{field}: it describes a song that is edited, and edit is not set.",
                    "Set edit, or omit it.",
                    field,
                )
        return
    if not description.edits:
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            f"edit: the {description.label} engine cannot edit a song's words or description.",
            "Omit edit for a cover, or use the acestep engine.",
            "edit",
        )


def with_song_words(request: Cover, take: Take | None) -> tuple[Cover, str]:
    """An edit with the song's own words in every place that was left empty, and a note; other covers as they are.

    take: the take that is edited, if the source is one. An empty prompt or empty lyrics stay what they are in the song.
    Raises ProtocolError for an edit that changes nothing.
    """
    if not request.edit:
        return request, ""
    if not request.prompt and not request.lyrics:
        raise ProtocolError(
            ErrorCode.MISSING_FIELD,
            "edit: neither prompt nor lyrics say what is to change.",
            "Send the new lyrics, or a prompt that describes the song as it is to be.",
            "edit",
        )
    song_prompt = request.song_prompt or _made_with(take, "prompt")
    song_lyrics = request.song_lyrics or _made_with(take, "lyrics")
    found = replace(
        request,
        song_prompt=song_prompt,
        song_lyrics=song_lyrics,
        prompt=request.prompt or song_prompt,
        lyrics=request.lyrics or song_lyrics,
    )
    if (found.prompt, found.lyrics) == (song_prompt, song_lyrics):
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            "edit: prompt and lyrics are those of the song as it is, so nothing would change.",
            "Change the prompt or the lyrics.",
            "prompt" if request.prompt else "lyrics",
        )
    return found, "" if song_prompt or song_lyrics else UNDESCRIBED


def _made_with(take: Take | None, field: str) -> str:
    return str(take.request.get(field) or "") if take is not None else ""
