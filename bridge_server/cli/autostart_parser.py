"""The command `takebridge autostart`."""

from __future__ import annotations

import argparse

from bridge_server.cli.options import Subparsers, json_option


def add_autostart(commands: Subparsers) -> None:
    one = commands.add_parser(
        "autostart", help="have the system start the server when you log in",
        description="Has the system start the server when you log in, in the folder this is typed in: by a user unit "
        "of systemd, an agent of launchd or a task of Windows. What is written is shown; off removes exactly that.",
        epilog="For example: takebridge autostart on -- --root ~/Music --lan",
    )  # fmt: skip
    one.add_argument("action", choices=("on", "off", "status"))
    one.add_argument(
        "serve", nargs="*", metavar="OPTION", help="after --: options of `takebridge serve` to start it with"
    )
    json_option(one)
    one.set_defaults(run=_run_autostart)


def _run_autostart(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.autostart import autostart

    return autostart(arguments)
