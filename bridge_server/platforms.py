"""Everything that differs between Windows, macOS and Linux, in one place."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shlex
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Protocol

import platformdirs

APP = "takebridge"
OLD_APP = "ace-bridge"  # what it was called first
CHECKPOINTS = "checkpoints"

BELOW_NORMAL_PRIORITY = 0x4000  # BELOW_NORMAL_PRIORITY_CLASS, Windows API


class ProcessPipe(Protocol):
    """One end of what two processes speak through."""

    def send(self, message: Any, /) -> None: ...


def typed_word(word: object) -> str:
    """A word, such as a folder's name, as one types it at this system's prompt."""
    return f'"{word}"' if sys.platform == "win32" else shlex.quote(str(word))


def store_folder() -> Path:
    """The default folder of the store."""
    return Path(platformdirs.user_data_dir(APP, appauthor=False))


def old_store_folder() -> Path:
    """Where the store lived when the product had its old name."""
    return Path(platformdirs.user_data_dir(OLD_APP, appauthor=False))


def models_folder() -> Path:
    """The default folder of model checkpoints, one folder each.

    They are gigabytes: those in a store of the old name are used in place until it is taken over.
    """
    usual, old = (store / CHECKPOINTS for store in (store_folder(), old_store_folder()))
    return old if old.is_dir() and not usual.is_dir() else usual


def signing_folder() -> Path:
    """Where the key lies that signs this user's files."""
    return Path(platformdirs.user_config_dir(APP, appauthor=False)) / "signing"


def kernels_file() -> Path:
    """Where engines keep what this machine's processor computes fastest."""
    return Path(platformdirs.user_cache_dir(APP, appauthor=False)) / "kernels.json"


def mailbox_pointer() -> Path:
    """Where scripts in a DAW, which see none of the user's settings, read which mailbox a server uses that has its
    store somewhere else."""
    return store_folder() / "mailbox.txt"


def link_folder(link: Path, target: Path) -> bool:
    """Makes `link` lead to the folder `target`; False where the system does not allow it."""
    try:
        if sys.platform == "win32":
            import _winapi  # a junction: symbolic links need rights that few users have

            _winapi.CreateJunction(str(target), str(link))
        else:
            link.symlink_to(target, target_is_directory=True)
    except (OSError, ImportError, AttributeError):  # a file system without links; a Python without the call
        return False
    return True


def yield_to_others() -> None:
    """Lowers this process's priority: a render must not make the DAW or the server's replies stutter."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), BELOW_NORMAL_PRIORITY)
    else:
        os.nice(10)


def write_private(path: Path, text: str) -> None:
    """As `write_private_bytes`, for text."""
    write_private_bytes(path, text.encode())


def write_private_bytes(path: Path, content: bytes) -> None:
    """Writes a small file that only this user may read; a reader finds the old content or the new, never half of it.

    On Windows a user's folders are private anyway. Raises OSError.
    """
    # Not at the top: `--help` is quick, and this brings numpy.
    from clip_store.atomic_file import sync_folder, temporary_path

    temporary = temporary_path(path)
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        os.replace(temporary, path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def make_private_folder(folder: Path) -> None:
    """Makes a folder where it is missing, for this user alone: songs, words and secrets will be in it.

    A folder somebody made keeps its rights, except our own default one: earlier versions made it readable for all.
    Raises OSError.
    """
    if not folder.exists():
        from clip_store.atomic_file import make_folder, sync_folder

        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)
    elif os.name == "posix" and folder == store_folder() and folder.stat().st_uid == os.getuid():
        folder.chmod(0o700)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def give_memory_back() -> None:
    """Has this process return freed memory to the system; for one that lives long and now and then holds whole songs.

    glibc keeps what was freed in as many pools as there were threads, and after the first freed song takes further
    ones from these pools too. Elsewhere nothing has to be done.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):  # another C library
        return
    for option, setting in MALLOC_OPTIONS.items():
        libc.mallopt(option, setting)


# mallopt(3): M_ARENA_MAX, M_MMAP_THRESHOLD (giving one keeps it from growing), M_TRIM_THRESHOLD.
MALLOC_OPTIONS = {-8: 2, -3: 1 << 20, -1: 4 << 20}


def resident_bytes(pid: int) -> int | None:
    """A process's memory that is in use; None where this system does not say, and of a process that has ended."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def ignore_interrupt() -> None:
    """Ctrl-C in the terminal reaches every process of the group; the server ends its children itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def end_with_parent() -> None:
    """Ends this process, whatever it does, as soon as the one that started it has gone, however that ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "a process that another one started"

    def watch() -> None:
        parent.join()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def send_or_end(connection: ProcessPipe, message: object) -> None:
    """Sends a message to the process that started this one. Where that has gone, nobody is left to tell or to work for:
    this one ends."""
    try:
        connection.send(message)
    except OSError:
        os._exit(0)


def how_it_ended(exit_code: int | None) -> str:
    """An exit code in words a producer can use."""
    if exit_code is None:
        return "it stopped answering"
    if exit_code == -9:
        return "it was killed (the machine may have run out of memory)"
    if exit_code < 0:
        return f"it was ended by signal {-exit_code}"
    return f"it ended with status {exit_code}"


def stop_signals() -> tuple[signal.Signals, ...]:
    """Signals that ask the server to stop in order: Ctrl-C, Ctrl-Break, a service manager, a terminal that closes."""
    if sys.platform == "win32":
        return (signal.SIGINT, signal.SIGBREAK)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # started with nohup
        return (signal.SIGINT, signal.SIGTERM)
    return (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def portaudio_remedy() -> str:
    """How to get PortAudio where sounddevice does not bring it along: it does on Windows and macOS."""
    if sys.platform.startswith("linux"):
        return "Install it: apt install libportaudio2, dnf install portaudio, or pacman -S portaudio."
    return "Install sounddevice again: pip install --force-reinstall sounddevice."
