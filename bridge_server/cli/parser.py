"""The command line, made from the same message types as the protocol: every value of a request is an option."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import math
from pathlib import Path

from bridge_server.settings import OSC_PORT, WEBSOCKET_PORT
from bridge_server.version import MADE_BY
from daw_protocol import requests
from daw_protocol.addresses import COMMANDS, Command, Group
from daw_protocol.fields import Flag
from daw_protocol.requests import Render
from daw_protocol.requests.export import EXPORT_FORMATS

# Values that make no sense on a command line, or that have an option of their own.
LEFT_OUT = {
    "id",
    "reply_port",
    "client",
    "token",
    "source",
    "tempo_map",
    "replace",
    "priority",
    "origin",
    "title",
    "track",
}

NOT_TYPED = {"id", "reply_port", "client", "token"}


def parser(store: Path, models: Path) -> argparse.ArgumentParser:
    """The whole command line. store, models: the folders used unless others are named."""
    top = argparse.ArgumentParser(
        prog="takebridge",
        description="Repaint, continue, accompany and split regions of a song, aligned to the sample.",
        epilog="`takebridge COMMAND --help` tells about one command. `takebridge doctor` checks the installation.",
    )
    top.add_argument("--version", action="version", version=MADE_BY)
    top.add_argument(
        "--store", type=Path, default=store, help=f"folder of takes and jobs (default: {in_help(store)})"
    )
    top.add_argument(
        "--models", type=Path, default=models, metavar="FOLDER",
        help=f"folder of models (default: {in_help(models)})",
    )  # fmt: skip
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _serve(commands)
    for command in COMMANDS:
        if command.group is Group.RENDER:
            _render(commands, command)
    _audition(commands)
    _lists(commands)
    _export(commands)
    _models(commands)
    _midi(commands)
    demo = commands.add_parser("demo", help="hear and see everything on a bundled song")
    demo.add_argument("-o", "--out", type=Path, default=Path("demo-output"), help="folder for the results")
    demo.add_argument(
        "--panel", action=argparse.BooleanOptionalAction, default=None,
        help="leave the panel open at the end, until Ctrl-C (the default in a terminal)",
    )  # fmt: skip
    panel = commands.add_parser("panel", help="open the panel of the running server in the browser")
    panel.add_argument("--code", action="store_true", help="show a code to scan with a tablet instead")
    doctor = commands.add_parser("doctor", help="check what is installed, and how to mend what is not")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    _models_folder(doctor)
    docs = commands.add_parser("docs", help="write docs/protocol.md and docs/schema.json")
    docs.add_argument("folder", type=Path, nargs="?", default=Path("docs"))
    return top


def in_help(text: object) -> str:
    """The text as argparse wants it in help, where a per cent sign begins a placeholder."""
    return str(text).replace("%", "%%")


def gigabytes(text: str) -> float:
    """A size of memory. Raises ArgumentTypeError."""
    with contextlib.suppress(ValueError):
        if 0 < (found := float(text)) < math.inf:
            return found
    raise argparse.ArgumentTypeError(f"{text!r} is no size in gigabytes, such as 8 or 5.5")


Subparsers = argparse._SubParsersAction  # the only name argparse has for it


def _serve(commands: Subparsers[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser("serve", help="run the server a DAW talks to")
    serve.add_argument(
        "--root", type=Path, action="append", default=[], metavar="FOLDER",
        help="a folder whose songs requests may name; may be repeated (default: the current one)",
    )  # fmt: skip
    serve.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine only)"
    )
    serve.add_argument(
        "--port", type=int, default=WEBSOCKET_PORT, help="WebSocket and HTTP port (0: any free one)"
    )
    serve.add_argument("--osc-port", type=int, default=OSC_PORT, help="OSC port (0: any free one)")
    serve.add_argument("--token", default="", help="required of every client; needed for any other --host")
    serve.add_argument(
        "--lan", action="store_true",
        help="let tablets of the local network in: shows a code to scan, with a token; this machine needs none",
    )  # fmt: skip
    serve.add_argument(
        "--engine", default="sketch", help="the engine that renders unless a request names another"
    )
    serve.add_argument(
        "--midi-in",
        metavar="PORT",
        help="listen to a MIDI input: a part of its name, virtual:NAME or tcp:PORT",
    )
    serve.add_argument(
        "--midi-map", type=Path, metavar="FILE", help="which pad, pedal or fader sends which message"
    )
    serve.add_argument(
        "--midi-clock", action="store_true", help="take tempo and playhead from the input's MIDI clock"
    )
    serve.add_argument(
        "--watch", type=Path, metavar="FOLDER",
        help="render what files dropped here ask for by their names (docs/any-daw.md)",
    )  # fmt: skip
    serve.add_argument("--no-sound", dest="sound", action="store_false", help="play nothing on this machine")
    serve.add_argument("--verbose", action="store_true", help="log more")
    _models_folder(serve)
    serve.add_argument(
        "--device", default="", metavar="NAME",
        help="where ACE-Step renders: cuda, cuda:1, xpu, mps or cpu (default: the best one there is)",
    )  # fmt: skip
    serve.add_argument(
        "--memory-gb", type=gigabytes, metavar="GB",
        help="how much of the device's memory ACE-Step may use (default: what is free)",
    )  # fmt: skip


def _render(commands: Subparsers[argparse.ArgumentParser], command: Command) -> None:
    words = command.doc.split(".")[0].lower()
    # No abbreviations: `--tempo 120` would be taken for the name of a MIDI file.
    one = commands.add_parser(command.name, help=words, description=command.doc, allow_abbrev=False)
    if issubclass(command.request, Render) and command.request.spec().needs_source:
        one.add_argument("song", type=Path, help="the song: WAV, FLAC, AIFF or anything libsndfile reads")
        one.add_argument("--tempo-map", type=Path, metavar="MID", help="MIDI file with the song's tempo map")
    if command.request is requests.Vary:
        one.add_argument("take", help="the take's id")
    for entry in dataclasses.fields(command.request):
        if entry.name in LEFT_OUT or entry.name == "take":
            continue
        option = f"--{entry.name.replace('_', '-')}"
        help_text = in_help(entry.metadata["doc"])
        if isinstance(entry.metadata["kind"], Flag):
            one.add_argument(option, action=argparse.BooleanOptionalAction, default=None, help=help_text)
        else:
            one.add_argument(option, default=None, metavar="VALUE", help=help_text)
    one.add_argument("-o", "--out", type=Path, default=Path(), help="folder for the results (default: here)")
    one.add_argument("--json", action="store_true", help="print the terminal reply as JSON, nothing else")


def _audition(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """One word below `audition` for each command of the group; what comes first in OSC comes first here."""
    group = commands.add_parser("audition", help="hear takes in their song, through the sound device")
    actions = group.add_subparsers(dest="action", required=True, metavar="ACTION")
    for command in COMMANDS:
        if command.group is not Group.AUDITION:
            continue
        words = in_help(command.doc[0].lower() + command.doc[1:].split(".")[0])
        one = actions.add_parser(
            command.name.removeprefix("audition."), help=words, description=in_help(command.doc)
        )
        for entry in dataclasses.fields(command.request):
            if entry.name in NOT_TYPED:
                continue
            help_text = in_help(entry.metadata["doc"])
            if entry.name in command.positional:
                needed = None if entry.default is dataclasses.MISSING else "?"
                one.add_argument(entry.name, nargs=needed, default=None, help=help_text)
            else:
                one.add_argument(f"--{entry.name}", default=None, metavar="VALUE", help=help_text)
        one.add_argument("--json", action="store_true", help="print the state as JSON")


def audition_fields(arguments: argparse.Namespace, command: Command) -> dict[str, object]:
    """The values that were typed behind `takebridge audition ACTION`."""
    names = {entry.name for entry in dataclasses.fields(command.request)} - NOT_TYPED
    given = {name: getattr(arguments, name, None) for name in names}
    return {name: value for name, value in given.items() if value is not None}


TAKE_ACTIONS = {
    "choose": "accept this take for its region",
    "revert": "go back to what was chosen before it",
    "redo": "undo the last revert at this take's place",
    "lineage": "show this take and the takes it came from",
    "delete": "delete this take; its clip file and all other takes stay",
    "save": "write this take's files again",
}


def take_action(arguments: argparse.Namespace) -> tuple[str, str]:
    """What is to be done, and the id of the take to do it with; ("list", "") when no take was named."""
    named = {name: getattr(arguments, name) for name in TAKE_ACTIONS}
    return next(((name, take) for name, take in named.items() if take), ("list", ""))


def _lists(commands: Subparsers[argparse.ArgumentParser]) -> None:
    jobs = commands.add_parser("jobs", help="jobs, newest first; --cancel stops one")
    jobs.add_argument("--cancel", metavar="JOB", help="stop this job")
    takes = commands.add_parser(
        "takes", help="takes, newest first; also choose, revert, redo, trace, delete or save one"
    )
    one_take = takes.add_mutually_exclusive_group()
    for name, help_text in TAKE_ACTIONS.items():
        one_take.add_argument(f"--{name}", metavar="TAKE", help=help_text)
    takes.add_argument("-o", "--out", type=Path, default=Path(), help="folder for --save")
    store = commands.add_parser("store", help="check the store, or remove what nothing needs")
    store.add_argument("action", choices=("verify", "sweep"))
    for one in (jobs, takes, store):
        one.add_argument("--json", action="store_true", help="print JSON")


def _models(commands: Subparsers[argparse.ArgumentParser]) -> None:
    models = commands.add_parser("models", help="list, download and check the models of the ACE-Step engine")
    models.add_argument("action", choices=("list", "pull", "verify", "path"))
    models.add_argument("name", nargs="*", help="which models, such as turbo; `list` shows their names")
    models.add_argument("--json", action="store_true", help="print JSON")
    _models_folder(models)


def _midi(commands: Subparsers[argparse.ArgumentParser]) -> None:
    midi = commands.add_parser("midi", help="MIDI inputs, what a pad is called, and whether a map is right")
    actions = midi.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="the MIDI inputs there are")
    learn = actions.add_parser("learn", help="print what is touched, as one writes it in a map")
    learn.add_argument("--midi-in", metavar="PORT", required=True, help="the input, as `serve` takes it")
    check = actions.add_parser("check", help="read a map and say what it binds")
    check.add_argument("file", type=Path, help="the map")


def _export(commands: Subparsers[argparse.ArgumentParser]) -> None:
    export = commands.add_parser("export", help="a take or a song as a project for another DAW")
    export.add_argument(
        "what", choices=("take", "song"), help="one take in its song, or a song with all its takes"
    )
    export.add_argument("name", metavar="ID", help="the take's id; the song's digest or title")
    export.add_argument(
        "--as", dest="format", choices=EXPORT_FORMATS, required=True,
        help="dawproject: Bitwig, Studio One, Cubase; rpp: REAPER; aaf: Pro Tools, Logic; midi: the tempo map; "
        "wav: time-stamped files for any DAW",
    )  # fmt: skip
    export.add_argument(
        "--to", type=Path, default=Path(), metavar="FOLDER", help="folder for the result (default: here)"
    )
    export.add_argument("--json", action="store_true", help="print JSON")


def _models_folder(one: argparse.ArgumentParser) -> None:
    """The option --models after the command as well; what was given before it counts unless it is repeated."""
    one.add_argument(
        "--models", type=Path, default=argparse.SUPPRESS, metavar="FOLDER",
        help="ACE-Step weights: one model's folder, or one of several with vae and text encoder beside them",
    )  # fmt: skip


def fields_of(arguments: argparse.Namespace, command: Command) -> dict[str, object]:
    """The request's values that were given as options."""
    names = {entry.name for entry in dataclasses.fields(command.request)} - LEFT_OUT
    given = {name: getattr(arguments, name, None) for name in names}
    return {name: value for name, value in given.items() if value is not None}
