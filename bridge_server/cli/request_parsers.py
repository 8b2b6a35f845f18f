"""Commands made from the protocol's message types, each value an option, and those about their results."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
from pathlib import Path

from bridge_server.cli.analyse_parser import add_analyse
from bridge_server.cli.arguments import screen_of, settings_of, store_of
from bridge_server.cli.ledger_parser import add_ledger
from bridge_server.cli.options import Subparsers, in_help, json_option
from bridge_server.cli.presets_parser import add_presets
from bridge_server.cli.several import BARS_HELP, add_several, several, with_regions
from bridge_server.platforms import signing_folder
from daw_protocol import requests
from daw_protocol.addresses import BY_NAME, COMMANDS, Command, Group
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Flag
from daw_protocol.requests import Render
from daw_protocol.requests.export import EXPORT_FORMATS
from daw_protocol.requests.planning import Written

# Values that make no sense on a command line, or that have an option of their own.
LEFT_OUT = {
    "id",
    "reply_port",
    "client",
    "token",
    "source",
    "tempo_map",
    "tracks",
    "mode",
    "regions",
    "replace",
    "priority",
    "origin",
    "title",
    "track",
    "notes",
}

PROJECT = ".dawproject"

NOT_TYPED = {"id", "reply_port", "client", "token"}


def add_requests(commands: Subparsers) -> None:
    """Every command that asks the server for audio, plays it, or lists, keeps and exports it."""
    for command in COMMANDS:
        if command.request is requests.Analyse:
            add_analyse(commands, command)
        elif command.group is Group.RENDER:
            _render(commands, command)
    _audition(commands)
    add_presets(commands)
    _lists(commands)
    _export(commands)
    add_ledger(commands)


def _render(commands: Subparsers, command: Command) -> None:
    words = command.doc.split(".")[0].lower()
    # No abbreviations: `--tempo 120` would be taken for the name of a MIDI file.
    one = commands.add_parser(command.name, help=words, description=command.doc, allow_abbrev=False)
    if issubclass(command.request, Render) and command.request.spec().needs_source:
        one.add_argument(
            "song", nargs="+",
            help="the song: WAV, FLAC, AIFF, anything libsndfile reads, or take:ID; several with --each or --together",
        )  # fmt: skip
        add_several(one, command)
        one.add_argument("--tempo-map", type=Path, metavar="MID", help="MIDI file with the song's tempo map")
        one.add_argument("--track", default="", metavar="NAME", help="of a .dawproject: the track to render")
    if command.request is requests.Vary:
        one.add_argument("take", help="the take's id")
    for entry in dataclasses.fields(command.request):
        if entry.name in LEFT_OUT or entry.name == "take":
            continue
        option = f"--{entry.name.replace('_', '-')}"
        help_text = in_help(entry.metadata["doc"])
        if entry.name == "bars":  # several of them are regions
            one.add_argument(option, action="append", default=None, metavar="VALUE", help=BARS_HELP)
        elif isinstance(entry.metadata["kind"], Flag):
            one.add_argument(option, action=argparse.BooleanOptionalAction, default=None, help=help_text)
        else:
            one.add_argument(option, default=None, metavar="VALUE", help=help_text)
    one.add_argument(
        "-o", "--out", type=Path, default=Path(),
        help="folder for the results (default: here); for a .dawproject the new project's name as well",
    )  # fmt: skip
    json_option(one, "print the terminal reply as JSON, nothing else")
    one.set_defaults(run=_run_render)


def _run_render(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.commands import render, song_typed

    command = BY_NAME[arguments.command]
    fields = fields_of(arguments, command)
    if command.name == "vary":
        fields["take"] = arguments.take
    songs = [song_typed(text) for text in getattr(arguments, "song", [])]
    tempo_map = getattr(arguments, "tempo_map", None)
    projects = [song for song in songs if isinstance(song, Path) and song.suffix.casefold() == PROJECT]
    if projects:
        return _run_project(arguments, command, projects, fields)
    if issubclass(command.request, Written):
        from bridge_server.cli.planning import write_plan

        return asyncio.run(
            write_plan(settings_of(arguments), screen_of(arguments), command, fields, arguments.out)
        )
    if "blueprint" in fields:
        from bridge_server.cli.planning import blueprint_typed

        fields["blueprint"] = blueprint_typed(str(fields["blueprint"]))
    fields |= several(arguments, songs)
    return asyncio.run(
        render(settings_of(arguments), screen_of(arguments), command, songs, tempo_map, fields, arguments.out)
    )


def _run_project(
    arguments: argparse.Namespace, command: Command, projects: list[Path], fields: dict[str, object]
) -> int:
    from bridge_server.cli.dawproject import render_project

    if len(arguments.song) > 1 or arguments.tempo_map is not None or "bpm" in fields:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            "A project is rendered alone, and has its own tempo.",
            "Name one .dawproject, without --tempo-map and --bpm.",
            "source",
        )
    track, out = arguments.track, arguments.out
    return asyncio.run(
        render_project(settings_of(arguments), screen_of(arguments), command, projects[0], track, fields, out)
    )


def fields_of(arguments: argparse.Namespace, command: Command) -> dict[str, object]:
    """The request's values that were given as options."""
    names = {entry.name for entry in dataclasses.fields(command.request)} - LEFT_OUT
    given = {name: getattr(arguments, name, None) for name in names}
    found = {name: value for name, value in given.items() if value is not None}
    return with_regions(found, getattr(arguments, "region", None) or [])


