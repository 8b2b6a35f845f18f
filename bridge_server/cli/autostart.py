"""`takebridge autostart`: has the system start the server at login, shows what was written, and takes it back."""

from __future__ import annotations

import argparse
import subprocess
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from bridge_server.cli.arguments import models_of, screen_of, store_of
from bridge_server.cli.commands import DONE, Screen
from bridge_server.cli.negative_values import NegativeValuesParser
from bridge_server.cli.server_parsers import add_serve
from bridge_server.login_start import MARK, CommandLine, LoginProgram, LoginStart, decoded, login_start
from bridge_server.platforms import make_private_folder, write_private_bytes
from bridge_server.server import find_server
from daw_protocol.errors import ErrorCode, ProtocolError

SECONDS = 60.0  # for one command of the system


def autostart(arguments: Namespace) -> int:
    """Carries out on, off or status. Returns the exit status; raises ProtocolError."""
    screen, store = screen_of(arguments), store_of(arguments)
    way = _way(arguments, store)
    if arguments.action == "on":
        _refuse_uninstalled()
        return switch_on(screen, way, running=find_server(store) is not None)
    if arguments.action == "off":
        return switch_off(screen, way)
    return status(screen, way, running=find_server(store) is not None)


def switch_on(screen: Screen, way: LoginStart, running: bool) -> int:
    """Writes and shows the file, tells the system, and starts the server unless one runs. Raises ProtocolError."""
    _refuse_others(way)
    for command in way.possible:
        if _run(command) is not None:
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                f"This system cannot start a server at login: `{' '.join(command)}` does not work here.",
                "Have your desktop start `takebridge serve` when you log in.",
            )
    screen.say(f"Writing {escape(str(way.file))}:\n\n{escape(way.text)}")
    _write(way)
    for command in way.enable:
        _must(command)
    if not running:
        for command in way.start:
            _must(command)
    screen.result({"on": True, "file": str(way.file), "text": way.text, "started": not running})
    screen.say("The server starts whenever you log in.")
    screen.say(
        "One runs already, so none was started now."
        if running
        else "It was started now: `takebridge panel` opens it."
    )
    return DONE


def switch_off(screen: Screen, way: LoginStart) -> int:
    """Removes what `on` wrote, and ends the server that was started by it. Raises ProtocolError."""
    _refuse_others(way)
    there = way.file.is_file()
    if there:
        for command in way.disable:
            _run(command)
        _remove(way.file)
        for command in way.forget:
            _run(command)
    screen.result({"on": False, "file": str(way.file), "removed": there})
    if there:
        screen.say(f"Removed {escape(str(way.file))}. The server no longer starts at login.")
        screen.say(
            "If it had started one, that has ended; accepted jobs are resumed when you start it again."
        )
    else:
        screen.say("Autostart was off already.")
    return DONE


def status(screen: Screen, way: LoginStart, running: bool) -> int:
    there = _content(way.file)
    ours = there is not None and MARK in decoded(there)
    screen.result({"on": ours, "file": str(way.file), "text": decoded(there or b""), "running": running})
    if there is None:
        screen.say("Autostart is off.")
    elif ours:
        screen.say(f"Autostart is on, by {escape(str(way.file))}:\n\n{escape(decoded(there))}")
    else:
        screen.say(f"{escape(str(way.file))} is there, but Takebridge did not write it.")
    screen.say(f"{'A' if running else 'No'} server runs now.")
    return DONE


def _way(arguments: Namespace, store: Path) -> LoginStart:
    """How this system does it. Raises ProtocolError for options that `serve` does not have."""
    program = LoginProgram(server_words(arguments, store), arguments.here)
    try:
        return login_start(sys.platform, program, _windows_user())
    except ValueError as error:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE, f"{str(error).capitalize()}.", "Rename the folder, or run it in another."
        ) from error


def server_words(arguments: Namespace, store: Path) -> CommandLine:
    """The command line of the server, store and models named, as the environment of a login is another one."""
    options = list(arguments.serve)
    check: argparse.ArgumentParser = NegativeValuesParser(prog="takebridge autostart on --")
    add_serve(check.add_subparsers())
    check.parse_args(["serve", *options])  # says what is wrong, and ends, as for a command that is typed
    return (*_program(), "--store", str(store), "--models", str(models_of(arguments)), "serve", *options)


def _program() -> CommandLine:
    """The command `takebridge`. -P: no file in the folder it starts in can take the place of a module."""
    return str(_python()), "-P", "-m", "bridge_server"


def _refuse_uninstalled() -> None:
    """Raises ProtocolError where only the current folder makes the command work: at login that is another one."""
    if _run((*_program(), "--version")) is not None:
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            f"Takebridge is not installed for {sys.executable}, so no server can be started at login.",
            "Install it as README.md says, and run the installed command.",
        )


def _python() -> Path:
    """The interpreter of this installation; on Windows the one that opens no window."""
    python = Path(sys.executable)
    without_window = python.with_name("pythonw.exe")
    return without_window if sys.platform == "win32" and without_window.is_file() else python


def _windows_user() -> str:
    if sys.platform != "win32":
        return ""
    return subprocess.run(
        ["whoami"], capture_output=True, text=True, check=False, timeout=SECONDS
    ).stdout.strip()


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def _refuse_others(way: LoginStart) -> None:
    there = _content(way.file)
    if there is not None and MARK not in decoded(there):
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            f"{way.file} was not written by Takebridge.",
            "Remove or rename it first.",
        )


def _write(way: LoginStart) -> None:
    try:
        make_private_folder(way.file.parent)
        write_private_bytes(way.file, way.content)  # its options may have a token in them
    except OSError as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"{way.file} cannot be written: {error.strerror}.",
            "Make room, or allow its folder to be written.",
        ) from error


def _remove(file: Path) -> None:
    try:
        file.unlink()
    except OSError as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED, f"{file} cannot be removed: {error.strerror}.", "Remove it by hand."
        ) from error


def _must(command: Sequence[str]) -> None:
    """Raises ProtocolError when the system refuses."""
    problem = _run(command)
    if problem is not None:
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            f"The system refused `{' '.join(command)}`: {problem}",
            "`takebridge autostart off` takes back what was written.",
        )


def _run(command: Sequence[str]) -> str | None:
    """Runs a command of the system; what it complained about, None when it did its work."""
    try:
        done = subprocess.run(
            list(command), capture_output=True, text=True, errors="replace", check=False, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{error}."
    return (
        None if done.returncode == 0 else (done.stderr or done.stdout).strip() or f"status {done.returncode}."
    )
