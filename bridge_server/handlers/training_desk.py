"""A server's trainings: which there are, beginning one, stopping it, going on. One is under way at a time.

Songs are read in a thread, one folder at a time. The training is a process of its own, which waits while the server
renders; or it is at a render host, which it is only followed to.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge_server.engines.registry import KERNELS, MODELS_ENGINE
from bridge_server.handlers.aside_desk import AsideDesk, Check
from bridge_server.handlers.response import Response, understood
from bridge_server.handlers.training_places import TrainingPlaces
from bridge_server.handlers.training_records import news_of, record_of, record_of_kept, with_figures
from bridge_server.sessions.events import Events, Notice
from bridge_server.settings import Settings
from bridge_server.songs.sources import find_songs_folder
from bridge_server.studio.at_host import kept_at_host
from bridge_server.studio.host_connection import HostConnection
from bridge_server.training.kept_trainings import (
    KeptTraining,
    kept_trainings,
    preview_names,
    refuse_other,
    remove_run,
    settle_finished,
)
from bridge_server.training.song_folder import DESCRIBE, SongToLearn, songs_in
from bridge_server.training.trainable import no_models, trainable
from bridge_server.training.training_process import Start, TrainingProcess
from bridge_server.training.training_runner import RunningTraining, TrainingRunner
from bridge_server.training.training_wish import (
    ADAPTERS,
    TrainingWish,
    consent_now,
    digests_of,
    kept_consent,
    no_consent,
    only_one,
    refuse_name,
)
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import (
    DiscardTraining,
    ListTrainings,
    ReadTrainingSongs,
    ResumeTraining,
    ShowTraining,
    StartTraining,
    StopTraining,
)
from daw_protocol.requests.training import MEMORY
from daw_protocol.training_results import (
    DiscardedTraining,
    SongToTrainOn,
    TrainingList,
    TrainingRecord,
    TrainingSongs,
)

log = logging.getLogger(__name__)

CHANGED = {
    "kind": "kind", "steps": "steps", "rank": "rank", "seconds": "seconds", "learning_rate": "learning_rate",
    "accumulation": "accumulation", "regions": "region_share", "seed": "seed",
}  # fmt: skip
"""Settings of a request, and what the trainer calls them."""


class TrainingDesk:
    """Answers requests about trainings. Raises ProtocolError."""

    def __init__(
        self,
        settings: Settings,
        events: Events,
        render_hosts: Sequence[HostConnection] = (),
        renders: bool = False,
    ) -> None:
        setup = settings.engines.get(MODELS_ENGINE.name)
        self._device = str(setup.options.get("device") or "") if setup else ""
        self._kernels = str(setup.options.get(KERNELS) or "") if setup else ""
        self._models = setup.models if setup else None
        self._store, self._roots = settings.store, settings.roots
        self._events = events
        self._places = TrainingPlaces(render_hosts, settings.limits.pulse)
        self._runner = TrainingRunner(self._moved)
        self._runner.yield_to_renders(renders)
        self._reading = AsideDesk("Reading the songs was cancelled.")
        self._turn = asyncio.Lock()  # so that nothing begins where something is being removed

    def yield_to_renders(self, renders: bool) -> None:
        """Whether the server renders at this moment."""
        self._runner.yield_to_renders(renders)

    async def close(self) -> None:
        """Ends the training under way; the next start of the server goes on with it. Nothing begins any more."""
        self._reading.close()
        await self._runner.close()

    async def go_on(self) -> None:
        """Goes on with the training that was under way when the server ended."""
        await asyncio.to_thread(settle_finished, self._store)
        for kept in await asyncio.to_thread(kept_trainings, self._store):
            if kept.under_way and kept.wish is not None:
                try:
                    await self._begin_again(kept.wish, resume=False)
                    return
                except ProtocolError as error:
                    log.warning("the training %s does not go on: %s", kept.name, error.code.value)

    async def list(self, request: ListTrainings) -> Response:
        found, able = await asyncio.gather(
            asyncio.to_thread(self._kept), asyncio.to_thread(trainable, self._models)
        )
        current = await self._current(found)
        records = [current] if current else []
        records += [record_of_kept(one) for one in found if current is None or one.name != current.name]
        result = TrainingList(
            ready=not able.reason,
            reason=able.reason,
            remedy=able.remedy,
            models=able.models,
            planner=able.planner,
            hosts=self._places.records(),
            folders=tuple(str(root) for root in self._roots),
            trainings=tuple(records),
        )
        names = ", ".join(f"{one.name} ({one.state})" for one in records)
        return understood(request, f"Trainings: {names}." if names else "Nothing was trained yet.", result)

    async def show(self, request: ShowTraining) -> Response:
        found = await asyncio.to_thread(self._kept)
        current = await self._current(found)
        if current is not None and current.name == request.name:
            record, measured = current, self._runner.measured
        else:
            kept = _named(request.name, found)
            record, measured = record_of_kept(kept), kept.measured
        return understood(request, f"{record.name}: {record.state}.", with_figures(record, measured))

    async def songs(self, request: ReadTrainingSongs) -> Response:
        folder, songs = await self._read(request.folder, "folder")
        found = tuple(
            SongToTrainOn(
                name=song.path.name,
                seconds=song.seconds,
                caption=str(song.words["caption"]),
                words=DESCRIBE not in song.words,
                lyrics="lyrics" in song.words,
            )
            for song in songs
        )
        result = TrainingSongs(folder=str(folder), digest=_digest(songs), songs=found)
        return understood(request, f"Songs to train on: {len(songs)}.", result)

    async def start(self, request: StartTraining) -> Response:
        host = self._places.named(request.on) if request.on else None
        wish = self._wish(request, host)
        self._runner.refuse_another()  # before the songs are read for nothing
        if host is not None:
            self._places.refuse(host, wish.checkpoint)
        await asyncio.to_thread(refuse_name, wish)
        folder, songs = await self._read(request.songs, "songs")
        if request.digest and request.digest != _digest(songs):
            raise ProtocolError(
                ErrorCode.FILE_CHANGED,
                f"The songs in {folder} are not the ones that were listed.",
                "Look at the folder again, then start.",
                "songs",
            )
        wish = replace(wish, songs=folder)
        consent = await asyncio.to_thread(kept_consent, wish, songs)
        if consent is None and not request.consent:
            raise no_consent()
        await asyncio.to_thread(refuse_other, wish, songs)
        start = TrainingProcess if host is None else self._places.start(host)
        begun = await self._begin(wish, songs, consent or consent_now(songs), start)
        return understood(request, f"{wish.name} is being trained.", record_of(begun))

    async def resume(self, request: ResumeTraining) -> Response:
        kept = _named(request.name, await asyncio.to_thread(self._kept))
        if kept.wish is None:
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                f"The training {kept.name} has finished.",
                "Use its adapter, or start a training under another name.",
                "name",
            )
        begun = await self._begin_again(kept.wish, resume=True)
        return understood(request, f"{kept.name} is being trained.", record_of(begun))

    async def stop(self, request: StopTraining) -> Response:
        stopping = self._runner.stop(request.name)
        text = f"The training {stopping.wish.name} is being stopped; what it has learnt so far is kept."
        return understood(request, text, record_of(stopping))

    async def discard(self, request: DiscardTraining) -> Response:
        note = ""
        async with self._turn:
            current = self._runner.current
            if current is not None and current.under_way and current.wish.name == request.name:
                raise ProtocolError(
                    ErrorCode.NOT_ALLOWED, f"{request.name} is being trained.", "Stop it first.", "name"
                )
            found = await asyncio.to_thread(self._kept)
            shown = await self._current(found)
            # One that failed before anything of it was written has nothing to remove.
            if shown is None or shown.name != request.name or request.name in {one.name for one in found}:
                kept = _named(request.name, found)
                if kept.wish is None:
                    raise ProtocolError(
                        ErrorCode.NOT_ALLOWED,
                        f"{kept.name} is a finished adapter.",
                        f"Remove its folder yourself if you want to: {kept.folder}.",
                        "name",
                    )
                note = await self._places.forget(kept)
                await asyncio.to_thread(_remove, kept.wish)
            self._runner.forget(request.name)
        text = f"What was unfinished of {request.name} is removed."
        result = DiscardedTraining(name=request.name, note=note)
        return understood(request, f"{text} {note}".rstrip(), result)

    async def _begin_again(self, wish: TrainingWish, *, resume: bool) -> RunningTraining:
        """resume: also where it was stopped at its render host."""
        self._runner.refuse_another()
        wish = replace(wish, out=self._store / ADAPTERS)  # also where a command began it
        await asyncio.to_thread(refuse_name, wish)
        if (there := await asyncio.to_thread(kept_at_host, wish.run)) is not None:
            start = self._places.go_on(there, resume)
            return await self._begin(wish, there.songs(wish.songs), there.consent(), start)
        start = (
            self._places.start(self._places.named(wish.address or wish.on)) if wish.on else TrainingProcess
        )
        _, songs = await self._read(str(wish.songs), "songs")
        consent = await asyncio.to_thread(kept_consent, wish, songs)
        if consent is None:
            raise ProtocolError(
                ErrorCode.FILE_CHANGED,
                f"The songs in {wish.songs} are not those the training {wish.name} began with.",
                "Put them back, or start a training under another name.",
                "songs",
            )
        return await self._begin(wish, songs, consent, start)

    async def _begin(
        self, wish: TrainingWish, songs: Sequence[SongToLearn], consent: Mapping[str, Any], start: Start
    ) -> RunningTraining:
        if not wish.describe:
            songs = [song.as_it_is() for song in songs]
        async with self._turn:
            begun = self._runner.begin(wish, songs, consent, start)
        self._moved(begun)
        return begun

    async def _read(self, name: str, field: str) -> tuple[Path, Sequence[SongToLearn]]:
        """The folder and its songs. Takes minutes where there are many."""

        def read(check: Check) -> tuple[Path, Sequence[SongToLearn]]:
            folder = find_songs_folder(name, self._roots, field)
            return folder, songs_in(folder, self._roots, check)

        return await self._reading.run(read)

    def _wish(self, request: StartTraining, host: HostConnection | None) -> TrainingWish:
        if self._models is None and host is None:
            raise no_models()
        given = {theirs: getattr(request, ours) for ours, theirs in CHANGED.items()}
        return TrainingWish(
            name=request.name,
            songs=Path(request.songs),
            out=self._store / ADAPTERS,
            consent=request.consent,
            store=self._store,
            models=self._models or Path(),
            checkpoint=request.checkpoint,
            device=request.device or (self._device if host is None else ""),
            memory=max(
                (size for size in MEMORY if size <= request.memory),
                default=MEMORY[0] if request.memory else 0,
            ),
            changed={name: value for name, value in given.items() if value is not None},
            preview={"every": request.preview_every, "prompt": request.preview_prompt},
            describe=request.describe,
            on="" if host is None else host.name,
            address="" if host is None else host.join.address,
            kernels=self._kernels if host is None else "",
        )

    def _kept(self) -> Sequence[KeptTraining]:
        return kept_trainings(self._store)

    async def _current(self, found: Sequence[KeptTraining]) -> TrainingRecord | None:
        """The one under way, or the last one if it failed: a full disk may not have taken why. found: all there are;
        one that has been written to since, or is finished or trained elsewhere, says more."""
        current = self._runner.current
        if current is None or not (current.under_way or current.state == "failed"):
            return None
        kept = next((one for one in found if one.name == current.wish.name), None)
        said_since = kept is not None and (
            kept.adapter is not None or kept.elsewhere or kept.written > current.ended
        )
        if not current.under_way and said_since:
            return None
        return record_of(current, await asyncio.to_thread(preview_names, current.wish.run))

    def _moved(self, current: RunningTraining) -> None:
        self._events.publish(Notice(news_of(current)))


def _named(name: str, found: Sequence[KeptTraining]) -> KeptTraining:
    """Raises ProtocolError where there is none."""
    for one in found:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in found)
    raise ProtocolError(
        ErrorCode.FILE_MISSING,
        f"There is no training called {name!r}.",
        f"There are: {names}." if names else "Nothing was trained yet.",
        "name",
    )


def _digest(songs: Sequence[SongToLearn]) -> str:
    return hashlib.sha256(" ".join(digests_of(songs)).encode()).hexdigest()


def _remove(wish: TrainingWish) -> None:
    """Raises ProtocolError where it is being trained, and where the disk refuses."""
    try:
        with only_one(wish):
            remove_run(wish.run)
    except OSError as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"What is unfinished of {wish.name} could not be removed: {error.strerror}.",
            "Close what has its files open, check the folder's permissions, and remove it again.",
        ) from error
