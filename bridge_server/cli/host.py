"""`takebridge host`: runs until stopped; prints the line that other machines need, the first time only."""

from __future__ import annotations

import asyncio
import platform
import socket
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.markup import escape

from bridge_server.cli.console import TextConsole
from bridge_server.cli.stopping import STOP_SECONDS, Stopping
from bridge_server.engines.registry import EngineSetup, on_device
from bridge_server.models.machine import GraphicsCard, graphics_cards
from bridge_server.network.lan import ANYWHERE, address_of_this_machine
from bridge_server.platforms import give_memory_back, write_private
from bridge_server.settings import MAX_PLACES
from bridge_server.studio.host_places import ClusterSettings
from bridge_server.studio.running_host import HostSettings, running_host
from daw_protocol.errors import ErrorCode, ProtocolError

JOIN = "join.txt"
LOOPBACK = "127.0.0.1"
RAY_STOP_SECONDS = 10.0  # its processes take more than a second to end in order


def host_folder(store: Path) -> Path:
    """Where a host keeps what is its own."""
    return store / "render_host"


def cards_for(device: str) -> tuple[GraphicsCard, ...]:
    """The cards that places are spread over; none where a device was named."""
    return graphics_cards() if device in ("", "cuda") else ()


def host_settings(
    arguments: Namespace, folder: Path, engines: Mapping[str, EngineSetup], cards: Sequence[GraphicsCard]
) -> HostSettings:
    """Settings from the options. Raises ProtocolError."""
    cluster = None if arguments.ray is None else ClusterSettings(arguments.ray, arguments.places)
    count = arguments.places or min(max(1, len(cards)), MAX_PLACES)
    if not 1 <= count <= MAX_PLACES:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            f"places must be 1 to {MAX_PLACES}, got {count}.",
            "Each place loads the engine once more: start with one for each graphics card.",
            "places",
        )
    return HostSettings(
        folder,
        arguments.name or socket.gethostname().partition(".")[0] or "render host",
        device_class(arguments.device, cards),
        tuple(
            on_device(engines, f"cuda:{place % len(cards)}" if len(cards) > 1 else arguments.device)
            for place in range(count if cluster is None else 1)
        ),
        address=ANYWHERE if arguments.lan else LOOPBACK,
        shown=(address_of_this_machine() or LOOPBACK) if arguments.lan else LOOPBACK,
        port=arguments.port,
        cache_bytes=int(arguments.cache_gb * 2**30),
        cluster=cluster,
    )


def device_class(device: str, cards: Sequence[GraphicsCard]) -> str:
    """What renders, in words: equal takes can be expected of two machines only where this is equal.

    "" where the engine chooses: the driver of a card says nothing of whether its torch can use it.
    """
    if cards and (device or len(cards) > 1):
        return " + ".join(dict.fromkeys(card.name for card in cards))
    return f"{device.partition(':')[0]} {platform.machine()}".strip() if device else ""


def joining(cluster: ClusterSettings) -> str:
    """What is said while Ray starts."""
    if cluster.address:
        return f"Joining the Ray cluster at {escape(cluster.address)} ..."
    return "Starting Ray, which takes some seconds ..."


async def host(settings: HostSettings) -> int:
    """Runs a host until it is asked to stop. Raises ProtocolError when it cannot start."""
    give_memory_back()
    stopping = Stopping(seconds=STOP_SECONDS if settings.cluster is None else RAY_STOP_SECONDS)
    stopping.listen()
    await stopping.unless_asked(_host(settings, stopping))
    return 0


async def _host(settings: HostSettings, stopping: Stopping) -> None:
    console = TextConsole()
    if settings.cluster is not None:
        console.print(joining(settings.cluster), highlight=False)
    async with running_host(settings, lambda waits: console.print(escape(waits), highlight=False)) as running:
        stopping.listen()  # again: Ray takes signals for crashes
        path = settings.folder / JOIN
        write_private(path, f"{running.join}\n")
        offer = running.host.offer
        engines = ", ".join(offer.engines) or "none: `takebridge doctor` says what is missing"
        training = running.host.trainings.offer
        for line in (
            f"[bold]Render host {escape(settings.name)}[/bold] is ready, "
            f"{escape(', '.join(filter(None, (f'{len(running.host.orders.places)} places', offer.device))))}.",
            f"  engines    {escape(engines)}",
            f"  trains     {escape(', '.join(training.models) or f'nothing: {training.reason}')}",
            f"  listens    {escape(running.join.address)}",
        ):
            console.print(line, highlight=False)
        if running.new:
            console.print("On the other machine, in one line:", highlight=False)
            # Not through rich, which would break it.
            console.file.write(f'takebridge serve --render-host "{running.join}"\n')
            console.print("This is shown once: whoever has that line can use this machine.", highlight=False)
        console.print(f"  join line  {escape(str(path))}", highlight=False)
        console.print("Ctrl-C stops it.", highlight=False)
        await asyncio.Event().wait()
