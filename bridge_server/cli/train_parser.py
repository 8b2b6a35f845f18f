"""The parser of `takebridge train`: an adapter from the producer's own songs."""

from __future__ import annotations

import argparse
from pathlib import Path

from bridge_server.cli.arguments import models_of, screen_of, store_of
from bridge_server.cli.options import Subparsers, json_option, models_option
from bridge_server.platforms import kernels_file
from daw_protocol.requests.training import MEMORY

PREVIEW_EVERY = 250  # steps


def add_train(commands: Subparsers) -> None:
    """The command `train`."""
    one = commands.add_parser(
        "train",
        help="train an adapter on songs of your own (docs/training.md)",
        description="Train an adapter on songs of your own. Ctrl-C stops it; the same command continues from there.",
        allow_abbrev=False,
    )
    one.add_argument("--songs", type=Path, required=True, metavar="FOLDER", help="a folder of 3 to 50 songs")
    one.add_argument("--name", required=True, help="the adapter's name: letters, digits, - and _")
    one.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where the adapter's folder goes (default: the current folder)",
    )
    one.add_argument(
        "--consent",
        action="store_true",
        help="you may train on these songs, and everyone who performs on them agreed",
    )
    one.add_argument(
        "--checkpoint", default="", metavar="NAME", help="the model to train for (default: the plain turbo)"
    )
    one.add_argument(
        "--device", default="", metavar="NAME", help="cuda, cuda:1, xpu, mps or cpu (default: the best)"
    )
    one.add_argument(
        "--memory", type=int, choices=MEMORY, default=0,
        help="train as fits a device of so many gigabytes (default: what is free)",
    )  # fmt: skip
    one.add_argument("--kind", choices=("lora", "lokr"), help="the adapter's form (default: lora)")
    one.add_argument("--steps", type=int, metavar="N", help="train at most so many steps (default: 2000)")
    one.add_argument(
        "--rank", type=int, metavar="N", help="the adapter's size (default: by memory, 16 to 128)"
    )
    one.add_argument(
        "--seconds", type=float, metavar="S", help="length of an example (default: by memory, 30 to 120)"
    )
    one.add_argument("--learning-rate", type=float, metavar="RATE", help="default: 0.0001")
    one.add_argument("--accumulation", type=int, metavar="N", help="examples in each step (default: 4 or 8)")
    one.add_argument(
        "--regions", type=float, metavar="SHARE", dest="region_share",
        help="share of examples in which only a region is rendered, as in a repaint (default: 0.3)",
    )  # fmt: skip
    one.add_argument(
        "--seed", type=int, metavar="N", help="the order of examples and all noise (default: 42)"
    )
    one.add_argument(
        "--preview-every", type=int, default=PREVIEW_EVERY, metavar="N",
        help="render a few seconds after so many steps; 0: never (default: 250)",
    )  # fmt: skip
    one.add_argument(
        "--preview-prompt",
        default="",
        metavar="TEXT",
        help="what is rendered (default: the first song's caption)",
    )
    one.add_argument(
        "--as-named", action="store_true",
        help="do not let a planner, where one is installed, write about songs that have no words with them",
    )  # fmt: skip
    one.add_argument(
        "--render-host", default="", metavar="JOIN",
        help="train on another machine: the line `takebridge host` prints there, or a file with it. The songs are sent "
        "there, and removed when it has finished",
    )  # fmt: skip
    json_option(one, "print the result as JSON, and nothing else")
    models_option(one)
    one.set_defaults(run=_run)


SETTINGS = ("kind", "steps", "rank", "seconds", "learning_rate", "accumulation", "region_share", "seed")


def changed_settings(arguments: argparse.Namespace) -> dict[str, object]:
    """The settings that were typed."""
    given = {name: getattr(arguments, name) for name in SETTINGS}
    return {name: value for name, value in given.items() if value is not None}


def _run(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.serve_settings import join_string_of
    from bridge_server.cli.train import train
    from bridge_server.training.training_wish import TrainingWish

    here: Path = arguments.here
    join = join_string_of(arguments.render_host) if arguments.render_host else None
    wish = TrainingWish(
        name=arguments.name,
        songs=here / arguments.songs.expanduser(),
        out=here if arguments.out is None else here / arguments.out.expanduser(),
        consent=arguments.consent,
        store=store_of(arguments),
        models=models_of(arguments),
        checkpoint=arguments.checkpoint,
        device=arguments.device,
        memory=arguments.memory,
        changed=changed_settings(arguments),
        preview={"every": arguments.preview_every, "prompt": arguments.preview_prompt},
        describe=not arguments.as_named,
        on="" if join is None else join.host,
        address="" if join is None else join.address,
        kernels=str(kernels_file()) if join is None else "",
    )
    return train(screen_of(arguments), wish, join=join)
