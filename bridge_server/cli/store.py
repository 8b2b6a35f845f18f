"""`takebridge store`: checks the store, or removes what nothing needs."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from bridge_server.cli.commands import DONE, PROBLEM, Screen, some_server
from bridge_server.cli.stored import stored
from bridge_server.handlers.status import SOUND, problems_in
from bridge_server.server import find_server
from bridge_server.settings import Settings


async def store(settings: Settings, screen: Screen, action: str) -> int:
    """Verifies or sweeps the store; returns the exit status. Raises ProtocolError."""
    return await (verify if action == "verify" else sweep)(settings, screen)


async def verify(settings: Settings, screen: Screen) -> int:
    """Reads everything in the store: through its server, or directly, for it may be on a read-only disk."""
    if find_server(settings.store) is None:
        problems = problems_of(settings.store)
    else:
        async with some_server(settings) as client:
            problems = list((await client.call("store.verify"))["problems"])
    screen.result({"problems": problems})
    for problem in problems:
        screen.say(f"[red]{escape(problem)}[/red]")
    if not problems:
        screen.say(SOUND)
    return PROBLEM if problems else DONE


async def sweep(settings: Settings, screen: Screen) -> int:
    """Removes the audio that no take needs."""
    async with some_server(settings) as client:
        answer = await client.call("store.sweep")
    screen.result(answer)
    screen.say(f"{answer['removed']} unused audio files were removed.")
    return DONE


def problems_of(folder: Path) -> list[str]:
    """What is wrong with a store that no server uses. Writes nothing, except that it brings forward a store of an
    earlier version, as a server would. Raises ProtocolError."""
    with stored(folder) as found:
        return problems_in(found.blobs, found.index.referenced_digests())
