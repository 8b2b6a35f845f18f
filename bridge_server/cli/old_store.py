"""Takes over the store a server kept under the product's old name, ACE Bridge.

The folder is renamed in one step, so that at every moment it is whole under one of the two names, and the old name
becomes a link to it: DAW sessions hold the clips' paths.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from bridge_server.platforms import link_folder, old_store_folder, store_folder
from daw_protocol.errors import ErrorCode, ProtocolError

LOCK = "server.lock"  # of the old server
MARK = (
    "moved-from.txt"  # travels with the folder: the link from its old place, named here, is still to be made
)
# Files that may exist at the new place without a store: the pointer to another server's mailbox, and a lock.
NO_STORE = {"mailbox.txt", LOCK}
LOCK_SECONDS = 2.0  # another command may be taking it over at this moment


def take_over_old_store(store: Path) -> None:
    """Moves the old store to `store` if that is the default place and empty; prints what it did to stderr.

    Raises ProtocolError when a server still uses it, or when it cannot be moved.
    """
    old, new = old_store_folder(), store_folder()
    if store != new:
        return
    if (new / MARK).is_file():  # moved, and stopped before the link was made
        _lead_there(old, new)
    elif old.is_dir() and not _has_store(new) and not _same(old, new):
        _move(old, new)
        _lead_there(old, new)


def _has_store(folder: Path) -> bool:
    return folder.is_dir() and any(entry.name not in NO_STORE for entry in folder.iterdir())


def _same(old: Path, new: Path) -> bool:
    return old.resolve() == new.resolve()


def _move(old: Path, new: Path) -> None:
    from filelock import FileLock, Timeout

    lock = FileLock(old / LOCK, timeout=LOCK_SECONDS)
    try:
        with lock:
            if _same(old, new):  # another command was quicker
                return
            (old / MARK).write_text(f"{old}\n", encoding="utf-8")
            _clear(new, old)
            if sys.platform == "win32":
                lock.release()  # no folder with an open file can be renamed there
            os.rename(old, new)
    except Timeout as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"An ACE Bridge server is still running on the store {old}, which Takebridge will take over.",
            "Stop that server (Ctrl-C in its window) and run this command again, or choose another store with --store.",
        ) from error
    except OSError as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"The store {old} cannot be moved to {new}: {error.strerror or error}.",
            f"Close programs that have its files open and run this command again, or use it where it is: --store {old}",
        ) from error


def _clear(new: Path, old: Path) -> None:
    """Makes room for the rename; a pointer to another server's mailbox is kept."""
    if not new.is_dir():
        new.parent.mkdir(parents=True, exist_ok=True)
        return
    for entry in new.iterdir():
        if entry.name == LOCK:
            entry.unlink()
        else:
            os.replace(entry, old / entry.name)
    new.rmdir()


def _lead_there(old: Path, new: Path) -> None:
    """Makes the link at the old place, unless it exists already, and prints where the files are."""
    linked = _same(old, new) or (not old.exists() and link_folder(old, new))
    with contextlib.suppress(OSError):
        (new / MARK).unlink()
    print(f"ACE Bridge is now called Takebridge. Its takes and models have moved to {new}.", file=sys.stderr)
    if linked:
        print(f"  {old} is a link to it, so DAW sessions still find their clips.", file=sys.stderr)
    else:
        print(
            f"  No link could be made at {old}: point DAW sessions to {new / 'clips'} when they miss clips.",
            file=sys.stderr,
        )
