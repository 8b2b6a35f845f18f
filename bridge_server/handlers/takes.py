"""Takes: listing and showing them, choosing one or a part of it, undoing and redoing that, deleting one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from bridge_server.audition.controller import AuditionController
from bridge_server.audition.scene_builder import tempo_map_of
from bridge_server.handlers.exports import in_either_spelling
from bridge_server.handlers.response import Response, understood
from bridge_server.handlers.take_files import address_of, take_file
from bridge_server.jobs.database import Connection, transaction
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.rendering.ledger_words import program_of
from bridge_server.rendering.receipts import hearing_in_words, in_words
from bridge_server.sessions.client import Client
from bridge_server.sessions.events import Events, Notice
from bridge_server.songs.sources import TAKE
from clip_store.choices import Place
from clip_store.comp import Comp, Part
from clip_store.errors import TakeError
from clip_store.exports.arrange import find_song
from clip_store.index import place_of
from clip_store.marks import Mark
from clip_store.mix.accepted import AcceptedSong, accepted_in
from clip_store.mix.family import family_of
from clip_store.mix.hearing import no_longer_accepted, stretches
from clip_store.store import ClipStore
from clip_store.sung_lines import lines_in
from clip_store.take import Take
from daw_protocol import requests
from daw_protocol.addresses import BY_NAME
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.recipe import LyricRecord
from daw_protocol.replies import TakeChosen
from daw_protocol.requests.span_between import span_between
from daw_protocol.results import FileSent
from daw_protocol.take_results import (
    ChosenTake,
    DeletedTake,
    ListedTake,
    SongChange,
    TakeList,
    TakeRecord,
    TakeWithRecipe,
)
from daw_protocol.tasks import TASKS
from daw_protocol.timeline import Position, Span

PAGE = 50
"""Takes that are read, or made into records, in one go; each step takes some 10 ms."""

Recorded = TypeVar("Recorded", bound=TakeRecord)


class TakeHandlers:
    """Requests about takes. Raises TakeError for an unknown take."""

    def __init__(
        self,
        store: ClipStore,
        connection: Connection,
        events: Events,
        queue: JobQueue,
        controller: AuditionController,
    ) -> None:
        self._store = store
        self._connection = connection
        self._events = events
        self._queue = queue
        self._controller = controller

    async def list(self, request: requests.ListTakes, _: Client) -> Response:
        takes = await self._found(request)
        result = await self._listed(takes, request.song if request.before is None else None)
        return understood(request, in_lines(takes) or "There are no takes.", result)

    async def show(self, request: requests.ShowTake, _: Client) -> Response:
        take = self._store.index.get(request.take)
        path = str(await asyncio.to_thread(self._store.clip_path, take))
        mark, gone = self._store.index.marks.of(take.id), self._gone(take, {})
        sung = tuple(LyricRecord(text=line.text, start=line.start, end=line.end) for line in lines_in(take))
        result = record(
            TakeWithRecipe, take, mark, gone, request=take.request, recipe=take.recipe, path=path, sung=sung
        )
        return understood(request, f"{take.task} at sample {take.position}: {path}", result)

    async def lineage(self, request: requests.ShowLineage, _: Client) -> Response:
        takes = self._store.index.lineage(request.take)
        return understood(request, in_lines(takes), await self._listed(takes))

    async def choose(self, request: requests.ChooseTake, client: Client) -> Response:
        part = part_of(self._store.index.get(request.take), request.start, request.end)
        with transaction(self._connection):
            place = self._store.index.choose(request.take, part, time.time(), program_of(client.key))
        text = f"Take {request.take} is chosen for its region."
        if len(self._publish(place)) > 1:
            text = f"A part of take {request.take} is chosen for its region, with parts of other takes."
        return understood(request, text, self._chosen_at(place))

    async def revert(self, request: requests.RevertTake, _: Client) -> Response:
        place = place_of(self._store.index.get(request.take))
        with transaction(self._connection):
            chosen = self._store.index.revert(place)
        self._publish(place)
        return understood(request, chosen_again(chosen), self._chosen_at(place))

    async def redo(self, request: requests.RedoTake, _: Client) -> Response:
        place = place_of(self._store.index.get(request.take))
        with transaction(self._connection):
            chosen = self._store.index.redo(place)
        self._publish(place)
        return understood(request, chosen_again(chosen), self._chosen_at(place))

    async def undo_song(self, request: requests.UndoSong, _: Client) -> Response:
        return self._walked(request, self._store.index.history.undo, "Undone")

    async def redo_song(self, request: requests.RedoSong, _: Client) -> Response:
        return self._walked(request, self._store.index.history.redo, "Redone")

    def _walked(
        self, request: requests.UndoSong | requests.RedoSong, step: Callable[..., Place], word: str
    ) -> Response:
        """One step through a song's history. Raises ProtocolError at its end, or when there is no such song."""
        try:
            song, _ = in_either_spelling(request.song, lambda name: find_song(self._store, name))
            songs = family_of(self._store.index, song).songs
            with transaction(self._connection):
                place = step(*songs)
        except TakeError as error:
            raise ProtocolError(ErrorCode.UNKNOWN_TAKE, error.sentence, error.remedy, "song") from error
        self._publish(place)
        history, chosen = self._store.index.history, self._chosen_at(place)
        result = SongChange(
            **vars(chosen),
            song=song,
            start=place.start,
            end=place.end,
            stem=place.stem,
            undo=history.can_undo(*songs),
            redo=history.can_redo(*songs),
        )
        return understood(request, f"{word}. {chosen_again(chosen.chosen)}", result)

    async def delete(self, request: requests.DeleteTake, _: Client) -> Response:
        """Its audio goes with the next sweep, unless another take needs it."""
        take = self._store.index.get(request.take)
        place = place_of(take)
        clip = await asyncio.to_thread(self._store.existing_clip, take)
        self._refuse_in_use(take)
        with transaction(self._connection):
            was_chosen = self._store.index.chosen(place) == take.id
            self._store.index.delete(take.id)
            chosen = self._store.index.chosen(place)
        self._publish(place)
        text = f"Take {take.id} is deleted."
        text += " Its region is back to the original." if was_chosen and chosen is None else ""
        text += self._orphaned(take)
        text += f" Its clip file stays: {clip}" if clip else ""
        result = DeletedTake(take=take.id, clip=str(clip or ""), **vars(self._chosen_at(place)))
        return understood(request, text, result)

    def _orphaned(self, take: Take) -> str:
        """A sentence on accepted takes of a stem that is gone: nothing says any more of which song they are a part."""
        if not TASKS[take.task].is_track or self._store.index.maker_of(take.audio) is not None:
            return ""
        takes = {part.take for comp in self._store.index.comps(take.audio).values() for part in comp}
        return (
            f" What was accepted in it is no longer part of the song: {', '.join(sorted(takes))}."
            if takes
            else ""
        )

    def _refuse_in_use(self, take: Take) -> None:
        """Raises ProtocolError for a take that plays, or that an unfinished job is to be made from."""
        state = self._controller.state()
        if state.take == take.id and state.state != "stopped":
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                f"Take {take.id} is playing.",
                "Stop the audition (audition.stop), then delete it.",
                "take",
            )
        job = self._queue.songs_in_use().get(TAKE + take.id)
        if job is not None:
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                f"Job {job} still needs take {take.id} as its source.",
                "Wait for the job to end or cancel it, then delete the take.",
                "take",
            )

    async def fetch(self, request: requests.FetchTake, _: Client) -> Response:
        file = await take_file(self._store, request.take, request.what, request.name)
        sent = FileSent(bytes=file.size, url=address_of(request.take, request.what, request.name))
        return understood(request, file.name or request.what, sent, file)

    def _publish(self, place: Place) -> Comp:
        """Announces what plays in a place now."""
        song, start, end, stem = place
        now = self._chosen_at(place)
        chosen = TakeChosen(
            take=now.chosen or "", song=song, start=start, end=end, stem=stem, parts=now.parts
        )
        self._events.publish(Notice(chosen))
        return self._store.index.parts(place)

    def _chosen_at(self, place: Place) -> ChosenTake:
        return ChosenTake(
            chosen=self._store.index.chosen(place), parts=partial(place, self._store.index.parts(place))
        )

    async def _found(self, request: requests.ListTakes) -> Sequence[Take]:
        """The takes asked for, newest first. A thousand are read in pages, between which others have their turn.

        Raises TakeError.
        """
        found: list[Take] = []
        before = request.before
        while len(found) < request.limit:
            asked = min(PAGE, request.limit - len(found))
            try:
                page = self._store.index.list(
                    song=request.song, job=request.job, task=request.task, limit=asked, before=before
                )
            except TakeError:
                if not found:
                    raise
                break  # the last one was deleted meanwhile: what came behind it cannot be told
            found += page
            if len(page) < asked:
                break
            before = page[-1].id
            await asyncio.sleep(0)
        return found

    async def _listed(self, takes: Sequence[Take], of: str | None = None) -> TakeList:
        """of: digest of the one whose accepted takes are listed too."""
        chosen: dict[str, list[Part]] = {}
        for song in {take.parent or "" for take in takes}:
            for place, comp in self._store.index.comps(song).items():
                for part in comp:
                    parts = chosen.setdefault(part.take, [])
                    if partial(place, comp):
                        parts.append(part)
        records = []
        accepted: dict[str, AcceptedSong] = {}
        for number, take in enumerate(takes, 1):
            mark = self._store.index.marks.of(take.id)
            records.append(listed(take, mark, chosen.get(take.id), self._gone(take, accepted)))
            if number % PAGE == 0:
                await asyncio.sleep(0)
        in_song = stretches(self._accepted(of, accepted)) if of else ()
        return TakeList(
            takes=tuple(records), accepted=tuple((kind, span.start, span.end) for kind, span in in_song)
        )

    def _gone(self, take: Take, accepted: dict[str, AcceptedSong]) -> tuple[str, ...]:
        """The takes a take was made for that are not accepted any more. accepted: what is known of songs; grows."""
        heard, song = take.recipe.heard, take.parent
        if heard is None or song is None:
            return ()
        return no_longer_accepted(heard, self._accepted(song, accepted))

    def _accepted(self, song: str, known: dict[str, AcceptedSong]) -> AcceptedSong:
        if song not in known:
            known[song] = accepted_in(self._store.index, song)
        return known[song]


