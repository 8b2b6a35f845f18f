"""The command `takebridge`: reads the command line, the environment and the current folder, and nothing else does."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from argparse import Namespace
from pathlib import Path

from bridge_server.cli.parser import audition_fields, fields_of, parser, take_action
from bridge_server.engines.registry import ACESTEP, BUILT_IN, refuse_unusable, with_models
from bridge_server.network.lan import ANYWHERE, kept_token
from bridge_server.platforms import mailbox_pointer, models_folder, store_folder
from bridge_server.settings import MidiSettings, Settings, WatchSettings
from daw_protocol.addresses import BY_NAME
from daw_protocol.errors import ErrorCode, ProtocolError

STORE_VARIABLE = "TAKEBRIDGE_STORE"
MODELS_VARIABLE = "TAKEBRIDGE_MODELS"


def main() -> None:
    """Entry point; exits with 0 when what was asked for was done."""
    default_store = Path(os.environ.get(STORE_VARIABLE) or store_folder())
    default_models = Path(os.environ.get(MODELS_VARIABLE) or models_folder())
    arguments = parser(default_store, default_models).parse_args()
    logging.basicConfig(
        level=logging.INFO if getattr(arguments, "verbose", False) else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    try:
        status = run(arguments)
    except ProtocolError as error:
        print(f"takebridge: {error.sentence}", file=sys.stderr)
        if error.remedy:
            print(f"  {error.remedy}", file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def run(arguments: Namespace) -> int:
    """Carries out one command; returns the exit status. Raises ProtocolError."""
    if arguments.command == "docs":
        from bridge_server.cli.docs import write_documents

        return write_documents(arguments.folder)
    settings = Settings(store=arguments.store.expanduser().absolute(), engines=engines_of(arguments))
    if arguments.command == "serve":
        from bridge_server.cli.serve import serve

        return asyncio.run(serve(serve_settings(arguments)))
    if arguments.command == "panel":
        from bridge_server.cli.serve import open_panel

        return open_panel(settings.store, arguments.code)
    if arguments.command == "doctor":
        from bridge_server.cli.doctor import doctor

        return asyncio.run(doctor(settings, arguments.json, _folder_of_models(arguments)))
    if arguments.command == "models":
        from rich.console import Console

        from bridge_server.cli.commands import Screen
        from bridge_server.cli.models import run_models

        screen = Screen(Console(), arguments.json)
        return run_models(screen, _folder_of_models(arguments), arguments.action, arguments.name)
    if arguments.command == "midi":
        return midi_command(arguments)
    if arguments.command == "demo":
        from bridge_server.cli.demo import demo

        stay = sys.stdin.isatty() if arguments.panel is None else arguments.panel
        return asyncio.run(demo(settings, arguments.out.absolute(), stay))
    if arguments.command == "export":
        from rich.console import Console

        from bridge_server.cli.commands import Screen
        from bridge_server.cli.export import export

        screen = Screen(Console(), arguments.json)
        return export(
            settings.store, screen, arguments.what, arguments.name, arguments.format, arguments.to.absolute()
        )
    return asyncio.run(client_command(arguments, settings))


def midi_command(arguments: Namespace) -> int:
    """`takebridge midi`: needs no server and no store."""
    from rich.console import Console

    from bridge_server.cli import midi as midi_commands

    console = Console()
    if arguments.action == "list":
        return midi_commands.list_inputs(console)
    if arguments.action == "check":
        return midi_commands.check(console, arguments.file)
    return asyncio.run(midi_commands.learn(console, arguments.midi_in))


def midi_settings(arguments: Namespace) -> MidiSettings | None:
    """The MIDI input of `takebridge serve`; None without one. Raises ProtocolError."""
    wanted = arguments.midi_map is not None or arguments.midi_clock
    if not arguments.midi_in and not wanted:
        return None
    if not arguments.midi_in or not wanted:
        raise ProtocolError(
            ErrorCode.MISSING_FIELD,
            "MIDI needs an input (--midi-in) and something to do (--midi-map or --midi-clock).",
            "`takebridge midi list` shows the inputs.",
            "midi-in",
        )
    from bridge_server.cli.midi import read_map

    bindings = read_map(arguments.midi_map) if arguments.midi_map is not None else ()
    return MidiSettings(arguments.midi_in, bindings, arguments.midi_clock)


def serve_settings(arguments: Namespace) -> Settings:
    """Settings of `takebridge serve`; without --root, songs are looked for in the current folder.

    Raises ProtocolError when a folder of models was named and holds none that can be used.
    """
    engines = engines_of(arguments)
    if _folder_of_models(arguments) != models_folder():
        refuse_unusable(engines[ACESTEP])
    roots = [root.expanduser().absolute() for root in arguments.root] or [Path.cwd()]
    store = arguments.store.expanduser().absolute()
    # A server on any free port is somebody's experiment: DAW-side scripts are not led to it.
    led_to = arguments.port != 0 and store != store_folder()
    return Settings(
        store=store,
        roots=tuple(roots),
        host=ANYWHERE if arguments.lan else arguments.host,
        osc_port=arguments.osc_port,
        websocket_port=arguments.port,
        token=arguments.token or (kept_token(store) if arguments.lan else ""),
        trust_this_machine=arguments.lan,
        pointer=mailbox_pointer() if led_to else None,
        midi=midi_settings(arguments),
        watch=WatchSettings(arguments.watch.expanduser().absolute()) if arguments.watch else None,
        engine=arguments.engine,
        engines=engines,
        sound=arguments.sound,
    )


def engines_of(arguments: Namespace) -> dict[str, str]:
    """All engines; the ACE-Step one with the models named, or with those in the usual place if it exists."""
    folder = _folder_of_models(arguments)
    usual = folder == models_folder()
    if usual and not folder.is_dir():
        return dict(BUILT_IN)
    memory = getattr(arguments, "memory_gb", None)
    return with_models(
        folder, device=getattr(arguments, "device", ""), memory_gb="" if memory is None else f"{memory:g}"
    )


def _folder_of_models(arguments: Namespace) -> Path:
    models: Path = arguments.models
    return models.expanduser().absolute()


async def client_command(arguments: Namespace, settings: Settings) -> int:
    """The commands that ask a server for something."""
    from rich.console import Console

    from bridge_server.cli import commands

    screen = commands.Screen(Console(), arguments.json)
    if arguments.command == "audition":
        from bridge_server.cli.audition import audition

        command = BY_NAME[f"audition.{arguments.action}"]
        return await audition(settings, screen, command, audition_fields(arguments, command))
    if arguments.command == "jobs":
        return await commands.jobs(settings, screen, arguments.cancel)
    if arguments.command == "takes":
        return await commands.takes(settings, screen, *take_action(arguments), arguments.out)
    if arguments.command == "store":
        return await commands.store(settings, screen, arguments.action)
    command = BY_NAME[arguments.command]
    fields = fields_of(arguments, command)
    if command.name == "vary":
        fields["take"] = arguments.take
    song = getattr(arguments, "song", None)
    tempo_map = getattr(arguments, "tempo_map", None)
    return await commands.render(settings, screen, command, song, tempo_map, fields, arguments.out)


if __name__ == "__main__":
    main()
