"""A folder for what a process needs only as long as it runs, on whichever machine.

What a killed process leaves is removed by the next one of its kind.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import uuid
from pathlib import Path

from filelock import FileLock, Timeout

LOCK_SUFFIX = ".lock"


class ScratchFolder:
    """Of this process and this user alone, in the machine's folder for temporary files. purpose: in its name.

    A lock beside it is held as long as it is in use; it is there before the folder, so that nobody removes a new one.
    Making one raises OSError.
    """

    def __init__(self, purpose: str) -> None:
        root, name = Path(tempfile.gettempdir()), f"takebridge-{purpose}-"
        for left in root.glob(f"{name}*{LOCK_SUFFIX}"):
            with contextlib.suppress(Timeout, OSError), FileLock(left, timeout=0):
                shutil.rmtree(left.with_suffix(""), ignore_errors=True)
                left.unlink(missing_ok=True)
        # Short, as the names of Ray's sockets below it have little room.
        self.path = root / f"{name}{uuid.uuid4().hex[:12]}"
        # Not of the thread that makes it: another one may remove it.
        self._lock = FileLock(self.path.with_suffix(LOCK_SUFFIX), timeout=0, thread_local=False)
        self._lock.acquire()
        self.path.mkdir(mode=0o700)

    def remove(self) -> None:
        """Removes it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()
        with contextlib.suppress(OSError):
            Path(self._lock.lock_file).unlink(missing_ok=True)
