"""The options of `takebridge ledger`."""

from __future__ import annotations

import argparse
from pathlib import Path

from bridge_server.cli.arguments import screen_of, store_of
from bridge_server.cli.options import Subparsers, json_option


def add_ledger(commands: Subparsers) -> None:
    """`takebridge ledger SONG`, `takebridge ledger --from-files FOLDER`."""
    ledger = commands.add_parser(
        "ledger",
        help="whose a song is: human, machine or both, stretch by stretch, and who chose what",
        description="For every stretch of a finished song: whose it is, which takes are in it, how they were made and "
        "who chose them. From the store, or from the song's sound files alone.",
    )
    ledger.add_argument("song", nargs="?", default="", help="the song's title, digest or start of its digest")
    ledger.add_argument(
        "--from-files", type=Path, metavar="FOLDER",
        help="read the sound files, dawprojects and AAF files of a folder, or one file, instead of the store",
    )  # fmt: skip
    ledger.add_argument(
        "--to", type=Path, metavar="FOLDER", help="write a page to print, and JSON, into this folder"
    )
    json_option(ledger)
    ledger.set_defaults(run=_run_ledger)


def _run_ledger(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.ledger import ledger

    files, folder = arguments.from_files, arguments.to
    return ledger(
        store_of(arguments), screen_of(arguments), arguments.song,
        files.absolute() if files else None, folder.absolute() if folder else None,
    )  # fmt: skip