def part_of(take: Take, start: Position | None, end: Position | None) -> Span | None:
    """The part of a take between two positions, in samples of its song; None for all of it. Raises ProtocolError."""
    if start is None and end is None:
        return None
    origin = take.position - take.start
    whole = take.region.shifted(origin)
    return span_between((start, end), whole, tempo_map_of(take), take.rate).shifted(-origin)


def partial(place: Place, comp: Comp) -> Comp:
    """The comp, unless it is all of one take."""
    return () if [part.span for part in comp] == [Span(place.start, place.end)] else comp


def chosen_again(take: str | None) -> str:
    return f"Take {take} is chosen again." if take else "Back to the original."


def listed(take: Take, mark: Mark, parts: Sequence[Part] | None, gone: tuple[str, ...] = ()) -> ListedTake:
    """A take in a list. parts: of it that are chosen, in samples of its song; empty for all of it, None for nothing.
    gone: as for `record`."""
    origin = take.position - take.start
    spans = tuple((part.start + origin, part.end + origin) for part in parts or ())
    return record(ListedTake, take, mark, gone, chosen=parts is not None, parts=spans)


def record(kind: type[Recorded], take: Take, mark: Mark, gone: tuple[str, ...] = (), **more: Any) -> Recorded:
    """A take as clients see it. gone: takes it was made for that are not accepted any more; more: the values of `kind`
    that TakeRecord does not have."""
    heard = take.recipe.heard
    return kind(
        take=take.id,
        job=take.job,
        number=take.number,
        task=take.task,
        stem=take.stem,
        title=take.title,
        song=take.parent,
        audio=take.audio,
        origin=take.origin,
        position=take.position,
        length=take.length,
        rate=take.rate,
        created=take.created,
        prompt=str(take.request.get("prompt", "")),
        seed=take.recipe.seed,
        engine=str(take.request.get("engine", "")),
        receipt=take.receipt,
        words=(*in_words(take.receipt), *(hearing_in_words(heard, gone) if heard else ())),
        heard=heard.takes if heard else (),
        heard_before=gone,
        handles=take.handles is not None,
        attachments=tuple(entry.name for entry in take.attachments),
        strength=strength_of(take),
        name=mark.name,
        stars=mark.stars,
        hidden=mark.hidden,
        region=take.recipe.region,
        track=take.recipe.track,
        **more,
    )


def strength_of(take: Take) -> float | None:
    """The strength of a take's request; None for tasks without one."""
    command = BY_NAME.get(take.task)
    strength = take.request.get("strength", getattr(command.request, "strength", None) if command else None)
    if isinstance(strength, bool) or not isinstance(strength, (int, float)):
        return None
    return float(strength) if 0 <= strength <= 1 else None


def in_lines(takes: Iterable[Take]) -> str:
    """Takes for a script that listens with oscdump."""
    return "; ".join(f"{take.id} {take.task} {take.stem} of {take.title}" for take in takes)
