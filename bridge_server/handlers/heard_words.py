"""Whether takes sing their lyrics, as a speech recogniser hears them. On request only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bridge_server.engines.aside import run_aside
from bridge_server.engines.clip_hearing import hear_clips
from bridge_server.engines.registry import MODELS_ENGINE
from bridge_server.handlers.aside_desk import Check, refuse_without_weights
from bridge_server.handlers.listening_desk import ListeningDesk, OnFraction
from bridge_server.handlers.response import Response, understood
from bridge_server.sessions.client import Client
from bridge_server.settings import Settings
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import HearWords
from daw_protocol.take_results import HeardTake, HeardTakes
from model.lyric_tags import has_sung_line
from model.word_hearing import LABEL, HeardWords, word_folder

Clips = Sequence[tuple[Path, str, str]]
Hear = Callable[[Path | None, Clips, Check, OnFraction], list[HeardWords]]
"""What `hear_aside` does."""

UNSURE = 0.5
"""Below this confidence of the recogniser its words are more guess than hearing."""


def hear_aside(models: Path | None, clips: Clips, check: Check, told: OnFraction) -> list[HeardWords]:
    """`hear_clips` in a process of its own; for a thread. Raises ProtocolError, and what `check` and `told` raise."""
    found: list[HeardWords] = run_aside(hear_clips, models, clips, check=check, told=told)
    return found


class WordHandlers:
    """Requests to hear which words takes sing."""

    def __init__(
        self, settings: Settings, store: ClipStore, desk: ListeningDesk, hear: Hear = hear_aside
    ) -> None:
        setup = settings.engines.get(MODELS_ENGINE.name)
        self._models = setup.models if setup else None
        self._store = store
        self._desk = desk
        self._hear = hear

    async def hear(self, request: HearWords, client: Client) -> Response:
        """Raises ProtocolError, StoreError."""
        takes = self._asked(request)
        lyrics = {
            take.id: words for take in takes if has_sung_line(words := request.lyrics or lyrics_of(take))
        }
        if takes and not lyrics:
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                "None of these takes has lyrics to sing.",
                "Send the words they should sing: lyrics.",
                "lyrics",
            )
        refuse_without_weights(word_folder, self._models)
        clips = [
            (self._store.blobs.path(take.audio), lyrics[take.id], language_of(take))
            for take in takes
            if take.id in lyrics
        ]
        heard = await self._heard(request.id, client, clips) if clips else []
        found = dict(zip((take.id for take in takes if take.id in lyrics), heard, strict=True))
        rows = tuple(_row(take, found.get(take.id)) for take in takes)
        result = HeardTakes(takes=rows, network=LABEL)
        return understood(request, in_words(result), result)

    async def _heard(self, id: str, client: Client, clips: Clips) -> list[HeardWords]:
        return await self._desk.run(
            id, client, lambda check, told: self._hear(self._models, clips, check, told)
        )

    def _asked(self, request: HearWords) -> list[Take]:
        if request.take is not None:
            return [self._store.index.get(request.take)]
        return list(self._store.index.list(song=request.song, job=request.job, limit=request.limit))


def lyrics_of(take: Take) -> str:
    """What was to be sung; "" where nothing was."""
    return str(take.request.get("lyrics") or "")


def language_of(take: Take) -> str:
    """The language of a take's lyrics, "unknown" where nobody said it."""
    return str(take.request.get("language") or "unknown")


def _row(take: Take, heard: HeardWords | None) -> HeardTake:
    if heard is None:
        return HeardTake(take=take.id, match=None)
    return HeardTake(
        take=take.id,
        match=heard.match,
        words=heard.words,
        text=heard.text,
        confidence=heard.confidence,
        language=heard.language,
        language_confidence=heard.language_confidence,
    )


def in_words(found: HeardTakes) -> str:
    """What was heard: "t1 sings 12 of 14 words, t2 0 of 14 words (unsure); no lyrics: t3"."""
    heard = ", ".join(
        f"{one.take} {round(one.match * one.words)} of {one.words} words"
        + (" (unsure)" * (one.confidence < UNSURE))
        for one in found.takes
        if one.match is not None
    )
    without = ", ".join(one.take for one in found.takes if one.match is None)
    return "; ".join(filter(None, (heard, without and f"no lyrics: {without}"))) or "There are no takes."
