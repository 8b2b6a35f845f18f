"""`takebridge models halve` and `unhalve`: a transformer once more in half precision, beside its checkpoint's files.

Weights are read in a process of its own, since networks never live in this one; it ends with the command.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from rich.markup import escape

from bridge_server.cli.commands import DONE, INTERRUPTED, Screen
from bridge_server.cli.model_screen import chosen_models, gigabytes, transfer_bar
from bridge_server.models.library import STAGING, InstalledModel
from bridge_server.platforms import end_with_parent, send_or_end
from daw_protocol.errors import ErrorCode, ProtocolError
from model.checkpoints import (
    Kind,
    bytes_of_half_copy,
    find_models,
    half_copy_place,
    remove_half_copy,
    unfinished_half_copy,
    write_half_copy,
)
from model.errors import NotLoaded
from model.packages import require_packages

_VERIFY = "Check its files with: takebridge models verify."
_LOOK_SECONDS = 0.2


def halve(screen: Screen, models: Path, names: Sequence[str]) -> int:
    """Says what it takes, then makes the copies. Returns the exit status; raises ProtocolError."""
    chosen = _named(models, names)
    try:
        made = [(one, _halved(screen, one, models)) for one in chosen]
    except KeyboardInterrupt:
        screen.say("Stopped. What was begun is removed.")
        return INTERRUPTED
    screen.result(
        [{"name": one.name, "path": str(half_copy_place(one.path)), "bytes": size} for one, size in made]
    )
    return DONE


def unhalve(screen: Screen, models: Path, names: Sequence[str]) -> int:
    """Removes the copies. Returns the exit status; raises ProtocolError."""
    removed = []
    for one in _named(models, names):
        try:
            with _no_copy_begun(models):
                freed = remove_half_copy(one.path)
        except OSError as refused:
            raise ProtocolError(
                ErrorCode.STORE_FAILED,
                f"{half_copy_place(one.path)} cannot be removed: {refused.strerror or refused}.",
                "Stop the server, which may be reading it, and run the command again.",
            ) from refused
        if freed:
            screen.say(f"[green]✓[/green] {escape(one.name)}: {gigabytes(freed)} freed")
        else:
            screen.say(f"{escape(one.name)} has no copy in half precision.")
        removed.append({"name": one.name, "freed_bytes": freed})
    screen.result(removed)
    return DONE


@contextmanager
def _no_copy_begun(models: Path) -> Iterator[None]:
    """While this is open, `halve` waits for its turn. Raises ProtocolError while one is being made."""
    staging = models / STAGING
    if not staging.is_dir():
        yield
        return
    with _only_one(staging):
        yield


@contextmanager
def _only_one(staging: Path) -> Iterator[None]:
    """Raises ProtocolError while a copy is being made, OSError where the folder refuses."""
    lock = FileLock(staging / "halve.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as taken:
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            "Another model is being stored in half precision.",
            "Wait until that is done.",
        ) from taken
    try:
        yield
    finally:
        lock.release()


def _named(models: Path, names: Sequence[str]) -> list[InstalledModel]:
    if not names:
        raise ProtocolError(
            ErrorCode.MISSING_FIELD,
            "Name the model, such as xl-turbo.",
            "`takebridge models list` shows what is here.",
            "name",
        )
    chosen = chosen_models(models, names)
    for one in chosen:
        if one.kind is not Kind.MUSIC or not _of_acestep(one.path):
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                f"{one.name} has no transformer of ACE-Step 1.5.",
                "Name one of its music models, such as xl-turbo.",
                "name",
            )
    return chosen


def _of_acestep(checkpoint: Path) -> bool:
    """Whether it is of ACE-Step 1.5, as far as its files tell."""
    try:
        return bool(find_models(checkpoint))
    except NotLoaded:
        return True  # damaged: what reads it says how


def _halved(screen: Screen, one: InstalledModel, models: Path) -> int:
    """Makes one copy; its bytes."""
    staging = (models if models.is_dir() else models.parent) / STAGING
    with ExitStack() as stack:
        try:
            staging.mkdir(exist_ok=True)
            stack.enter_context(_only_one(staging))
        except OSError as refused:
            raise ProtocolError(
                ErrorCode.STORE_FAILED,
                f"{staging} cannot be written: {refused.strerror or refused}.",
                "Check the folder's permissions.",
            ) from refused
        return _written(screen, one)


def _written(screen: Screen, one: InstalledModel) -> int:
    place, written = half_copy_place(one.path), 0
    with _elsewhere(one) as answer:
        size = int(answer(lambda: None))
        screen.say(f"{escape(one.name)}: its transformer in half precision takes {gigabytes(size)} more, in")
        screen.say(f"    {escape(str(place))}")
        screen.say(
            "It is used where the transformer runs in bfloat16 (NVIDIA Ampere or newer), not in 8 bits."
        )
        with transfer_bar(screen, size) as meter:
            meter.on_file(f"writing {place.name}")

            def look() -> None:
                nonlocal written
                with suppress(OSError):
                    now = unfinished_half_copy(place).stat().st_size
                    meter.on_bytes(now - written)
                    written = now

            answer(look)
    screen.say(f"[green]✓[/green] Remove it with: takebridge models unhalve {escape(one.name)}")
    return size


@contextmanager
def _elsewhere(one: InstalledModel) -> Iterator[Callable[[Callable[[], None]], Any]]:
    """A process that says how large the copy is and then makes it; what is yielded waits for its next answer.

    It gets what to do meanwhile. Raises ProtocolError. The process ends with the block, and what it began goes.
    """
    spawned = multiprocessing.get_context("spawn")
    receiver, sender = spawned.Pipe(duplex=False)
    work = bytes_of_half_copy, write_half_copy
    process = spawned.Process(target=_answer, args=(work, one.path, sender), daemon=True)
    process.start()
    sender.close()  # so that the end of the process is the end of the pipe

    def answer(look: Callable[[], None]) -> Any:
        try:
            while not receiver.poll(_LOOK_SECONDS):
                look()
            found = receiver.recv()
        except (EOFError, OSError) as died:  # OSError on Windows, and anywhere in the middle of an answer
            raise ProtocolError(
                ErrorCode.ENGINE_DIED,
                f"The process that read {one.name} died; perhaps memory ran out.",
                "Close other programs and run the command again.",
            ) from died
        if isinstance(found, NotLoaded):
            raise ProtocolError(ErrorCode.FILE_UNREADABLE, found.sentence, found.remedy, "name")
        return found

    try:
        yield answer
    finally:
        process.terminate()
        process.join()
        receiver.close()
        with suppress(OSError):
            unfinished_half_copy(half_copy_place(one.path)).unlink(missing_ok=True)


def _answer(work: Sequence[Callable[[Path], object]], checkpoint: Path, sender: Connection) -> None:
    """In the other process, which a command that is killed does not leave behind."""
    end_with_parent()
    with suppress(KeyboardInterrupt):  # the command says so
        try:
            require_packages(("torch", "transformers"), "This command", "pip install 'takebridge[acestep]'")
            for part in work:
                send_or_end(sender, part(checkpoint))
        except NotLoaded as wrong:
            send_or_end(sender, wrong)
        except OSError as refused:
            reason = refused.strerror or str(refused)
            send_or_end(sender, NotLoaded(f"{checkpoint.name} cannot be read: {reason}.", _VERIFY))
