"""Settings of `takebridge serve` from its options."""

from __future__ import annotations

import asyncio
import logging
import os
from argparse import Namespace
from pathlib import Path

from bridge_server.cli.arguments import engines_of, models_of, store_of
from bridge_server.engines.pool import EnginePool
from bridge_server.engines.registry import BUILT_IN, installed_engines, options_by_engine
from bridge_server.network.lan import ANYWHERE, kept_token
from bridge_server.platforms import mailbox_pointer, models_folder, signing_folder, store_folder
from bridge_server.settings import MidiSettings, Settings, WatchSettings
from bridge_server.studio.join_string import JoinString
from daw_protocol.errors import ErrorCode, ProtocolError

log = logging.getLogger(__name__)


def serve_settings(arguments: Namespace) -> Settings:
    """Without --root, songs are looked for in the current folder.

    Raises ProtocolError for a folder of songs that cannot be read, when a folder of models was named and holds none
    that can be used, and for wrong start options.
    """
    roots = [readable_root(root.expanduser().absolute()) for root in arguments.root] or [arguments.here]
    store = store_of(arguments)
    engines = engines_of(arguments)
    for problem in installed_engines().problems:
        log.warning("%s", problem)
    named = options_by_engine(arguments.engine_option, engines)  # what was asked for must work
    for name in named:
        asyncio.run(EnginePool(engines).refuse_unusable(name))
    if models_of(arguments) != models_folder():
        asyncio.run(refuse_without_models(EnginePool(engines)))
    # A server on any free port is an experiment: DAW-side scripts are not pointed to it.
    led_to = arguments.port != 0 and store != store_folder()
    return Settings(
        store=store,
        roots=tuple(roots),
        host=ANYWHERE if arguments.lan else arguments.host,
        osc_port=arguments.osc_port,
        websocket_port=arguments.port,
        token=token_of(arguments, store),
        trust_this_machine=arguments.lan,
        pointer=mailbox_pointer() if led_to else None,
        midi=midi_settings(arguments),
        link=arguments.link,
        sign=signing_folder() if arguments.sign else None,
        watch=WatchSettings(arguments.watch.expanduser().absolute()) if arguments.watch else None,
        engine=arguments.engine,
        engines=engines,
        places=arguments.places,
        sound=arguments.sound,
        language=arguments.spoken,
        render_hosts=tuple(join_string_of(text) for text in arguments.render_host),
        render_host_fallback=arguments.render_host_fallback is not None,
    )


def join_string_of(given: str) -> JoinString:
    """A render host, by its line or by a file with that. Raises ProtocolError."""
    given = given.strip("'\"")  # cmd.exe passes on single quotes
    if given.startswith(("ws://", "wss://")):
        log.warning("A render host's token stands in the process list. Name a file with the line instead.")
        return JoinString.parse(given)
    shown = "What follows --render-host" if "#" in given else given  # a token is quoted nowhere
    try:
        return JoinString.parse(Path(given).expanduser().read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as wrong:
        raise ProtocolError(
            ErrorCode.WRONG_TYPE,
            f"{shown} is no file with a render host's line.",
            "Copy the line that `takebridge host` printed into it.",
            "render-host",
        ) from wrong
    except OSError as error:
        raise ProtocolError(
            ErrorCode.FILE_MISSING,
            f"{shown} cannot be read: {error.strerror}.",
            "Give the line that `takebridge host` printed, in quotes, or a file with it.",
            "render-host",
        ) from error


async def refuse_without_models(pool: EnginePool) -> None:
    """Raises ProtocolError, with the reason of the first, when no engine can use what is in the folder of models."""
    reasons = []
    for name in (spec.name for spec in BUILT_IN if spec.models):
        try:
            await pool.refuse_unusable(name)
            return
        except ProtocolError as unusable:
            reasons.append(unusable)
    raise reasons[0]


def readable_root(root: Path) -> Path:
    """A folder of songs, as it is. Raises ProtocolError when there is none, or it cannot be read."""
    try:
        with os.scandir(root):
            return root
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "there is no such folder" if missing else error.strerror or "it cannot be read"
        raise ProtocolError(
            ErrorCode.FILE_MISSING if missing else ErrorCode.FILE_UNREADABLE,
            f"Songs cannot be read from {root}: {reason[0].lower()}{reason[1:]}.",
            "Create the folder, connect its drive or allow it to be read, or name another with --root.",
            "root",
        ) from error


def token_of(arguments: Namespace, store: Path) -> str:
    """The token every client needs; "" for none. Raises ProtocolError."""
    if arguments.token_file is not None:
        return token_from(arguments.token_file.expanduser())
    if arguments.token:
        log.warning(
            "The token stands in the process list, where all users read it. Use --token-file instead."
        )
        return str(arguments.token)
    return kept_token(store) if arguments.lan else ""


def token_from(path: Path) -> str:
    """The token in a file. Raises ProtocolError when there is none."""
    try:
        found = path.read_text(encoding="utf-8-sig").strip()
        problem = "" if found else "it is empty"
    except UnicodeDecodeError:
        problem = "it is not UTF-8"
    except OSError as error:
        problem = error.strerror or "it cannot be read"
    if problem:
        raise ProtocolError(
            ErrorCode.MISSING_FIELD,
            f"There is no token in {path}: {problem}.",
            "Write the token into a file that only you can read, and name it with --token-file.",
            "token",
        )
    return found


def midi_settings(arguments: Namespace) -> MidiSettings | None:
    """The MIDI input; None without one. Raises ProtocolError."""
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
