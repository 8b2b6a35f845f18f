"""The parser of `takebridge presets`; with --save every value a preset can keep is an option."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
from pathlib import Path

from bridge_server.cli.arguments import screen_of, settings_of
from bridge_server.cli.options import Subparsers, in_help, json_option
from daw_protocol.fields import Flag
from daw_protocol.requests import PresetValues


def add_presets(commands: Subparsers) -> None:
    """The command `presets`."""
    one = commands.add_parser(
        "presets",
        help="named settings for requests, shared by all clients of the server",
        description="List, save and delete presets. Requests use one with --preset NAME: its values count where the "
        "request gives none.",
        allow_abbrev=False,
    )
    action = one.add_mutually_exclusive_group()
    action.add_argument("--save", metavar="NAME", help="save the values below under this name; needs --task")
    action.add_argument("--delete", metavar="NAME", help="delete this preset")
    action.add_argument("--export", type=Path, metavar="FILE", help="write all presets to a JSON file")
    action.add_argument(
        "--import",
        dest="read",
        type=Path,
        metavar="FILE",
        help="read presets from a JSON file, replacing equal names",
    )
    for entry in dataclasses.fields(PresetValues):
        option = f"--{entry.name.replace('_', '-')}"
        help_text = f"with --save: {in_help(entry.metadata['doc'])}"
        if isinstance(entry.metadata["kind"], Flag):
            one.add_argument(option, action=argparse.BooleanOptionalAction, default=None, help=help_text)
        else:
            one.add_argument(option, default=None, metavar="VALUE", help=help_text)
    json_option(one)
    one.set_defaults(run=_run)


def values_of(arguments: argparse.Namespace) -> dict[str, object]:
    """The values of a preset that were typed."""
    given = {entry.name: getattr(arguments, entry.name) for entry in dataclasses.fields(PresetValues)}
    return {name: value for name, value in given.items() if value is not None}


def _run(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.presets import PresetWish, presets

    wish = PresetWish(
        arguments.save, arguments.delete, arguments.export, arguments.read, values_of(arguments)
    )
    return asyncio.run(presets(settings_of(arguments), screen_of(arguments), wish))
