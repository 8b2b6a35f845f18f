"""`takebridge demo`: sends a bundled song through a real server, by OSC messages you could type yourself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn

from bridge_server.bundled import demo_song_folder
from bridge_server.cli.client import TERMINAL, BridgeClient, connected
from bridge_server.cli.console import TextConsole, passing_bar
from bridge_server.cli.demo_folder import own_folder
from bridge_server.cli.osc_peer import OscPeer
from bridge_server.cli.osc_words import as_typed
from bridge_server.cli.save_take import save_take
from bridge_server.network.lan import panel_address
from bridge_server.platforms import stop_signals
from bridge_server.rendering.receipts import in_words
from bridge_server.server import find_server
from bridge_server.settings import Settings
from bridge_server.songs.tempo_file import read_midi_map
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.osc_form import OscArgument
from daw_protocol.take_results import TakeWithRecipe

SONG, LEAD, MAP = "demo_song.flac", "demo_lead.flac", "demo_song.mid"

READY_SECONDS = 30.0
REPLY_SECONDS = 120.0

Message = tuple[str, list[OscArgument]]


@dataclass(frozen=True)
class Step:
    """One thing to show: what it is, in a sentence, and the message that asks for it."""

    title: str
    address: str
    arguments: tuple[OscArgument, ...]


STEPS = (
    Step(
        "Repaint bars 6 to 9: two new takes of a passage, the rest of the song untouched.",
        "/bridge/repaint", ("source", SONG, "bars", "6-9", "takes", 2, "seed", 7),
    ),
    Step(
        "Instead of ending in bar 20, the song goes on for four bars.",
        "/bridge/complete", ("source", SONG, "start", "20|1|0", "length", "4 bars", "seed", 7),
    ),
    Step(
        "Split bars 10 to 17 into stems; together they are the song again.",
        "/bridge/extract", ("source", SONG, "bars", "10-17"),
    ),
    Step(
        "Give the lead line alone a band.",
        "/bridge/accompany", ("source", LEAD, "prompt", "pop", "seed", 7),
    ),
)  # fmt: skip


async def demo(settings: Settings, wanted: Path, stay: bool = False) -> int:
    """Runs every step, prints what happens, writes the results into a folder. Returns the exit status.

    wanted: the folder, unless another demo is running in it; then one next to it.
    stay: the server keeps running afterwards, with the panel at the printed address, until Ctrl-C.
    """
    console = TextConsole()
    with own_folder(wanted) as out:
        if out != wanted:
            console.print(
                f"Another demo is running in {escape(str(wanted))}; this one writes into {escape(str(out))}.\n",
                highlight=False,
            )
        return await _demo(console, settings, out, stay)


async def _demo(console: Console, settings: Settings, out: Path, stay: bool) -> int:
    began = time.monotonic()
    songs = demo_song_folder()
    settings = replace(settings, store=out / "store", roots=(songs,))
    async with server_process(settings) as server:
        console.print(
            f"A server is running: OSC port {server.osc_port}, engine {server.engine}.\n", highlight=False
        )
        await Demo(console, server, songs, out).run()
        console.print(f"Done in {time.monotonic() - began:.0f} s. Listen to and look at:", highlight=False)
        for path in sorted(out.glob("*.song.wav")) + sorted(out.glob("*.png")):
            console.print(f"  {escape(str(path))}", highlight=False)
        if stay:
            await _stay(console, server)
    return 0


async def _stay(console: Console, server: Settings) -> None:
    """Leaves the panel open on the first step's takes until Ctrl-C."""
    stop = asyncio.Event()
    for number in stop_signals():
        # Windows' loop cannot handle signals: there Ctrl-C cancels this task, which ends the demo just as well.
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    console.print("\n[bold]Now you.[/bold] Open this address in a browser:\n", highlight=False)
    console.print(f"  [bold]{panel_address(server)}[/bold]\n", highlight=False)
    console.print(
        "Drag over some bars, press Repaint, hear the takes against the original, accept one.\n"
        "Ctrl-C ends the demo; what it made stays.",
        highlight=False,
    )
    await stop.wait()


