"""`takebridge serve`: runs until stopped; prints at the start what a DAW-side script needs."""

from __future__ import annotations

import asyncio
import contextlib
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from bridge_server.cli.console import TextConsole
from bridge_server.cli.panel_link import open_privately
from bridge_server.cli.running import server_on
from bridge_server.cli.stopping import Stopping
from bridge_server.cli.streams import can_show
from bridge_server.network.lan import address_of_this_machine, code_to_scan, panel_address, token_query
from bridge_server.platforms import give_memory_back, store_folder, typed_word
from bridge_server.server import mailbox_root, running_server
from bridge_server.settings import Settings
from bridge_server.studio.host_connection import HostConnection
from bridge_server.version import MADE_BY
from daw_protocol.errors import ErrorCode, ProtocolError


async def serve(settings: Settings) -> int:
    """Runs a server until it is asked to stop. Raises ProtocolError when it cannot start or continue."""
    give_memory_back()
    stopping = Stopping()
    stopping.listen()
    await stopping.unless_asked(_serve(settings))
    return 0


async def _serve(settings: Settings) -> None:
    """Until it is cancelled, and by nothing else: a second reason to end would cancel what the first one closes."""
    console = TextConsole()
    async with running_server(settings) as server:
        # Ready means that the first request is acknowledged at once, so the engine's description must be here.
        # Without one the worker logs the reason, and render requests are refused with it.
        with contextlib.suppress(ProtocolError):
            await server.engines.describe(settings.engine)
        await server.worker.warm.wait()
        for line in ready_message(server.settings):
            console.print(line, highlight=False)
        for line in hosts_message(server.engines.render_hosts):
            console.print(line, highlight=False)
        if server.settings.link:
            console.print(
                "  Link       tempo, start and stop of the session on this network", highlight=False
            )
        if server.midi:
            console.print(f"  MIDI       {escape(server.midi)}", highlight=False)
        if server.announcement:
            console.print(f"  network    {escape(server.announcement)}", highlight=False)
        if server.settings.trust_this_machine:
            show_code(console, server.settings)
        console.print("Ctrl-C stops it.", highlight=False)
        try:
            await asyncio.Event().wait()
        finally:
            console.print("Stopping. Accepted jobs are kept and resumed at the next start.", highlight=False)


def ready_message(settings: Settings) -> list[str]:
    """Engine, ports, folders and store, a line each."""
    token = "" if settings.trust_this_machine else settings.token  # this machine's programs need none then
    command = (
        "takebridge"
        if settings.store == store_folder()
        else f"takebridge --store {typed_word(settings.store)}"
    )
    return [
        f"[bold]{MADE_BY}[/bold] is ready, engine [bold]{escape(settings.engine)}[/bold].",
        f"  OSC        {settings.host}:{settings.osc_port} (UDP)",
        f"  panel      {escape(panel_address(settings))}",
        f"  WebSocket  ws://{settings.host}:{settings.websocket_port}/{token_query(token)}",
        f"  mailbox    {escape(str(mailbox_root(settings.store)))}",
        *(f"  songs in   {escape(str(root))}" for root in settings.roots),
        *([f"  watching   {escape(str(settings.watch.folder))}"] if settings.watch else []),
        f"  store      {escape(str(settings.store))}",
        f"  try        {escape(command)} send /bridge/status",
    ]


def hosts_message(hosts: Sequence[HostConnection]) -> list[str]:
    """Which machines render for this one, and which cannot be reached."""
    return [
        f"  renders on {escape(host.rendered_on)}, {host.welcome.places} places"
        if host.welcome is not None
        else f"  no link    {escape(host.join.address)}: {escape(host.problem)}; it is tried again and again"
        for host in hosts
    ]


def show_code(console: Console, settings: Settings) -> None:
    """How to open the panel on a tablet."""
    here = address_of_this_machine()
    if here is None:
        console.print("This machine is in no network: no tablet can reach it.", highlight=False)
        return
    address = panel_address(settings, here)
    code = code_to_scan(address)
    if not can_show(console.encoding, code):
        console.print(f"On a tablet in the same network, type {escape(address)}", highlight=False)
        return
    # Not through rich, which would break and colour it: a camera must be able to read it.
    console.file.write(code)
    console.print(f"Scan it with a tablet in the same network, or type {escape(address)}", highlight=False)


def open_panel(store: Path, code: bool) -> int:
    """Opens the panel of the server that holds this store, or shows the code that leads a tablet to it.

    Raises ProtocolError when none runs, or when no tablet could reach it.
    """
    found = server_on(store)
    settings = Settings(store=store, host=found.host, websocket_port=found.websocket_port, token=found.token)
    console = TextConsole()
    if not code:
        address = panel_address(settings)
        console.print(f"The panel is at {escape(address)}", highlight=False)
        if "token=" in address:
            open_privately(address)
        else:
            webbrowser.open(address)
        return 0
    if not found.open:
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            "The server can be reached from this machine only.",
            "Start it with `takebridge serve --lan` to let tablets in.",
        )
    show_code(console, settings)
    return 0
