"""Ranks takes by how well they follow their prompt, as a trained network hears it. On request only."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event

from bridge_server.engines.aside import run_aside
from bridge_server.engines.clip_scoring import score_clips
from bridge_server.engines.registry import MODELS_ENGINE
from bridge_server.handlers.response import Response, understood
from bridge_server.sessions.client import Client
from bridge_server.settings import Settings
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import RankTakes
from daw_protocol.take_results import RankedTake, RankedTakes
from model.errors import NotLoaded
from model.prompt_match import LABEL, match_folder

Check = Callable[[], None]
Score = Callable[[Path | None, Sequence[tuple[Path, str]], Check], list[float]]
"""What `score_aside` does."""


def score_aside(models: Path | None, clips: Sequence[tuple[Path, str]], check: Check) -> list[float]:
    """`score_clips` in a process of its own; for a thread. Raises ProtocolError, and what `check` raises."""
    found: list[float] = run_aside(score_clips, models, clips, check=check)
    return found


class RankingHandlers:
    """Requests to rank takes. One at a time: each loads the network."""

    def __init__(self, settings: Settings, store: ClipStore, score: Score = score_aside) -> None:
        setup = settings.engines.get(MODELS_ENGINE.name)
        self._models = setup.models if setup else None
        self._store = store
        self._score = score
        self._one_at_a_time = asyncio.Lock()
        self._closed = Event()

    def close(self) -> None:
        """Ends every ranking: else the server's end would wait for the thread."""
        self._closed.set()

    async def rank(self, request: RankTakes, _: Client) -> Response:
        """Raises ProtocolError, StoreError."""
        takes = self._store.index.list(song=request.song, job=request.job, limit=request.limit)
        prompts = {take.id: prompt for take in takes if (prompt := request.prompt or prompt_of(take))}
        if takes and not prompts:
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                "None of these takes has a prompt to follow.",
                "Give one: prompt.",
                "prompt",
            )
        self._refuse_without_weights()
        asked = [take for take in takes if take.id in prompts]
        clips = [(self._store.blobs.path(take.audio), prompts[take.id]) for take in asked]
        async with self._one_at_a_time:
            with self._begun() as check:
                scores = await asyncio.to_thread(self._score, self._models, clips, check) if clips else []
        found = dict(zip((take.id for take in asked), scores, strict=True))
        rows = [
            RankedTake(take=one.id, match=found.get(one.id), prompt=prompts.get(one.id, "")) for one in takes
        ]
        rows.sort(key=lambda row: -2.0 if row.match is None else row.match, reverse=True)
        result = RankedTakes(takes=tuple(rows), network=LABEL)
        return understood(request, in_words(result), result)

    @contextlib.contextmanager
    def _begun(self) -> Iterator[Check]:
        """What a ranking's thread asks while it works. It raises ProtocolError once the server closes, or the block
        was left early, as by a client that went."""
        left = Event()

        def check() -> None:
            if left.is_set() or self._closed.is_set():
                raise ProtocolError(
                    ErrorCode.CANCELLED, "The ranking was cancelled.", "Rank the takes again."
                )

        check()
        try:
            yield check
        finally:
            left.set()

    def _refuse_without_weights(self) -> None:
        """Before a process is started for nothing. Raises ProtocolError."""
        try:
            match_folder(self._models)
        except NotLoaded as error:
            raise ProtocolError(ErrorCode.ENGINE_NOT_READY, error.sentence, error.remedy) from error


def prompt_of(take: Take) -> str:
    """What was asked for; "" where nothing was."""
    return str(take.request.get("prompt") or "").strip()


def in_words(ranked: RankedTakes) -> str:
    """The ranking, best first: "t1 0.31, t2 0.18; no prompt: t3"."""
    scored = ", ".join(f"{one.take} {one.match:.2f}" for one in ranked.takes if one.match is not None)
    without = ", ".join(one.take for one in ranked.takes if one.match is None)
    return "; ".join(filter(None, (scored, without and f"no prompt: {without}"))) or "There are no takes."
