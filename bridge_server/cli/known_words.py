"""The words a bug report may contain: those of Takebridge itself, never those of its user.

A list of what to leave out is never complete: a log of an older version, or one written with `serve --verbose`, may
quote anything. So the report lets through what it knows: the words of our own log lines, of error codes, fields and
the system's messages, and small numbers. All else becomes "…".
"""

from __future__ import annotations

import ast
import builtins
import errno
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bridge_server.log_words import HIDDEN, OURS
from daw_protocol.addresses import COMMANDS
from daw_protocol.errors import ErrorCode

_HERE = Path(__file__).parents[2]  # the folder of the packages
_LEVELS = ("debug", "info", "warning", "error", "exception")
_WORD = re.compile(r"[^\W_]+|_+|[^\w\s]|\s+")
_JOB = re.compile(r"j[0-9a-f]{10}")
_NUMBER = re.compile(r"\d{1,5}")
_ADDRESS = re.compile(
    r"(?<![\w.])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w.])"
)
_HIDDEN_RUN = re.compile(rf"{HIDDEN}(?:[^\w{HIDDEN}]*{HIDDEN})+")
_MOST = 1000  # characters of a line
_PUNCTUATION = set(".,:;!?()[]'\"/-+*=%…<>|")
_FRAME = re.compile(r'\s*File "(?P<path>.*)", line (?P<line>\d+), in (?P<name>\w+|<\w+>)\s*')


def redacted(text: str) -> str:
    """The text with "…" for all that is not known; one line, cut where it is very long."""
    kept = (known(part) for part in _WORD.findall(_ADDRESS.sub(_address, text[:_MOST])))
    return _HIDDEN_RUN.sub(HIDDEN, "".join(kept)).strip()


def known(part: str) -> str:
    """A word, a number, a sign or a space as it is, or hidden."""
    if part.isspace():
        return " "
    if not part.isalnum():
        return part if set(part) <= _PUNCTUATION | {"_"} else ""
    if _NUMBER.fullmatch(part) or _JOB.fullmatch(part) or part.lower() in _vocabulary():
        return part
    return HIDDEN


def _address(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith("127.") or match[0] == "::1" else HIDDEN


def redacted_frame(line: str) -> str | None:
    """A traceback's line with the file inside our packages; None when it is no such line."""
    found = _FRAME.fullmatch(line)
    if found is None:
        return None
    for package in OURS:
        _, mark, inside = found["path"].replace("\\", "/").rpartition(f"/{package}/")
        source = _HERE / package / inside
        if mark and ".." not in inside and _has(source, found["name"]):
            return f'  File "{package}/{inside}", line {found["line"][:6]}, in {found["name"]}'
    return f'  File "{HIDDEN}"'


@cache
def _has(source: Path, name: str) -> bool:
    """Whether a module of ours has a function of that name."""
    try:
        return f"def {name}(" in source.read_text(encoding="utf-8") or name in ("<module>", "<lambda>")
    except OSError:
        return False


@cache
def _vocabulary() -> frozenset[str]:
    texts = [
        *_log_texts(), *(code.value for code in ErrorCode), *(command.name for command in COMMANDS),
        *(name for command in COMMANDS for name in command.request.__dataclass_fields__),
        *(os.strerror(number) for number in errno.errorcode), *_LEVELS, "critical", *_error_names(),
        "Traceback (most recent call last) This led to While that was handled One of them",
        "queued running done failed cancelled", "database is locked disk image malformed full", "OSC MIDI HTTP IO",
    ]  # fmt: skip
    return frozenset(
        word.lower() for text in texts for word in re.findall(r"[^\W_]+", text) if not word.isdigit()
    )


def _error_names() -> list[str]:
    return [
        name
        for name, one in vars(builtins).items()
        if isinstance(one, type) and issubclass(one, BaseException)
    ]


def _log_texts() -> Iterator[str]:
    """What our packages write into the log, without what they fill in; and the names of the parts that write it."""
    for package in OURS:
        for path in sorted((_HERE / package).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            if "log." not in source and "Error" not in source:
                continue
            yield path.relative_to(_HERE).with_suffix("").as_posix()
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.ClassDef) and node.bases:
                    yield node.name
                elif _writes_log(node):
                    yield from _constants(node)


def _writes_log(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in (*_LEVELS, "start", "spawn")  # parts and errands are logged by their names
    )


def _constants(node: ast.AST) -> Iterator[str]:
    return (
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )
