"""What each command of the command line does, as a client of a server: a running one, or one started for it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from bridge_server.cli.chord_lines import chord_lines
from bridge_server.cli.client import TERMINAL, BridgeClient, NoAnswer, as_error, connected
from bridge_server.cli.console import ListTable, TextConsole, label, own_words, passing_bar
from bridge_server.cli.save_take import save_take
from bridge_server.endpoints.websocket import COMMAND_AGENT
from bridge_server.errors import StoreInUse
from bridge_server.handlers.take_marks import in_words as mark_in_words
from bridge_server.languages.installed import ENGLISH
from bridge_server.rendering.receipts import in_words
from bridge_server.server import RunningServer, find_server, running_server
from bridge_server.settings import Settings
from bridge_server.songs.alike import existing, file_title
from bridge_server.songs.sources import is_reference
from bridge_server.songs.tempo_file import read_midi_map, with_map, without_tempo
from clip_store.take import MIX
from daw_protocol.addresses import Command
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import Failed
from daw_protocol.requests import Render
from daw_protocol.requests.render import ACCEPTED
from daw_protocol.requests.tracks import TOGETHER
from daw_protocol.take_results import (
    ChosenTake,
    DeletedTake,
    ListedTake,
    MarkedTake,
    SongChange,
    TakeList,
    TakeWithRecipe,
)

DONE, PROBLEM = 0, 1
INTERRUPTED = 130  # as a shell reports Ctrl-C
CHANGING_SECONDS = 15.0
"""Until a server answers that is just starting, or has left the store that it is leaving."""
LOOK_AGAIN_SECONDS = 0.1
TOLD_AFTER_SECONDS = 1.0


@dataclass(frozen=True)
class Screen:
    """Where a command prints: words for people, or JSON alone."""

    console: Console
    as_json: bool = False

    @property
    def language(self) -> str:
        """Of what is printed, and of pages that are written."""
        return getattr(self.console, "language", ENGLISH)

    def say(self, text: str) -> None:
        if not self.as_json:
            self.console.print(text, highlight=False)

    def bar(self, *columns: ProgressColumn) -> Progress:
        return passing_bar(self.console, *columns, silent=self.as_json)

    def result(self, value: Any) -> None:
        """The machine-readable answer; nothing when people read."""
        if self.as_json:
            print(json.dumps(value, indent=1))  # in ASCII: whatever reads it, it arrives


@contextlib.asynccontextmanager
async def some_server(settings: Settings, renders: bool = False) -> AsyncIterator[BridgeClient]:
    """A client of the server that runs on this store; without one, of a server that lasts as long as the block and the
    other commands that came to it, unless Ctrl-C ends the block. Raises ProtocolError.

    renders: whether the block will ask for audio. Loading for that takes longer than most other commands.
    """
    async with contextlib.AsyncExitStack() as held:
        client, server = await _reached(held, settings, renders)
        interrupted = False
        try:
            yield client
        except asyncio.CancelledError:
            interrupted = True
            raise
        finally:
            if server is not None and not interrupted:
                await _told_while(
                    lambda: server.websocket.commands > 1,  # this one's own connection is the last
                    "Another command works with this one's server: this one ends with it, and Ctrl-C ends both.",
                )


async def _reached(
    held: contextlib.AsyncExitStack, settings: Settings, renders: bool
) -> tuple[BridgeClient, RunningServer | None]:
    """A client and, where none ran, its own server. One that is just starting or ending is waited for."""
    own = replace(settings, osc_port=0, websocket_port=0, ahead=renders)
    until = time.monotonic() + CHANGING_SECONDS
    while True:
        try:
            if (found := find_server(settings.store)) is not None:
                where = str(found["host"]), int(str(found["websocket_port"])), str(found["token"])
                return await held.enter_async_context(connected(*where, agent=COMMAND_AGENT)), None
            server = await held.enter_async_context(running_server(own))
            at = server.settings.host, server.settings.websocket_port
            return await held.enter_async_context(connected(*at, agent=COMMAND_AGENT)), server
        except (NoAnswer, StoreInUse):
            if time.monotonic() > until:
                raise
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def _told_while(waiting: Callable[[], bool], why: str) -> None:
    """Waits, and says why when that takes longer than a moment."""
    told_at: float | None = time.monotonic() + TOLD_AFTER_SECONDS
    while waiting():
        if told_at is not None and time.monotonic() > told_at:
            TextConsole(stderr=True).print(why)
            told_at = None
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def render(
    settings: Settings,
    screen: Screen,
    command: Command,
    songs: Sequence[Path | str],
    tempo_map: Path | None,
    fields: Mapping[str, Any],
    out: Path,
) -> int:
    """Renders, waits, and writes every take's files into `out`. Returns the exit status.

    songs: files, or texts for what the store has, as requests name it (`song_typed`).
    """
    asked = dict(fields)
    together = asked.get("mode") == TOGETHER  # such tracks are rendered without accepted takes
    if issubclass(command.request, Render) and command.request.spec().hears_accepted and not together:
        asked.setdefault("hears", ACCEPTED)  # the song is the bridge's here, not a bounce with takes in it
    if tempo_map is not None:
        asked = _from_midi(existing(tempo_map), asked)
    async with some_server(settings, renders=True) as client:
        with progress_bar(screen) as bar:
            task = bar.add_task("starting", total=1.0)
            sent = []
            for song in songs:
                if isinstance(song, str):
                    sent.append({"source": song})
                    continue
                bar.update(task, description=f"reading {escape(song.name)}")
                source, notes = await client.upload(song)
                sent.append({"source": source, "title": file_title(song)})
                asked["notes"] = [*asked.get("notes", ()), *notes]
            asked |= {"tracks": sent} if len(sent) > 1 else dict(*sent)
            reference = song_typed(str(asked.get("reference", "")))
            # As with the song, the server need not be allowed to read the folder.
            if isinstance(reference, Path) and (reference := existing(reference)).is_file():
                bar.update(task, description=f"reading {escape(reference.name)}")
                asked["reference"], _ = await client.upload(reference)
            try:
                answer = await client.call(command.name, **asked)
            except ProtocolError as refused:
                screen.result({"reply": Failed.name, **Failed.from_error(refused).to_fields()})
                raise
            if answer.get("note"):
                screen.say(f"[yellow]{escape(answer['note'])}[/yellow]")
            name, terminal, takes = await follow(client, answer["job"], bar, task)
        if name != "done":
            screen.result({"reply": name, **terminal})
            if name == "failed":
                raise as_error(terminal)
            screen.say("[yellow]Cancelled.[/yellow]")
            return PROBLEM
        results = []
        shown: dict[str, None] = {}
        for take in takes:
            files = await save_take(client, take["take"], out)
            results.append({**take, "files": files})
            shown |= dict.fromkeys(await print_take(client, screen, take, files))
        for note in shown:  # printed once: the stems of one render share theirs
            if note not in answer.get("note", ""):
                screen.say(f"[dim]{escape(note)}[/dim]")
        screen.result({"reply": name, **terminal, "note": answer.get("note", ""), "results": results})
    return DONE if results else PROBLEM


def song_typed(text: str) -> Path | str:
    """A file on the command line, or the text itself where it names a take or stored audio, by the rule of requests."""
    return text if is_reference(text) else Path(text)


def _from_midi(path: Path, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The request with tempo, key and notes of a MIDI file. Raises ProtocolError when neither has a tempo."""
    song_map = read_midi_map(path)
    if not song_map.has_tempo and "bpm" not in asked:
        raise without_tempo(path, song_map)
    key = {"key": str(song_map.keys[0][1])} if song_map.keys else {}
    return {**key, **with_map(song_map, asked)}


