"""What must hold for every input of every reader of foreign bytes.

It returns, or raises an error of ours that is a sentence. It logs no traceback and no line over 4 KB, takes at most
50 ms of processor time for a small input, and no memory to speak of.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from clip_store.errors import ClipStoreError
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import MidiFileError
from model.errors import EngineError

OURS = (ProtocolError, ClipStoreError, EngineError, MidiFileError)
MAX_LOG_LINE = 4096  # characters
MAX_SECONDS = 0.05  # of processor time, for a small input
SMALL_BYTES = 4096  # a larger one may take as much more as it is larger
MAX_GROWTH = 64 << 20  # bytes of memory by one input
TRIES = 3  # at an input that seems slow: the machine may be
MAX_SENTENCE = 3000  # characters

Read = Callable[[bytes], None]
"""Takes an input as the product would. Raises one of OURS where that is its answer, AssertionError for an answer that
cannot be."""


class Unlawful(AssertionError):
    """An input that is met as none must be. kind: "error", "slow" ..., for the name of its file."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(f"{kind}: {what}")
        self.kind = kind


class _Ears(logging.Handler):
    """Keeps what was logged unlawfully."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info:
            self.heard.append(
                ("traceback", f"{text}\n{logging.Formatter().formatException(record.exc_info)}")
            )
        if len(text) > MAX_LOG_LINE:
            self.heard.append(("log", f"a line of {len(text)} characters: {text[:200]}"))


class Law:
    """Holds for one reader. `obey` may be called as often as wanted."""

    def __init__(self, read: Read, ears: _Ears) -> None:
        self._read = read
        self._ears = ears
        self._memory = memory_bytes()

    def obey(self, data: bytes) -> None:
        """Raises Unlawful."""
        limit = MAX_SECONDS * max(1.0, len(data) / SMALL_BYTES)
        took = self._once(data)
        for _ in range(TRIES - 1):
            if took <= limit:
                break
            gc.collect()
            took = min(took, self._once(data))
        now = memory_bytes()
        if now - self._memory > MAX_GROWTH:
            before, self._memory = self._memory, now
            raise Unlawful("memory", f"{(now - before) >> 20} MB more after {len(data)} bytes")
        self._memory = max(self._memory, now) if now - self._memory > MAX_GROWTH // 4 else self._memory
        if took > limit:
            raise Unlawful("slow", f"{took * 1000:.0f} ms of processor time for {len(data)} bytes")

    def _once(self, data: bytes) -> float:
        """Seconds of processor time. Raises Unlawful."""
        began = time.process_time()
        try:
            self._read(data)
        except OURS as error:
            check_sentence(error)
        except Unlawful:
            raise
        except Exception as error:
            raise Unlawful(type(error).__name__, traceback.format_exc()) from error
        took = time.process_time() - began
        if self._ears.heard:
            kind, what = self._ears.heard[0]
            self._ears.heard.clear()
            raise Unlawful(kind, what)
        return took


def check_sentence(error: Exception) -> None:
    """Raises Unlawful for an error that no producer could read."""
    if isinstance(error, ProtocolError) and error.code is ErrorCode.INTERNAL:
        raise Unlawful("internal", str(error))
    text = str(error)
    stop = isinstance(error, MidiFileError) or text.rstrip().endswith((".", "?", "!", "…", ")", '"', "}"))
    if not text or not stop or len(text) > MAX_SENTENCE:
        raise Unlawful("sentence", f"{type(error).__name__}: {text[:400]!r}")
    if any(0xD800 <= ord(letter) < 0xE000 for letter in text):
        raise Unlawful("sentence", f"not Unicode: {text[:400]!r}")


def memory_bytes() -> int:
    """What this process has in memory; 0 where that is not known."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return 0


@contextmanager
def law_for(read: Read) -> Iterator[Law]:
    """Watches logs, warnings and what is raised where nobody catches it, while the block lasts."""
    ears = _Ears()
    root = logging.getLogger()
    hook = sys.unraisablehook
    level = root.level

    def unraisable(raised: sys.UnraisableHookArgs) -> None:
        ears.heard.append(("unraisable", repr(raised.exc_value)))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        root.addHandler(ears)
        root.setLevel(logging.INFO)
        sys.unraisablehook = unraisable
        try:
            yield Law(read, ears)
        finally:
            sys.unraisablehook = hook
            root.removeHandler(ears)
            root.setLevel(level)
