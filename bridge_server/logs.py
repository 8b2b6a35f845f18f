"""The server's log: lines for people or JSON for programs, in files that never grow beyond a few megabytes.

Every line that concerns a job carries its id. Prompts, lyrics, names of songs and tokens belong to the producer: no
line quotes them (log_words.py), unless `serve --verbose` asks for it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from logging.handlers import RotatingFileHandler
from pathlib import Path

from bridge_server.log_words import OURS, message_of, public_words, traceback_text
from bridge_server.platforms import make_private_folder
from daw_protocol.errors import without_controls

LOG_FILE = "takebridge.log"
LOCK = "log.lock"
FOLDER = "logs"
FILE_BYTES = 2 << 20
FILES = 5
TEXT, JSON = "text", "json"
SECOND = 1.0

_JOB: ContextVar[str] = ContextVar("job", default="")


@contextlib.contextmanager
def about_job(job: str) -> Iterator[None]:
    """Every line logged inside, also by tasks and threads started there, carries the job's id."""
    mark = _JOB.set(job)
    try:
        yield
    finally:
        _JOB.reset(mark)


class AboutJob(logging.Filter):
    """Gives each record the job it is about; "" for none."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.job = getattr(record, "job", "") or _JOB.get()
        return True


class NotAgain(logging.Filter):
    """Lets a message of asyncio's through once a second. Without a file to open it tries to take each connection that
    waits, a hundred of them, and logs each failure with its traceback before it pauses."""

    def __init__(self) -> None:
        super().__init__("asyncio")
        self._message = ""
        self._created = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if not super().filter(record):
            return True
        message = record.getMessage().partition("\n")[0]
        if message == self._message and abs(record.created - self._created) < SECOND:
            return False
        self._message, self._created = message, record.created
        return True


class TextLines(logging.Formatter):
    """2026-01-31 12:00:00,000 INFO rendering.worker [j0a1b2c3d4]: a sentence

    words: with what it quotes of requests.
    """

    def __init__(self, words: bool = False) -> None:
        super().__init__()
        self._words = words

    def format(self, record: logging.LogRecord) -> str:
        # Not by way of the base class, which keeps its texts in the record, where other handlers would find them.
        job = getattr(record, "job", "")
        about = f" [{job}]" if job else ""
        text = message_of(record, self._words)
        line = f"{self.formatTime(record)} {record.levelname} {record.name}{about}: {text}"
        error = _error_of(record)
        whole = line if error is None else f"{line}\n{traceback_text(error, self._words)}"
        return without_controls(whole)  # a log is read on a terminal


class JsonLines(logging.Formatter):
    """One JSON object per line, ASCII: time (seconds since 1970), level, part, job, text and, for a bug, traceback.

    words: with what it quotes of requests.
    """

    def __init__(self, words: bool = False) -> None:
        super().__init__()
        self._words = words

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "part": record.name,
            "text": message_of(record, self._words),
        }
        if job := getattr(record, "job", ""):
            line["job"] = job
        if (error := _error_of(record)) is not None:
            line["traceback"] = traceback_text(error, self._words)
        return json.dumps(line)


def _error_of(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


class LogFile(RotatingFileHandler):
    """The file, which a full disk ends for a while and nothing else: lines are lost then, never the server.

    Where lines cannot be written, the screen gets one sentence for all of them, without what is in them.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        super().__init__(
            path, maxBytes=FILE_BYTES, backupCount=FILES - 1, encoding="utf-8", errors="backslashreplace"
        )
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        lost = self._lost
        super().emit(record)
        if 0 < lost == self._lost:
            self._lost = 0
            super().emit(
                _own_record(logging.WARNING, f"{lost} lines of the log were lost: no room for them.")
            )

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 # logging's own
        """The usual one prints the line with all it quotes, each time."""
        self._lost += 1
        if self._lost == 1:
            error = public_words(sys.exc_info()[1])
            sentence = f"The log cannot be written ({error}); the server goes on without."
            for screen in logging.getLogger().handlers:
                if screen is not self:
                    screen.handle(_own_record(logging.ERROR, sentence))
        # What is left in the buffer would be tried again with every line.
        stream, self.stream = self.stream, None  # emit opens it again
        with contextlib.suppress(OSError):
            if stream is not None:
                stream.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


def _own_record(level: int, sentence: str) -> logging.LogRecord:
    return logging.LogRecord(__name__, level, __file__, 0, sentence, None, None)


@contextlib.contextmanager
def logged_to(store: Path, kind: str, words: bool = False) -> Iterator[Path | None]:
    """Logs into the store while the block runs; gives the file, None where it cannot be written.

    One process at a time: two would rename the files under each other's hands. The second, which the store refuses
    anyway, logs to its screen only.

    words: with what its lines quote of requests.
    """
    from filelock import FileLock, Timeout  # not at the top: --help is quick

    root = logging.getLogger()
    path = store / FOLDER / LOG_FILE
    lock = FileLock(store / LOCK, timeout=0)
    try:
        make_private_folder(store)
        path.parent.mkdir(exist_ok=True)
        lock.acquire()
        handler = LogFile(path)
    except (OSError, Timeout) as error:
        lock.release()
        if not isinstance(error, Timeout):
            root.warning("There is no log file: %s cannot be written (%s).", path, error.strerror or error)
        yield None
        return
    handler.setFormatter(JsonLines(words) if kind == JSON else TextLines(words))
    handler.addFilter(AboutJob())
    handler.addFilter(NotAgain())
    ours = [logging.getLogger(name) for name in OURS]
    before = [(logger, logger.level) for logger in ours]
    screens = [(screen, screen.level) for screen in root.handlers]
    for screen, shown in screens:  # what people see at the server does not become more with the file
        screen.setLevel(max(shown, root.level))
    for logger in ours:
        logger.setLevel(logging.INFO)  # libraries only warn
    root.addHandler(handler)
    try:
        yield path
    finally:
        root.removeHandler(handler)
        for logger, usual in before:
            logger.setLevel(usual)
        for screen, shown in screens:
            screen.setLevel(shown)
        handler.close()
        lock.release()
