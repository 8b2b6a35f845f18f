"""The last lines of a store's log for a bug report: when, how bad, which part, which job, and our own words only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bridge_server.cli.known_words import redacted, redacted_frame
from bridge_server.logs import FILES, FOLDER, LOG_FILE

LINES = 200
_MOST_BYTES = 1 << 20  # of each file, from its end: many times what so many lines have

_TEXT = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:,\d{3})? (?P<level>[A-Z]{4,8}) (?P<part>[\w.]+)"
    r"(?: \[(?P<job>\w+)\])?: (?P<text>.*)"
)


def last_lines(store: Path, most: int = LINES) -> list[str]:
    """Up to `most` lines, oldest first; [] without a log."""
    found: list[str] = []
    for name in (LOG_FILE, *(f"{LOG_FILE}.{number}" for number in range(1, FILES))):
        if len(found) >= most:
            break
        found = [*_lines_of(store / FOLDER / name), *found]
    return found[-most:]


def _lines_of(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _MOST_BYTES))
            raw = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [line for one in raw[-LINES:] for line in _shown(one)]


def _shown(line: str) -> Iterator[str]:
    if line.startswith("{"):
        yield from _of_json(line)
    elif (found := _TEXT.fullmatch(line)) is not None:
        yield _line(found["time"], found["level"], found["part"], found["job"] or "", found["text"])
    else:
        yield from _of_traceback(line)


def _of_json(line: str) -> Iterator[str]:
    try:
        found = json.loads(line)
        when = f"{datetime.fromtimestamp(found['time']):%Y-%m-%d %H:%M:%S}"
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        return
    level, part, job, text = (str(found.get(name, "")) for name in ("level", "part", "job", "text"))
    yield _line(when, level.upper(), part, job, text)
    for one in str(found.get("traceback", "")).splitlines():
        yield from _of_traceback(one)


def _line(when: str, level: str, part: str, job: str, text: str) -> str:
    about = f" [{redacted(job)}]" if job else ""
    return f"{when} {redacted(level)} {redacted(part)}{about}: {redacted(text)}"


def _of_traceback(line: str) -> Iterator[str]:
    """Frames by their place in our packages; their source lines are left out, the version has them."""
    if (frame := redacted_frame(line)) is not None:
        yield frame
    elif line and not line.startswith("    "):
        yield redacted(line)
