"""`takebridge audition`: controls playback in the running server; without one, plays until the end or Ctrl-C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from bridge_server.cli.client import BridgeClient
from bridge_server.cli.commands import DONE, Screen, some_server
from bridge_server.handlers.audition import in_words
from bridge_server.server import look_for_server
from bridge_server.settings import Settings
from daw_protocol.addresses import Command
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import AuditionState
from daw_protocol.results import DeviceList

# What makes sense without a server: the others speak of something that plays.
ALONE = ("audition.play", "audition.devices")


async def audition(settings: Settings, screen: Screen, command: Command, fields: Mapping[str, Any]) -> int:
    """Carries out one action. Raises ProtocolError, and PermissionError when the store is another user's."""
    running = look_for_server(settings.store) is not None
    if not running and command.name not in ALONE:
        raise ProtocolError(
            ErrorCode.NOT_PLAYING,
            "No server is running, so nothing is playing.",
            "Start one: takebridge serve.",
        )
    async with some_server(settings) as client:
        if not running and command.name == "audition.play":
            await client.call("watch", on=True)
        answer = await client.call(command.name, **fields)
        show(screen, command, answer)
        if not running and command.name == "audition.play":
            screen.say("Ctrl-C stops it.")
            await until_stopped(client, screen)
    return DONE


def show(screen: Screen, command: Command, answer: Mapping[str, Any]) -> None:
    """The state, or the devices, as words or as JSON."""
    screen.result(answer)
    if command.name == "audition.devices":
        devices = DeviceList.from_stored(answer).devices
        for device in devices:
            mark = "*" if device.default else " "
            screen.say(f"{mark} {device.number:>3} {escape(device.name)} ({device.rate} Hz)")
        if not devices:
            screen.say("There is no sound device.")
        return
    state = AuditionState.from_stored(answer)
    screen.say(escape(in_words(state)))
    if state.state != "stopped":
        figures = [
            f"{state.rate} Hz",
            f"latency {state.latency_ms:.0f} ms",
            f"underruns {state.underruns}",
        ]
        if state.offset_ms is not None:
            figures.append(f"{state.offset_ms:+.1f} ms against the {state.follow} transport")
        screen.say(escape(f"  {', '.join(figures)}"))


async def until_stopped(client: BridgeClient, screen: Screen) -> None:
    """Returns when playback ends; prints its messages."""
    said = ""
    while True:
        name, state = await client.next_reply()
        if name != "audition":
            continue
        if state["message"] and state["message"] != said:
            said = state["message"]
            screen.say(escape(said))
        if state["state"] == "stopped":
            return
