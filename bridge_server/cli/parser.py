"""The command line: what stands before a command, and all commands. Each one carries the function that runs it."""

from __future__ import annotations

import argparse
from pathlib import Path

from bridge_server.cli import request_parsers, server_parsers
from bridge_server.cli.autostart_parser import add_autostart
from bridge_server.cli.host_parser import add_host
from bridge_server.cli.negative_values import NegativeValuesParser
from bridge_server.cli.options import in_help
from bridge_server.cli.rank_parser import add_rank
from bridge_server.cli.scripts_parser import add_scripts
from bridge_server.cli.send_parser import add_send
from bridge_server.cli.train_parser import add_train
from bridge_server.version import MADE_BY


def parser(store: Path, models: Path, here: Path) -> argparse.ArgumentParser:
    """The whole command line; `arguments.run(arguments)` carries out what was typed and returns the exit status.

    store, models: the folders used unless others are named. here: the current folder.
    """
    top: argparse.ArgumentParser = NegativeValuesParser(
        prog="takebridge",
        description="Repaint, continue, accompany and split regions of a song, aligned to the sample.",
        epilog="`takebridge COMMAND --help` explains a command. `takebridge doctor` checks the installation.",
    )
    top.add_argument("--version", action="version", version=MADE_BY)
    top.add_argument(
        "--store", type=Path, default=store, help=f"folder of takes and jobs (default: {in_help(store)})"
    )
    top.add_argument(
        "--models", type=Path, default=models, metavar="FOLDER",
        help=f"folder of models (default: {in_help(models)})",
    )  # fmt: skip
    top.add_argument(
        "--language", metavar="TAG", default="", dest="spoken",
        help="language of answers and errors, for the server too: en or ko (default: English; in the panel that of "
        "the browser)",
    )  # fmt: skip
    top.set_defaults(here=here)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    server_parsers.add_serve(commands)
    request_parsers.add_requests(commands)
    add_rank(commands)
    add_send(commands)
    add_scripts(commands)
    add_train(commands)
    add_autostart(commands)
    add_host(commands)
    server_parsers.add_others(commands)
    return top
