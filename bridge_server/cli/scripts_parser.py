"""The command `takebridge scripts`."""

from __future__ import annotations

import argparse
from pathlib import Path

from bridge_server.cli.arguments import screen_of
from bridge_server.cli.options import Subparsers, json_option
from bridge_server.daws import DAWS


def add_scripts(commands: Subparsers) -> None:
    one = commands.add_parser(
        "scripts",
        help="copy the scripts for a DAW",
        description="Copies the scripts for a DAW and says what to do next.",
    )
    names = "; ".join(f"{daw.name}: {daw.label}" for daw in DAWS)
    one.add_argument("daw", choices=[daw.name for daw in DAWS], help=names)
    place = one.add_mutually_exclusive_group(required=True)
    place.add_argument(
        "--to", type=Path, metavar="FOLDER", help="the folder to copy them to; made where it is missing"
    )
    place.add_argument(
        "--install",
        action="store_true",
        help="copy them to the folder this DAW reads them from on this system",
    )
    one.add_argument(
        "--force", action="store_true", help="overwrite files that were changed since they were copied"
    )
    json_option(one)
    one.set_defaults(run=_run_scripts)


def _run_scripts(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.scripts import scripts

    (daw,) = (daw for daw in DAWS if daw.name == arguments.daw)
    to = None if arguments.install else arguments.here / arguments.to.expanduser()
    return scripts(screen_of(arguments), daw, to, arguments.force)
