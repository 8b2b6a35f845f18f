"""The parser of `takebridge analyse`: what is found in a song, changed, kept and written."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from bridge_server.cli.arguments import screen_of, settings_of
from bridge_server.cli.options import Subparsers, in_help, json_option
from daw_protocol.addresses import Command

# Options with a value that go into the request `songs.tempo` as they are.
EDITS = {
    "bpm": "set this tempo instead of analysing",
    "taps": 'set the tempo by taps instead of analysing: seconds in the song, "1.02, 1.53, 2.04"',
    "meter": "the time signature, such as 3/4",
    "key": 'the key, such as "F# minor"',
    "times": "multiply the tempo found",
    "bar-one": 'where bar 1 begins, from the song\'s first sample: "0.31s", or samples',
    "shift": "move bar 1 by so many beats; negative is earlier",
}
PART = {
    "start": "with --words: where the part begins that is described by itself, such as 12.5s",
    "end": "with --words: where it ends",
}


def add_analyse(commands: Subparsers, command: Command) -> None:
    """The command `analyse`."""
    one = commands.add_parser(
        command.name,
        help="find a song's tempo, first downbeat, meter, key and parts",
        description="Find a song's tempo or tempo map, first downbeat, meter, key, tuning and parts, from its audio "
        "alone. --accept keeps the result with the song: later requests about it need no tempo.",
        allow_abbrev=False,
    )
    one.add_argument("song", type=Path, help="the song: WAV, FLAC, AIFF or anything libsndfile reads")
    one.add_argument("--accept", action="store_true", help="keep the result with the song")
    one.add_argument("--kept", action="store_true", help="start from the tempo kept with the song, if one is")
    one.add_argument("--forget", action="store_true", help="forget the tempo kept with the song")
    one.add_argument(
        "--words", action="store_true", help="describe it too: caption, language and lyrics, by a planner"
    )
    for name, help_text in PART.items():
        one.add_argument(f"--{name}", default=None, metavar="PLACE", help=in_help(help_text))
    factor = one.add_mutually_exclusive_group()
    factor.add_argument(
        "--double", action="store_const", const="2", dest="times", help="double the tempo found"
    )
    factor.add_argument(
        "--halve", action="store_const", const="0.5", dest="times", help="halve the tempo found"
    )
    for name, help_text in EDITS.items():
        place = factor if name == "times" else one
        place.add_argument(f"--{name}", default=None, metavar="VALUE", help=in_help(help_text))
    one.add_argument(
        "--tempo-map", type=Path, metavar="MID", help="use this MIDI file's tempo map instead of analysing"
    )
    one.add_argument("--midi", type=Path, metavar="MID", help="write the tempo map as a MIDI file")
    json_option(one)
    one.set_defaults(run=_run)


def edits_of(arguments: argparse.Namespace) -> dict[str, object]:
    """The values of `songs.tempo` that were typed."""
    names = [name.replace("-", "_") for name in EDITS]
    given = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in given.items() if value is not None}


def _run(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.analyse import Wish, analyse

    wish = Wish(
        arguments.song, edits_of(arguments), arguments.tempo_map, arguments.midi, arguments.accept,
        arguments.kept, arguments.forget, arguments.words,
        {name: given for name in PART if (given := getattr(arguments, name)) is not None},
    )  # fmt: skip
    return asyncio.run(analyse(settings_of(arguments), screen_of(arguments), wish))
