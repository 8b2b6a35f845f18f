"""What the panel shows, read from its scripts and its page as templates."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from bridge_server.bundled import PANEL
from tests.languages.python_texts import SourceText

SHOWN_ATTRIBUTES = ("title", "aria-label", "placeholder", "aria-description", "alt")
# Text that a person reads: it begins with a capital, or has two words.
SHOWN = re.compile(r"[A-Z][a-z]{2,}|[A-Za-z]{2,}[,;:.)”]* [(“]?[A-Za-z]{2,}")
MAX_FORMS = 12
# Before a `/`: then it divides, and does not begin a regular expression.
_DIVIDES = re.compile(r"[\w)\]}]\s*$")
_PLACE = re.compile(r"\{[a-z_0-9]*\}")


@cache
def panel_texts() -> tuple[SourceText, ...]:
    """Every text of the panel, in the order of its files."""
    found = []
    for path in sorted(PANEL.rglob("*.js")):
        name = path.relative_to(PANEL).as_posix()
        found += [SourceText(text, name) for text in texts_in_script(path.read_text(encoding="utf-8"))]
    found += [SourceText(text, "index.html") for text in texts_in_page(PANEL / "index.html")]
    return tuple(found)


def texts_in_script(source: str) -> Iterator[str]:
    """The string and template literals of a script that are shown, those within `${...}` too."""
    for literal in literals(source):
        for form in itertools.islice(forms(literal), MAX_FORMS):
            text = form.strip()
            if is_shown(text):
                yield text


def is_shown(text: str) -> bool:
    """Whether words of it are for people: no address, key, class, selector, code or style."""
    bare = _PLACE.sub("", text)
    if not SHOWN.search(bare) or re.search(
        r"^[.#\[]|=>|\bvar\(|^\w+://|^[a-z-]+: [a-z0-9]+$|[\w-]\[|:not\(|\\[wds]", bare
    ):
        return False
    return not re.fullmatch(r"(?:[A-Z][a-z]+)+[A-Z]?[a-z]*", bare) or bool(re.fullmatch(r"[A-Z][a-z]+", bare))


Literal = tuple[str | tuple[str, str], ...]
"""Text, and what is filled in: its source and "", in order."""


def literals(source: str) -> Iterator[Literal]:
    """Every string and template literal of a script; comments and regular expressions are none."""
    at = 0
    while at < len(source):
        two, one = source[at : at + 2], source[at]
        if two == "//":
            at = _after(source, "\n", at)
        elif two == "/*":
            at = _after(source, "*/", at)
        elif one == "/" and not _DIVIDES.search(source[max(0, at - 40) : at]):
            at = _after_pattern(source, at)
        elif one in "\"'":
            end = _end_of_string(source, at)
            yield (unescaped(source[at + 1 : end - 1]),)
            at = end
        elif one == "`":
            parts, at = _template(source, at + 1)
            yield tuple(parts)
            for part in parts:
                if isinstance(part, tuple):
                    yield from literals(part[0])
        else:
            at += 1


def _after(source: str, end: str, at: int) -> int:
    found = source.find(end, at)
    return len(source) if found < 0 else found + len(end)


def _after_pattern(source: str, at: int) -> int:
    in_class = False
    at += 1
    while at < len(source) and (in_class or source[at] != "/") and source[at] != "\n":
        if source[at] == "\\":
            at += 1
        elif source[at] in "[]":
            in_class = source[at] == "["
        at += 1
    return at + 1


def _end_of_string(source: str, at: int) -> int:
    quote = source[at]
    at += 1
    while at < len(source) and source[at] != quote:
        at += 2 if source[at] == "\\" else 1
    return at + 1


def _template(source: str, at: int) -> tuple[list[str | tuple[str, str]], int]:
    parts: list[str | tuple[str, str]] = []
    text = ""
    while at < len(source) and source[at] != "`":
        if source.startswith("${", at):
            end = _end_of_place(source, at + 2)
            parts += [unescaped(text), (source[at + 2 : end], "")]
            text, at = "", end + 1
        elif source[at] == "\\":
            text, at = text + source[at : at + 2], at + 2
        else:
            text, at = text + source[at], at + 1
    return [*parts, unescaped(text)], at + 1


def _end_of_place(source: str, at: int) -> int:
    depth = 0
    while depth or source[at] != "}":
        if source[at] == "`":
            _, at = _template(source, at + 1)
            continue
        if source[at] in "\"'":
            at = _end_of_string(source, at)
            continue
        depth += {"{": 1, "}": -1}.get(source[at], 0)
        at += 1
    return at


def unescaped(text: str) -> str:
    return (
        re.sub(r"\\u\{?([0-9a-fA-F]{4})\}?", lambda found: chr(int(found[1], 16)), text)
        .replace("\\n", "\n")
        .replace('\\"', '"')
    )


_CHOICE = re.compile(r'^[^?]*\?\s*"((?:[^"\\]|\\.)*)"\s*:\s*"((?:[^"\\]|\\.)*)"$', re.DOTALL)


def forms(literal: Literal) -> Iterator[str]:
    """What a literal may become: places in braces, and each branch of a choice between two strings."""
    taken: dict[str, int] = {}
    options: list[tuple[str, ...]] = []
    for part in literal:
        if isinstance(part, str):
            options.append((part.replace("{", "{{").replace("}", "}}"),))
        elif choice := _CHOICE.match(part[0].strip()):
            options.append((unescaped(choice[1]), unescaped(choice[2])))
        else:
            name = name_of(part[0])
            taken[name] = taken.get(name, 0) + 1
            options.append((f"{{{name}{taken[name] if taken[name] > 1 else ''}}}",))
    for chosen in itertools.product(*options):
        yield "".join(chosen)


def name_of(source: str) -> str:
    """A word for what is filled in: the last name of it, or "value"."""
    words = re.findall(r"[A-Za-z_]\w*", re.sub(r"\"[^\"]*\"|`[^`]*`", "", source))
    word = (
        words[0]
        if words and source.strip().endswith(")") and len(words) == 1
        else (words[-1] if words else "value")
    )
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word).lower()


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [given for name, given in attrs if name in SHOWN_ATTRIBUTES and given]

    def handle_data(self, data: str) -> None:
        self.found.append(" ".join(data.split()))


def texts_in_page(path: Path) -> Iterator[str]:
    """Texts and shown attributes of the page."""
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    yield from (text for text in page.found if re.search(r"[A-Za-z]{2,}", text))
