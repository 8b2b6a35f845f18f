"""The command `takebridge host`: this machine renders for others."""

from __future__ import annotations

import argparse
import asyncio

from bridge_server.cli.arguments import engines_of, store_of
from bridge_server.cli.options import Subparsers, engine_options, gigabytes, places, port
from bridge_server.cli.stopping import leave_at_once, stopped_early
from bridge_server.logs import JSON, TEXT, logged_to
from bridge_server.settings import MAX_PLACES
from bridge_server.studio.join_string import HOST_PORT

CACHE_GB = 20.0


def add_host(commands: Subparsers) -> None:
    """The command `host`."""
    host = commands.add_parser(
        "host",
        help="render for other machines that run `takebridge serve --render-host` (docs/studio.md)",
        description="Render for the servers of other machines. Prints the line they need, once.",
    )
    host.add_argument(
        "--name", default="", help="what producers read it is called (default: this machine's name)"
    )
    host.add_argument("--port", type=port, default=HOST_PORT, help="port to listen on (0: any free one)")
    host.add_argument(
        "--lan", action="store_true", help="let machines of the local network in, encrypted and with a token"
    )
    host.add_argument(
        "--places", type=places, default=0, metavar="N",
        help=f"how many takes are rendered at once, 1 to {MAX_PLACES} (default: one for each graphics card)",
    )  # fmt: skip
    host.add_argument(
        "--ray", nargs="?", const="", default=None, metavar="HOST:PORT",
        help="render in a Ray cluster, with a place on each graphics card of all its machines; without an address, "
        "one of this machine alone (docs/studio.md)",
    )  # fmt: skip
    host.add_argument(
        "--cache-gb", type=gigabytes, default=CACHE_GB, metavar="GB",
        help=f"how much audio of others is kept to be used again (default: {CACHE_GB:g})",
    )  # fmt: skip
    engine_options(host)
    host.add_argument(
        "--log-format", choices=(TEXT, JSON), default=TEXT,
        help="lines for people or JSON for programs, in the store's logs folder (default: text)",
    )  # fmt: skip
    host.add_argument("--verbose", action="store_true", help="show more of the log here")
    host.set_defaults(run=_run_host, leave=leave_at_once)


def _run_host(arguments: argparse.Namespace) -> int:
    with stopped_early():
        from bridge_server.cli.host import cards_for, host, host_folder, host_settings

        folder = host_folder(store_of(arguments))
        cards = cards_for(arguments.device) if arguments.ray is None else ()  # Ray knows those of a cluster
        settings = host_settings(arguments, folder, engines_of(arguments), cards)
        with logged_to(settings.folder, arguments.log_format, arguments.verbose):
            return asyncio.run(host(settings))
