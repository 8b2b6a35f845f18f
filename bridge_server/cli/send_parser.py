"""The command `takebridge send`."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from bridge_server.cli.arguments import screen_of
from bridge_server.cli.options import Subparsers, json_option, port
from bridge_server.cli.osc_words import TYPES_HELP
from bridge_server.settings import OSC_PORT


def add_send(commands: Subparsers) -> None:
    send = commands.add_parser(
        "send", help="send an OSC message to the running server and print its answers",
        description="Sends an OSC message to the running server and prints its answers until the last one. Ctrl-C "
        "cancels the job. Exit status: 0 done, 1 failed, cancelled or no answer.",
        epilog="For example: takebridge send /bridge/repaint source song.wav bars 17-20 bpm 120",
    )  # fmt: skip
    send.add_argument("--host", help="a server elsewhere (default: the one that runs on the store)")
    send.add_argument("--port", type=port, help=f"its OSC port (default with --host: {OSC_PORT})")
    send.add_argument("--token-file", type=Path, metavar="FILE", help="a file with the token of that server")
    send.add_argument(
        "--types", metavar="LETTERS",
        help=f"the values' types, a letter each: {TYPES_HELP} (default: as they are written)",
    )  # fmt: skip
    send.add_argument(
        "--no-wait", dest="wait", action="store_false", help="leave after the first answer; the job goes on"
    )
    json_option(send, "print each answer as a JSON object on a line of its own")
    send.add_argument("address", help="such as /bridge/repaint; docs/protocol.md has them all")
    send.add_argument(
        "values", nargs="*", metavar="VALUE",
        help="the message's values: 17 is sent as a whole number, 0.5 as a decimal, everything else as text",
    )  # fmt: skip
    send.set_defaults(run=_run_send)


def _run_send(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.send import send, target_of, typed_values

    target = target_of(arguments)
    values = typed_values(arguments.values, arguments.types, target.token)
    return asyncio.run(send(target, screen_of(arguments), arguments.address, values, arguments.wait))