class Demo:
    """The steps, against one server."""

    def __init__(self, console: Console, settings: Settings, songs: Path, out: Path) -> None:
        self._console = console
        self._settings = settings
        self._songs = songs
        self._out = out

    async def run(self) -> None:
        osc = OscPeer(self._settings.osc_port)
        song_map = read_midi_map(self._songs / MAP)
        tempo_map = json.dumps(song_map.tempo_map.to_json(), separators=(",", ":"))
        async with connected(self._settings.host, self._settings.websocket_port) as client:
            await self._send(
                osc,
                "The song's tempo map, as the DAW would send it.",
                "/bridge/tempo",
                ("tempo_map", tempo_map),
            )
            await self._send(osc, "Its key.", "/bridge/key", (str(song_map.keys[0][1]),))
            for step in STEPS:
                self._announce(step.title, step.address, step.arguments)
                for take in await self._follow(osc, step):
                    await self._save(client, take)
                self._console.print()
            # The panel now shows the song and the bars of the first step.
            await client.call("tempo", tempo_map=song_map.tempo_map.to_json())
            await client.call("source", source=SONG)
            await client.call("select", start="6|1|0", end="10|1|0")
        osc.close()

    async def _send(self, osc: OscPeer, title: str, address: str, arguments: Sequence[OscArgument]) -> None:
        self._announce(title, address, arguments)
        osc.send(address, arguments)
        reply = await osc.receive(REPLY_SECONDS)
        self._console.print(
            f"  ← {reply.address} {escape(reply.values.get('text', '')[:90])}\n", highlight=False
        )

    async def _follow(self, osc: OscPeer, step: Step) -> list[dict[str, Any]]:
        """Sends the request and shows its progress; returns the takes. Raises ProtocolError when it fails."""
        osc.send(step.address, step.arguments)
        takes = []
        columns = (TextColumn("  {task.description}"), BarColumn())
        with passing_bar(self._console, *columns) as bar:
            task = bar.add_task("waiting", total=1.0)
            while True:
                reply = await osc.receive(REPLY_SECONDS)
                path, name, values = reply.address, reply.name, reply.values
                if name == "ack":
                    self._console.print(f"  ← {path} job {values['job']}", highlight=False)
                elif name == "progress":
                    bar.update(task, completed=values["fraction"], description=values["stage"])
                elif name == "take":
                    takes.append(values)
                elif name == "failed":
                    raise ProtocolError(
                        ErrorCode(values["code"]), values["sentence"], values.get("remedy", "")
                    )
                elif name in TERMINAL:
                    self._console.print(f"  ← {path} takes {values.get('takes', 0)}", highlight=False)
                    return takes

    async def _save(self, client: BridgeClient, take: dict[str, Any]) -> None:
        files = await save_take(client, take["take"], self._out)
        about = TakeWithRecipe.from_stored(await client.call("takes.show", take=take["take"]))
        stem = "" if take["stem"] == "mix" else f" · {take['stem']}"
        self._console.print(
            f"  [green]✓[/green] take {take['number']}{stem}: {escape(files['clip'])}", highlight=False
        )
        for line in in_words(about.receipt):
            self._console.print(f"      [dim]{escape(line)}[/dim]", highlight=False)

    def _announce(self, title: str, address: str, arguments: Sequence[OscArgument]) -> None:
        self._console.print(f"[bold]{escape(title)}[/bold]", highlight=False)
        self._console.print(
            f"  $ {escape(as_typed(address, arguments, self._settings.osc_port))}", highlight=False
        )


@contextlib.asynccontextmanager
async def server_process(settings: Settings) -> AsyncIterator[Settings]:
    """`takebridge serve` in a separate process, on free ports; yields the settings with the ports it took."""
    roots = [option for root in settings.roots for option in ("--root", str(root))]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge_server", "--store", str(settings.store),
        "serve", "--port", "0", "--osc-port", "0", *roots,
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        found = await _wait_for(settings, process)
        yield replace(
            settings,
            osc_port=int(str(found["osc_port"])),
            websocket_port=int(str(found["websocket_port"])),
        )
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _wait_for(settings: Settings, process: asyncio.subprocess.Process) -> dict[str, object]:
    """Where the new server can be reached. Raises ProtocolError when it does not come up."""
    began = time.monotonic()
    while process.returncode is None and time.monotonic() - began < READY_SECONDS:
        found = find_server(settings.store)
        if found is not None:
            return found
        await asyncio.sleep(0.05)
    raise ProtocolError(
        ErrorCode.INTERNAL,
        "The demo's server did not start.",
        "What it printed above says why; try takebridge doctor.",
    )
