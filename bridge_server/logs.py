"""The server's log: lines for people or JSON for programs, in files that never grow beyond a few megabytes.

Every line that concerns a job carries its id. Prompts, lyrics and tokens belong to the producer: no line may quote
them at the default level.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from contextvars import ContextVar
from logging.handlers import RotatingFileHandler
from pathlib import Path

from bridge_server.platforms import make_private_folder

LOG_FILE = "takebridge.log"
FOLDER = "logs"
FILE_BYTES = 2 << 20
FILES = 5
TEXT, JSON = "text", "json"
PACKAGES = ("bridge_server", "clip_store", "daw_protocol", "model")
"""Whose lines are logged from INFO on; libraries only warn."""

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


class TextLines(logging.Formatter):
    """2026-01-31 12:00:00,000 INFO rendering.worker [j0a1b2c3d4]: a sentence"""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s%(about)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        job = getattr(record, "job", "")
        record.about = f" [{job}]" if job else ""
        return super().format(record)


class JsonLines(logging.Formatter):
    """One JSON object per line, ASCII: time (seconds since 1970), level, part, job, text and, for a bug, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "part": record.name,
            "text": record.getMessage(),
        }
        if job := getattr(record, "job", ""):
            line["job"] = job
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


@contextlib.contextmanager
def logged_to(store: Path, kind: str, level: int = logging.INFO) -> Iterator[Path | None]:
    """Logs into the store while the block runs; gives the file, None where it cannot be written."""
    root = logging.getLogger()
    path = store / FOLDER / LOG_FILE
    try:
        make_private_folder(store)
        path.parent.mkdir(exist_ok=True)
        handler = RotatingFileHandler(
            path,
            maxBytes=FILE_BYTES,
            backupCount=FILES - 1,
            encoding="utf-8",
            errors="backslashreplace",
            delay=False,
        )
    except OSError as error:
        root.warning("There is no log file: %s cannot be written (%s).", path, error.strerror or error)
        yield None
        return
    handler.setFormatter(JsonLines() if kind == JSON else TextLines())
    handler.addFilter(AboutJob())
    ours = [logging.getLogger(name) for name in PACKAGES]
    before = [(logger, logger.level) for logger in ours]
    screens = [(screen, screen.level) for screen in root.handlers]
    for screen, shown in screens:  # what people see at the server does not become more with the file
        screen.setLevel(max(shown, root.level))
    for logger in ours:
        logger.setLevel(level)
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
