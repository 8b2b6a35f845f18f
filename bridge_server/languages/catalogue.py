"""A table of English texts and their translations, and what it makes of a text that came out of the program."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from bridge_server.languages.template import Template, words_in

MAX_DEPTH = 4
"""Of sentences within sentences."""
MAX_SENTENCES = 40
MAX_READ = 20_000
FEW_LETTERS = 6
"""With no more letters and words of its own ("{start} to {end}", "Cover {where}"), a template is for figures and for
what the table has: it would fit any title."""
_FIGURE = re.compile(r"(?=[^A-Za-z]*\d)[^A-Za-z]+(?:[A-Za-z]{1,3})?")
_ARTICLE = re.compile(r"(?:an?|the) ")
_QUOTED = re.compile(r"['\"“].*['\"”]", re.DOTALL)
"""Somebody's own words."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\s])")
_SEVERAL = re.compile(r"[.!?]\s+\S| \((?:takes?|region|track) ")
"""Texts that follow each other, the second of which may be which take a stage is about."""
_HEAD = re.compile(r"([\w.\[\]/-]{1,64}): (?=\S)")
"""The value at fault, before what is wrong with it: "bpm: must be 1 to 999, got 0."."""


@dataclass
class _Work:
    """What one translation may still read, in characters: a text made of many sentences fits in very many ways."""

    left: int = MAX_READ

    def take(self, characters: int) -> bool:
        """Whether so many are left; takes them."""
        self.left -= characters
        return self.left >= 0


@dataclass(frozen=True)
class _At:
    """How deep a text lies within another, and the work they share."""

    work: _Work
    depth: int = 0

    def deeper(self) -> _At:
        return _At(self.work, self.depth + 1)


class Catalogue:
    """One language. Thread-safe; never raises: what has no entry stays English."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._whole: dict[str, str] = {}
        self._by_anchor: dict[str, list[tuple[Template, Template]]] = {}
        for english, translation in entries.items():
            template, other = Template.read(english), Template.read(translation)
            if template.names:
                self._by_anchor.setdefault(template.anchor, []).append((template, other))
            else:
                self._whole[template.literals[0]] = other.literals[0]
        self.translate = lru_cache(maxsize=2048)(self._translate)

    def _translate(self, text: str) -> str:
        """The text in this language. Space around it stays."""
        found = self._found(text, _At(_Work()))
        return text if found is None else found

    def _found(self, text: str, at: _At) -> str | None:
        """None when the table has nothing for it, whole or in part."""
        bare = text.strip()
        if not bare or at.depth > MAX_DEPTH or not at.work.take(len(text)):
            return None
        if bare != text:
            # An entry with this very space around it knows better.
            if (whole := self._matched(text, at)) is not None:
                return whole
            found = self._found(bare, at)
            if found is None:
                return None
            start = text.index(bare)
            return f"{text[:start]}{found}{text[start + len(bare) :]}"
        found = self._matched(text, at)
        return self._in_parts(text, at) if found is None else found

    def _matched(self, text: str, at: _At) -> str | None:
        """By the entry that fits best: the one with most letters of its own."""
        if (whole := self._whole.get(text)) is not None:
            return whole
        if text.endswith(".") and (whole := self._whole.get(text[:-1])) is not None:
            return f"{whole}."
        fits = [*self._fits(text, at)]
        if text.endswith("."):
            fits += [
                (template, other, values, ".") for template, other, values, _ in self._fits(text[:-1], at)
            ]
        # A sentence must not be taken for what another is filled in with, while each can be understood by itself.
        fits = [fit for fit in fits if not any(_SEVERAL.search(value) for value in fit[2].values())] or (
            fits if self._in_parts(text, at) is None else []
        )
        if not fits:
            return None
        _, other, values, end = max(fits, key=lambda fit: (fit[0].letters, fit[3]))
        return other.fill({name: self._inner(value, at) for name, value in values.items()}) + end

    def _fits(self, text: str, at: _At) -> Iterable[tuple[Template, Template, dict[str, str], str]]:
        if not at.work.take(len(text)):
            return
        for anchor in (*words_in(text), ""):
            for template, other in self._by_anchor.get(anchor, ()):
                values = template.match(text)
                if values is None:
                    continue
                if template.letters + template.words > FEW_LETTERS or all(
                    self._is_ours(value, at) for value in values.values()
                ):
                    yield template, other, values, ""

    def _is_ours(self, value: str, at: _At) -> bool:
        """Whether it is a figure, a quotation, or a text of the table: no producer's words that look like one."""
        if not value or _FIGURE.fullmatch(value) or _QUOTED.fullmatch(value):
            return True
        return self._found(value, at.deeper()) is not None

    def _inner(self, value: str, at: _At) -> str:
        """What is filled in, translated where it is a text of the table itself; quoted, it is somebody's own words."""
        if _QUOTED.fullmatch(value) or not any(letter.isalpha() for letter in value):
            return value
        for form in dict.fromkeys((value, _ARTICLE.sub("", value, count=1))):
            found = self._found(form, at.deeper())
            if found is not None:
                return found
        # A sentence at the end of another leaves its full stop to that one.
        found = self._found(f"{value}.", at.deeper()) if " " in value and value[-1] not in ".!?" else None
        return value if found is None else found.removesuffix(".")

    def _in_parts(self, text: str, at: _At) -> str | None:
        """Sentence by sentence, or what follows the name of a value. None when no part has an entry."""
        if at.depth > MAX_DEPTH:
            return None
        parts = _SENTENCE_END.split(text, MAX_SENTENCES)
        if len(parts) > 1:
            translated = self._joined(parts, at)
            if translated is not None:
                return translated
        head = _HEAD.match(text)
        if head is None:
            return None
        rest = self._found(text[head.end() :], at.deeper())
        return None if rest is None else f"{text[: head.end()]}{rest}"

    def _joined(self, parts: list[str], at: _At) -> str | None:
        """The longest runs of sentences that entries fit, side by side."""
        made: list[str] = []
        any_known = False
        first = 0
        while first < len(parts):
            for end in range(min(len(parts), first + 4), first, -1):
                run = " ".join(parts[first:end])
                found = None if end - first == len(parts) else self._found(run, at.deeper())
                if found is not None and (end - first == 1 or self._is_one(run, at)):
                    made.append(found)
                    any_known = True
                    first = end
                    break
            else:
                made.append(parts[first])
                first += 1
        return " ".join(made) if any_known else None

    def _is_one(self, run: str, at: _At) -> bool:
        """Whether several sentences are one entry."""
        return run in self._whole or any(True for _ in self._fits(run, at))