async def follow(
    client: BridgeClient, job: str, bar: Progress, task: Any
) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """Everything until the job's terminal reply: its name, its values, the takes before it."""
    takes = []
    while True:
        name, params = await client.next_reply()
        if params.get("job") != job:
            continue
        if name == "progress":
            bar.update(task, completed=params["fraction"], description=escape(params["stage"]))
        elif name == "take":
            takes.append(params)
        elif name in TERMINAL:
            bar.update(task, completed=1.0 if name == "done" else 0.0, description=name)
            return name, params, takes


async def answer_with_bar(
    client: BridgeClient, screen: Screen, method: str, values: Mapping[str, Any]
) -> Any:
    """The answer to a request that is no job and takes a while; its progress meanwhile. Raises ProtocolError."""
    with progress_bar(screen) as bar:
        task = bar.add_task("starting", total=1.0)

        def on_progress(fraction: float, stage: str) -> None:
            bar.update(task, completed=fraction, description=escape(stage))

        return await client.call_with_progress(method, on_progress, **values)


async def print_take(
    client: BridgeClient, screen: Screen, take: Mapping[str, Any], files: Mapping[str, str]
) -> list[str]:
    """Prints a take's receipt and files; returns what its engine noted."""
    about = TakeWithRecipe.from_stored(await client.call("takes.show", take=take["take"]))
    stem = "" if take["stem"] == "mix" else f" {take['stem']}"
    mark = "[green]✓[/green]" if take["passed"] else "[yellow]![/yellow]"
    where = "".join(f", {name} {take[name]}" for name in ("region", "track") if name in take)
    screen.say(f"{mark} take {take['number']}{escape(stem)}{where}, seed {take['seed']}, id {take['take']}")
    for line in in_words(about.receipt):
        screen.say(f"    {escape(line)}")
    if about.stem == MIX and about.recipe.blueprint is not None:
        for line in chord_lines(about.recipe.blueprint.chords_text):
            screen.say(f"    chords {escape(line)}")
    for path in files.values():
        screen.say(f"    → {escape(path)}")
    return list(about.recipe.notes)


