"""Prompts and presets: what an engine makes of a prompt, which were used with a song, and what is kept under a name."""

from __future__ import annotations

from bridge_server.engines.pool import EnginePool
from bridge_server.engines.prompt_reading import read_prompt
from bridge_server.handlers.response import Response, understood
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.presets import Presets
from bridge_server.sessions.client import Client
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.sources import STORED
from clip_store.store import ClipStore
from daw_protocol import requests
from daw_protocol.prompt_results import (
    DeletedPreset,
    Preset,
    PresetList,
    PromptList,
    PromptRead,
    RecentPrompt,
)

SHOWN = 10
"""Presets and prompts in a sentence over OSC."""


class PromptHandlers:
    """Requests about prompts and presets. `default_engine` reads what names no engine."""

    def __init__(
        self,
        default_engine: str,
        engines: EnginePool,
        presets: Presets,
        store: ClipStore,
        queue: JobQueue,
        reader: SongReader,
    ) -> None:
        self._default_engine = default_engine
        self._engines = engines
        self._presets = presets
        self._store = store
        self._queue = queue
        self._reader = reader

    async def read(self, request: requests.ReadPrompt, _: Client) -> Response:
        """What an engine makes of a prompt. Raises ProtocolError for an engine that is not there."""
        name = request.engine or self._default_engine
        description = await self._engines.describe(name)
        result = read_prompt(name, description, request.task, request.prompt, request.lyrics, request.chords)
        return understood(request, in_words(result), result)

    async def recent(self, request: requests.RecentPrompts, _: Client) -> Response:
        """The prompts of a song's takes, and of its jobs that made none or have made none yet. Raises ProtocolError."""
        digest: str | None = None
        names: tuple[str, ...] = ()
        if request.source is not None:
            source = self._reader.check(request.source)
            digest = await self._reader.digest_of(source)
            names = tuple(dict.fromkeys((source, STORED + digest)))
        used = [*self._store.index.prompts_of_song(digest), *self._queue.prompts_for(names)]
        newest: dict[str, RecentPrompt] = {}
        for prompt, lyrics, task, moment in sorted(used, key=lambda row: row[3], reverse=True):
            newest.setdefault(
                prompt.strip(), RecentPrompt(prompt=prompt.strip(), lyrics=lyrics, task=task, used=moment)
            )
        found = tuple(newest.values())[: request.limit]
        text = "; ".join(one.prompt for one in found[:SHOWN]) or "No prompts were used yet."
        return understood(request, text, PromptList(prompts=found))

    async def presets(self, request: requests.ListPresets, _: Client) -> Response:
        found = self._presets.all()
        names = ", ".join(one.name for one in found[:SHOWN])
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        return understood(request, f"{names}{more}" or "There are no presets.", PresetList(presets=found))

    async def save(self, request: requests.SavePreset, _: Client) -> Response:
        preset = Preset(name=request.name.strip(), task=request.task, **request.kept())
        self._presets.save(preset)
        return understood(request, f"Preset {preset.name} is saved.", preset)

    async def delete(self, request: requests.DeletePreset, _: Client) -> Response:
        deleted = self._presets.delete(request.name)
        return understood(request, f"Preset {deleted.name} is deleted.", DeletedPreset(name=deleted.name))


def in_words(read: PromptRead) -> str:
    """What an engine makes of a prompt, in sentences."""
    parts = [f"{read.label} reads prompts in free words."] if read.free else []
    parts += [f"{one.text}: {one.effect}." for one in read.follows]
    if read.ignores:
        words = ", ".join(f"{one.text} ({one.reason})" if one.reason else one.text for one in read.ignores)
        parts.append(f"Not followed: {words}.")
    return " ".join([*parts, *read.notes]) or f"Nothing is asked for. A prompt can say: {read.hint}."
