"""The options of `takebridge rank`."""

from __future__ import annotations

import argparse
import asyncio

from bridge_server.cli.arguments import screen_of, settings_of
from bridge_server.cli.options import Subparsers, json_option

VALUES = ("song", "job", "prompt", "limit")


def add_rank(commands: Subparsers) -> None:
    """`takebridge rank --job JOB --prompt TEXT`."""
    rank = commands.add_parser(
        "rank",
        help="takes by how well they follow their prompt, as a trained network hears it",
        description="Ranks takes by how well they follow their prompt, beside the figures of their receipts. It needs "
        "the extra `ears` and, once, `takebridge models pull prompt-match`.",
    )
    rank.add_argument("--job", metavar="JOB", help="only takes of this job")
    rank.add_argument("--song", metavar="DIGEST", help="only takes of the song with this digest")
    heard = rank.add_mutually_exclusive_group()
    heard.add_argument(
        "--prompt", metavar="TEXT", help="what to compare them with (default: what each was asked for)"
    )
    heard.add_argument(
        "--words",
        action="store_true",
        help="instead, how many words of their lyrics are heard in them; needs `takebridge models pull words`",
    )
    rank.add_argument("--limit", metavar="N", help="how many at most, the newest (default: 20)")
    json_option(rank)
    rank.set_defaults(run=_run_rank)


def _run_rank(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.rank import rank, words

    values = {name: given for name in VALUES if (given := getattr(arguments, name)) is not None}
    command = words if arguments.words else rank
    return asyncio.run(command(settings_of(arguments), screen_of(arguments), values))