def progress_bar(screen: Screen) -> Progress:
    return screen.bar(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())


async def jobs(settings: Settings, screen: Screen, cancel: str | None) -> int:
    """Lists jobs, or stops one."""
    async with some_server(settings) as client:
        if cancel:
            screen.result(await client.call("cancel", job=cancel))
            screen.say(f"Job {escape(cancel)} is being cancelled.")
            return DONE
        found = (await client.call("jobs.list"))["jobs"]
    screen.result(found)
    table = ListTable("job", "command", "state", "asked for as", "what was wrong")
    for job in found:
        wrong = job["failure"].get("sentence", "")
        table.add_row(job["job"], job["command"], job["state"], own_words(job["id"]), escape(wrong))
    if not screen.as_json:
        screen.console.print(table if found else "There are no jobs.")
    return DONE


TAKE_VALUES = {"choose": ("start", "end"), "mark": ("name", "stars", "hidden")}
"""The values that go with one action about a take."""


def _refuse_values_of_others(action: str, values: Mapping[str, object]) -> None:
    """Raises ProtocolError for values that belong to another action."""
    for owner, names in TAKE_VALUES.items():
        given = ["--hide" if name == "hidden" else f"--{name}" for name in names if name in values]
        if given and owner != action:
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                f"{', '.join(given)} belong{'s' if len(given) == 1 else ''} to --{owner}, and no take is named there.",
                f"Add --{owner} TAKE.",
                "take",
            )


async def takes(
    settings: Settings,
    screen: Screen,
    action: str,
    take: str,
    out: Path,
    values: Mapping[str, object] = MappingProxyType({}),
    everything: bool = False,
) -> int:
    """Lists takes; marks, chooses, reverts, redoes, traces, deletes or saves one. Raises ProtocolError.

    action: the method's name after `takes.`, or "save"; take: its id, "" for `list`.
    values: other values of the request: start and end for `choose`; name, stars and hidden for `mark`.
    everything: hidden takes are listed too.
    """
    _refuse_values_of_others(action, values)
    async with some_server(settings) as client:
        if action == "save":
            files = await save_take(client, take, out)
            screen.result(files)
            for path in files.values():
                screen.say(f"→ {escape(path)}")
            return DONE
        answer = await client.call(f"takes.{action}", **({"take": take} if take else {}), **values)
    screen.result(answer.get("takes", answer))
    if action == "delete":
        deleted = DeletedTake.from_stored(answer)
        screen.say(f"Take {escape(deleted.take)} is deleted.")
        if deleted.clip:
            screen.say(f"Its clip file stays: {escape(deleted.clip)}")
    elif "takes" in answer:
        print_takes(screen, TakeList.from_stored(answer).takes, everything or action != "list")
    elif action == "mark":
        screen.say(escape(mark_in_words(MarkedTake.from_stored(answer))))
    else:
        screen.say(in_place(ChosenTake.from_stored(answer)))
    return DONE


async def walk_history(settings: Settings, screen: Screen, action: str, song: str) -> int:
    """Undoes or redoes what was accepted in a song. Raises ProtocolError at either end of its history."""
    async with some_server(settings) as client:
        answer = await client.call(f"songs.{action}", song=song)
    screen.result(answer)
    change = SongChange.from_stored(answer)
    screen.say(f"From sample {change.start} to {change.end} of the song: {in_place(change)}")
    return DONE


def in_place(chosen: ChosenTake) -> str:
    """What plays in a region now, in words."""
    if chosen.parts:
        takes = ", ".join(dict.fromkeys(take for take, _, _ in chosen.parts))
        return f"{len(chosen.parts)} parts are in place, of take {escape(takes)}."
    return f"Take {escape(chosen.chosen)} is in place." if chosen.chosen else "Back to the original."


def print_takes(screen: Screen, found: Sequence[ListedTake], everything: bool) -> None:
    """A table of takes; everything: with those that were hidden and are not in the song."""
    table = ListTable(
        "take", "name", "stars", "song", "task", "at sample", "length", "receipt",
        whole=("stars", "at sample", "length"),
    )  # fmt: skip
    shown = [take for take in found if everything or take.chosen or not take.hidden]
    for take in shown:
        warnings = take.receipt.warnings
        table.add_row(
            take.take, own_words(take.name), "★" * take.stars, own_words(take.title),
            take.task if take.stem == MIX else f"{take.task} {escape(take.stem)}", str(take.position),
            f"{take.length / take.rate:.2f} s", escape(warnings[0]) if warnings else label("passed"),
        )  # fmt: skip
    if not screen.as_json:
        screen.console.print(table if shown else "There are no takes yet.")
    if hidden := len(found) - len(shown):
        screen.say(
            f"{hidden} hidden take{'s are' if hidden > 1 else ' is'} not listed; --all lists them too."
        )
