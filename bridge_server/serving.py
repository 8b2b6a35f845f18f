"""`ace-bridge serve`: runs until it is told to stop, and says at the start what a DAW-side script must know."""

from __future__ import annotations

import asyncio
import contextlib

from rich.console import Console
from rich.markup import escape

from bridge_server.platforms import stop_signals
from bridge_server.server import mailbox_root, running_server
from bridge_server.settings import Settings
from bridge_server.version import MADE_BY


async def serve(settings: Settings) -> int:
    """Runs a server until SIGINT or SIGTERM. Raises ProtocolError when it cannot start."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in stop_signals():
        # Windows' loop cannot handle signals: there Ctrl-C cancels this task, which stops the server just as well.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    console = Console()
    async with running_server(settings) as server:
        for line in ready_message(server.settings):
            console.print(line, highlight=False)
        await stop.wait()
        console.print("Stopping. Accepted jobs are kept and resumed at the next start.", highlight=False)
    return 0


def ready_message(settings: Settings) -> list[str]:
    """Engine, ports, folders and store, a line each."""
    query = f"?token={settings.token}" if settings.token else ""
    hello = f"sss hello token {settings.token}" if settings.token else "s hello"
    return [
        f"[bold]{MADE_BY}[/bold] is ready, engine [bold]{escape(settings.engine)}[/bold].",
        f"  OSC        {settings.host}:{settings.osc_port} (UDP)",
        f"  WebSocket  ws://{settings.host}:{settings.websocket_port}/{query}",
        f"  mailbox    {escape(str(mailbox_root(settings.store)))}",
        *(f"  songs in   {escape(str(root))}" for root in settings.roots),
        f"  store      {escape(str(settings.store))}",
        f"  try        oscsend localhost {settings.osc_port} /bridge/status {escape(hello)}",
        "Ctrl-C stops it.",
    ]