def _audition(commands: Subparsers) -> None:
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
        json_option(one, "print the state as JSON")
        one.set_defaults(run=_run_audition)


def _run_audition(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.audition import audition

    command = BY_NAME[f"audition.{arguments.action}"]
    fields = audition_fields(arguments, command)
    return asyncio.run(audition(settings_of(arguments), screen_of(arguments), command, fields))


def audition_fields(arguments: argparse.Namespace, command: Command) -> dict[str, object]:
    """The values that were typed behind `takebridge audition ACTION`."""
    names = {entry.name for entry in dataclasses.fields(command.request)} - NOT_TYPED
    given = {name: getattr(arguments, name, None) for name in names}
    return {name: value for name, value in given.items() if value is not None}


TAKE_ACTIONS = {
    "choose": "accept this take for its region, or the part between --start and --end",
    "revert": "go back to what was chosen before it",
    "redo": "undo the last revert at this take's place",
    "lineage": "show this take and the takes it came from",
    "delete": "delete this take; its clip file and all other takes stay",
    "save": "write this take's files again",
    "mark": "note on this take what --name, --stars and --hide say",
}


def take_action(arguments: argparse.Namespace) -> tuple[str, str]:
    """The action and the id of its take; ("list", "") when no take was named."""
    named = {name: getattr(arguments, name) for name in TAKE_ACTIONS}
    return next(((name, take) for name, take in named.items() if take), ("list", ""))


def _lists(commands: Subparsers) -> None:
    jobs = commands.add_parser("jobs", help="jobs, newest first; --cancel stops one")
    jobs.add_argument("--cancel", metavar="JOB", help="stop this job")
    takes = commands.add_parser(
        "takes", help="takes, newest first; also name, choose, revert, redo, trace, delete or save one"
    )
    one_take = takes.add_mutually_exclusive_group()
    for name, help_text in TAKE_ACTIONS.items():
        one_take.add_argument(f"--{name}", metavar="TAKE", help=help_text)
    for name in ("start", "end"):
        takes.add_argument(
            f"--{name}", metavar="POSITION", help=f"with --choose: {name} of the part to accept"
        )
    takes.add_argument("--name", metavar="TEXT", help="with --mark: the take's name; empty to remove it")
    takes.add_argument("--stars", metavar="N", help="with --mark: 0 to 5 stars")
    takes.add_argument(
        "--hide",
        dest="hidden",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="with --mark: leave the take out of lists and lanes, or show it again",
    )
    takes.add_argument("--all", action="store_true", help="list hidden takes too")
    takes.add_argument("-o", "--out", type=Path, default=Path(), help="folder for --save")
    song = commands.add_parser("song", help="undo or redo what was accepted in a song, whatever its region")
    song.add_argument("action", choices=("undo", "redo"))
    song.add_argument("song", help="the song's title or digest")
    store = commands.add_parser("store", help="check the store, or remove what nothing needs")
    store.add_argument("action", choices=("verify", "sweep"))
    for one, run in ((jobs, _run_jobs), (takes, _run_takes), (song, _run_song), (store, _run_store)):
        json_option(one)
        one.set_defaults(run=run)


def _run_jobs(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.commands import jobs

    return asyncio.run(jobs(settings_of(arguments), screen_of(arguments), arguments.cancel))


def _run_takes(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.commands import takes

    action, take = take_action(arguments)
    names = ("start", "end", "name", "stars", "hidden")
    values = {name: given for name in names if (given := getattr(arguments, name)) is not None}
    return asyncio.run(
        takes(
            settings_of(arguments), screen_of(arguments), action, take, arguments.out, values, arguments.all
        )
    )  # fmt: skip


def _run_song(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.commands import walk_history

    return asyncio.run(
        walk_history(settings_of(arguments), screen_of(arguments), arguments.action, arguments.song)
    )


def _run_store(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.store import store

    return asyncio.run(store(settings_of(arguments), screen_of(arguments), arguments.action))


def _export(commands: Subparsers) -> None:
    export = commands.add_parser(
        "export", help="a take or a song as a project for another DAW, or the finished song"
    )
    export.add_argument(
        "what", choices=("take", "song"), help="one take in its song, or a song with all its takes"
    )
    export.add_argument("name", metavar="ID", help="the take's id; the song's digest or title")
    export.add_argument(
        "--as", dest="format", choices=EXPORT_FORMATS, required=True,
        help="dawproject: Bitwig, Studio One, Cubase; rpp: REAPER; aaf: Pro Tools, Logic; midi: the tempo map; "
        "wav: time-stamped files for any DAW; mix: the song with all accepted takes, in one file; "
        "ledger: whose the song is, as a page to print; notes: the notes of a stem as MIDI (extra `notes`)",
    )  # fmt: skip
    export.add_argument(
        "--mix-format",
        choices=("wav", "flac"),
        default="wav",
        help="with --as mix: the kind of file (default: wav)",
    )
    export.add_argument(
        "--to", type=Path, default=Path(), metavar="FOLDER", help="folder for the result (default: here)"
    )
    export.add_argument(
        "--sign", action="store_true",
        help="sign the sound files that takes are in (C2PA) with this machine's own key; not in AAF",
    )  # fmt: skip
    json_option(export)
    export.set_defaults(run=_run_export)


def _run_export(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.export import export

    kind = "mix-flac" if (arguments.format, arguments.mix_format) == ("mix", "flac") else arguments.format
    return export(
        store_of(arguments), screen_of(arguments), arguments.what, arguments.name, kind,
        arguments.to.absolute(), signing_folder() if arguments.sign else None,
    )  # fmt: skip
