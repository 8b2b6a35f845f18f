"""`takebridge store`: checks the store, or removes what nothing needs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from rich.markup import escape

from bridge_server.cli.commands import DONE, PROBLEM, Screen, answer_with_bar, progress_bar, some_server
from bridge_server.cli.stored import stored
from bridge_server.handlers.status import SOUND, problems_in
from bridge_server.handlers.store_check import READING
from bridge_server.server import find_server
from bridge_server.settings import Settings


class StoppedError(Exception):
    """The command was interrupted."""


async def store(settings: Settings, screen: Screen, action: str) -> int:
    """Verifies or sweeps the store; returns the exit status. Ctrl-C ends it soon. Raises ProtocolError."""
    return await (verify if action == "verify" else sweep)(settings, screen)


async def verify(settings: Settings, screen: Screen) -> int:
    """Reads everything in the store: through its server, or directly, for it may be on a read-only disk."""
    if find_server(settings.store) is None:
        problems = await _read_here(settings.store, screen)
    else:
        async with some_server(settings) as client:
            problems = list((await answer_with_bar(client, screen, "store.verify", {}))["problems"])
    screen.result({"problems": problems})
    for problem in problems:
        screen.say(f"[red]{escape(problem)}[/red]")
    if not problems:
        screen.say(SOUND)
    return PROBLEM if problems else DONE


async def sweep(settings: Settings, screen: Screen) -> int:
    """Removes the audio that no take needs."""
    async with some_server(settings) as client:
        answer = await answer_with_bar(client, screen, "store.sweep", {})
    screen.result(answer)
    screen.say(f"{answer['removed']} unused audio files were removed.")
    return DONE


async def _read_here(folder: Path, screen: Screen) -> list[str]:
    """`problems_of` in a thread, which Ctrl-C ends. Raises ProtocolError."""
    stop = threading.Event()
    with progress_bar(screen) as bar:
        task = bar.add_task(READING, total=1.0)

        def told(fraction: float) -> None:
            if stop.is_set():
                raise StoppedError
            bar.update(task, completed=fraction)

        reading = asyncio.create_task(asyncio.to_thread(problems_of, folder, told))
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.gather(reading, return_exceptions=True)
            raise


def problems_of(folder: Path, progress: Callable[[float], None] = lambda _: None) -> list[str]:
    """What is wrong with a store that no server uses. Writes nothing, except that it brings forward a store of an
    earlier version, as a server would. Raises ProtocolError, and what `progress` raises."""
    with stored(folder) as found:
        return problems_in(found.blobs, found.index.referenced_digests(), progress)
