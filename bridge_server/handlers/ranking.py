"""Ranks takes by how well they follow their prompt, as a trained network hears it. On request only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bridge_server.engines.aside import run_aside
from bridge_server.engines.clip_scoring import score_clips
from bridge_server.engines.registry import MODELS_ENGINE
from bridge_server.handlers.aside_desk import Check, refuse_without_weights
from bridge_server.handlers.listening_desk import ListeningDesk, OnFraction
from bridge_server.handlers.response import Response, understood
from bridge_server.sessions.client import Client
from bridge_server.settings import Settings
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import RankTakes
from daw_protocol.take_results import RankedTake, RankedTakes
from model.prompt_match import LABEL, match_folder

Score = Callable[[Path | None, Sequence[tuple[Path, str]], Check, OnFraction], list[float]]
"""What `score_aside` does."""


def score_aside(
    models: Path | None, clips: Sequence[tuple[Path, str]], check: Check, told: OnFraction
) -> list[float]:
    """`score_clips` in a process of its own; for a thread. Raises ProtocolError, and what `check` and `told` raise."""
    found: list[float] = run_aside(score_clips, models, clips, check=check, told=told)
    return found


class RankingHandlers:
    """Requests to rank takes."""

    def __init__(
        self, settings: Settings, store: ClipStore, desk: ListeningDesk, score: Score = score_aside
    ) -> None:
        setup = settings.engines.get(MODELS_ENGINE.name)
        self._models = setup.models if setup else None
        self._store = store
        self._desk = desk
        self._score = score

    async def rank(self, request: RankTakes, client: Client) -> Response:
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
        refuse_without_weights(match_folder, self._models)
        asked = [take for take in takes if take.id in prompts]
        clips = [(self._store.blobs.path(take.audio), prompts[take.id]) for take in asked]
        scores = await self._scores(request.id, client, clips) if clips else []
        found = dict(zip((take.id for take in asked), scores, strict=True))
        rows = [
            RankedTake(take=one.id, match=found.get(one.id), prompt=prompts.get(one.id, "")) for one in takes
        ]
        rows.sort(key=lambda row: -2.0 if row.match is None else row.match, reverse=True)
        result = RankedTakes(takes=tuple(rows), network=LABEL)
        return understood(request, in_words(result), result)

    async def _scores(self, id: str, client: Client, clips: Sequence[tuple[Path, str]]) -> list[float]:
        return await self._desk.run(
            id, client, lambda check, told: self._score(self._models, clips, check, told)
        )


def prompt_of(take: Take) -> str:
    """What was asked for; "" where nothing was."""
    return str(take.request.get("prompt") or "").strip()


def in_words(ranked: RankedTakes) -> str:
    """The ranking, best first: "t1 0.31, t2 0.18; no prompt: t3"."""
    scored = ", ".join(f"{one.take} {one.match:.2f}" for one in ranked.takes if one.match is not None)
    without = ", ".join(one.take for one in ranked.takes if one.match is None)
    return "; ".join(filter(None, (scored, without and f"no prompt: {without}"))) or "There are no takes."
