"""The command `takebridge`: reads the command line, the environment and the current folder, and nothing else does."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

STORE_VARIABLE = "TAKEBRIDGE_STORE"
MODELS_VARIABLE = "TAKEBRIDGE_MODELS"


def main() -> None:
    """Entry point; exits with 0 when what was asked for was done."""
    # Here, since every engine's process imports this file as well, and should be there at once.
    from bridge_server.cli.streams import prepared

    with prepared() as streams:
        status, leave = _run()
        for stream in streams:
            stream.flush()
        problems = [stream.problem for stream in streams if stream.problem]
        if problems:
            print(f"takebridge: the output could not be written: {problems[0]}.", file=sys.stderr)
            status = status or 1
    leave(status)


def _run() -> tuple[int, Callable[[int], object]]:
    """Carries out what was typed; returns the exit status, and what ends the process with it."""
    from bridge_server.cli.parser import parser
    from bridge_server.errors import not_permitted
    from bridge_server.languages.installed import ENGLISH, checked_language
    from bridge_server.languages.wording import error_in
    from bridge_server.logs import TextLines
    from bridge_server.platforms import models_folder, store_folder
    from daw_protocol.errors import ProtocolError

    default_store = Path(os.environ.get(STORE_VARIABLE) or store_folder())
    default_models = Path(os.environ.get(MODELS_VARIABLE) or models_folder())
    arguments = parser(default_store, default_models, Path.cwd()).parse_args(sys.argv[1:])
    verbose = getattr(arguments, "verbose", False)
    # A person at a terminal reads what was wrong; what goes into a file or a system's journal is kept.
    screen = logging.StreamHandler()
    screen.setFormatter(TextLines(words=verbose or _seen(sys.stderr)))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[screen])
    language = ENGLISH
    try:
        if arguments.spoken:
            from bridge_server.cli.console import TextConsole  # which takes a while: it prints in colours

            language = arguments.spoken = TextConsole.language = checked_language(arguments.spoken)
        status: int = arguments.run(arguments)
    except (ProtocolError, PermissionError) as refused:
        # Even to ask whether a file is there is refused in another user's folder, wherever a command asks.
        if isinstance(refused, PermissionError):
            refused = not_permitted(refused)
        error = error_in(refused, language)
        print(f"takebridge: {error.sentence}", file=sys.stderr)
        if error.remedy:
            print(f"  {error.remedy}", file=sys.stderr)
        return 1, sys.exit
    except KeyboardInterrupt:
        return 130, sys.exit
    return status, getattr(arguments, "leave", sys.exit)


def _seen(stream: TextIO | None) -> bool:
    """Whether a person reads it; a server that Windows starts at login has no such stream."""
    return stream is not None and stream.isatty()


if __name__ == "__main__":
    main()
