"""A table of English texts and their translations, and what it makes of a text that came out of the program."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from bridge_server.languages.template import QUOTATION, Template, words_in

MAX_DEPTH = 4
"""Of sentences within sentences."""
MAX_SENTENCES = 40
MAX_READ = 20_000
FEW_LETTERS = 6
"""With no more letters and words of its own ("{start} to {end}", "Cover {where}"), a template is for figures, for
addresses and for what the table has: it would fit any title."""
COUNT = "count"
"""Places whose names begin with this take text that starts with a number, or with ≈ and a number."""
PHRASE = "phrase"
"""Places whose names begin with this take a single phrase, such as "bars 3-4": nothing that goes on after a colon."""
_ONE_PHRASE = re.compile(r"(?!.*(?:[.:;!?] | · |[,.:;·]\Z))(?:[^\W_]|≈)", re.DOTALL)
_FIGURE = re.compile(r"(?=[^A-Za-z]*\d)[^A-Za-z]+(?:[A-Za-z]{1,3})?")
_ID = re.compile(r"[jt][0-9a-f]{10}")
"""Of a job or a take."""
_PATH = re.compile(r"/[^\s,:;]+")
"""An address such as /bridge/ack, or a path without a space in it."""
_ARTICLE = re.compile(r"^(?:an?|the) ")
_QUOTED = re.compile(r"['\"“].*['\"”]", re.DOTALL)
"""Somebody's own words."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\s])")
_SEVERAL = re.compile(r"[.!?]\s+\S|(?:^| )\((?:takes?|region|track) ")
"""Texts that follow each other, the second of which may be which take a stage is about."""
_HEAD = re.compile(r"([\w.\[\]/-]{1,64}|bar \d+(?:, chord \d+)?): (?=\S)")
"""The value at fault, or the place in it, before what is wrong with it: "bpm: must be 1 to 999, got 0."."""


class Reading(NamedTuple):
    """A translation, and how many letters of the English text it accounts for: the more, the surer it is.

    own: of them, those of the entry itself.
    """

    text: str
    known: int
    own: int = 0


class _Fit(NamedTuple):
    """An entry that a text may be of, and what it would be filled in with. end: a full stop that follows it."""

    template: Template
    other: Template
    values: Mapping[str, str]
    end: str = ""


@dataclass
class _Work:
    """What one translation may still read, in characters: a text made of many sentences fits in very many ways."""

    left: int = MAX_READ
    known: dict[tuple[str, int], Reading | None] = field(default_factory=dict)

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
        for english, translation in (*entries.items(), *_without_marks(entries)):
            template, other = Template.read(english), Template.read(translation)
            if template.names:
                self._by_anchor.setdefault(template.anchor, []).append((template, other))
            else:
                self._whole[template.literals[0]] = other.literals[0]
        self.translate = lru_cache(maxsize=2048)(self._translate)

    def _translate(self, text: str) -> str:
        """The text in this language. Space around it stays."""
        found = self._found(text, _At(_Work()))
        return text if found is None else found.text

    def _found(self, text: str, at: _At) -> Reading | None:
        """None when the table has nothing for it, whole or in part."""
        key = text, at.depth
        if key not in at.work.known:
            at.work.known[key] = self._looked_for(text, at)
        return at.work.known[key]

    def _looked_for(self, text: str, at: _At) -> Reading | None:
        bare = text.strip()
        if not bare or at.depth > MAX_DEPTH or not at.work.take(len(text)):
            return None
        found = self._matched(text, at)  # an entry with this very space around it knows better
        if found is None and bare != text:
            found = self._found(bare, at)
            start = text.index(bare)
            return found and found._replace(text=f"{text[:start]}{found.text}{text[start + len(bare) :]}")
        return self._in_parts(text, at) if found is None else found

    def _matched(self, text: str, at: _At) -> Reading | None:
        """By the entry that accounts for most of it."""
        if (whole := self._whole.get(text)) is not None:
            return Reading(whole, _letters(text), _letters(text))
        if text.endswith(".") and (whole := self._whole.get(text[:-1])) is not None:
            return Reading(f"{whole}.", _letters(text), _letters(text))
        fits = self._fits(text, at)
        if text.endswith("."):
            fits += [fit._replace(end=".") for fit in self._fits(text[:-1], at)]
        # A sentence must not be taken for what another is filled in with, while each can be understood by itself.
        fits = [fit for fit in fits if not any(_are_several(value) for value in fit.values.values())] or (
            fits if self._in_parts(text, at) is None else []
        )
        if not fits:
            return None
        return _surest([self._headed(text, at), *(self._filled(fit, at) for fit in reversed(fits))])

    def _filled(self, fit: _Fit, at: _At) -> Reading:
        inner = {name: self._inner(value, at) for name, value in fit.values.items()}
        text = fit.other.fill({name: reading.text for name, reading in inner.items()}) + fit.end
        known = sum(reading.known for reading in inner.values())
        return Reading(text, fit.template.letters + known, fit.template.letters)

    def _fits(self, text: str, at: _At) -> list[_Fit]:
        if not at.work.take(len(text)):
            return []
        return [
            _Fit(template, other, values)
            for anchor in (*words_in(text), "")
            for template, other in self._by_anchor.get(anchor, ())
            if (values := template.match(text)) is not None and self._may_be(text, template, values, at)
        ]

    def _may_be(self, text: str, template: Template, values: Mapping[str, str], at: _At) -> bool:
        """Whether what would be filled in can be meant."""
        if _is_space(text, template):
            return False
        if not all(_fills_its(name, value) for name, value in values.items()):
            return False
        return template.letters + template.words > FEW_LETTERS or all(
            self._is_ours(value, at) for value in values.values()
        )

    def _is_ours(self, value: str, at: _At) -> bool:
        """Whether it is a figure, an id, an address, a quotation or a text of the table: no producer's words that look
        like one."""
        if not value or any(known.fullmatch(value) for known in (_FIGURE, _ID, _PATH, _QUOTED)):
            return True
        return self._found(value, at.deeper()) is not None

    def _inner(self, value: str, at: _At) -> Reading:
        """What is filled in, translated where it is a text of the table itself; quoted, it is somebody's own words."""
        if _QUOTED.fullmatch(value) or not any(letter.isalpha() for letter in value):
            return Reading(value, _letters(value))
        forms = dict.fromkeys((value, _ARTICLE.sub("", value, count=1)))
        found = _surest([self._found(form, at.deeper()) for form in forms])
        if found is not None:
            return found
        # A sentence at the end of another leaves its full stop to that one.
        found = self._found(f"{value}.", at.deeper()) if " " in value and value[-1] not in ".!?" else None
        return Reading(value, 0) if found is None else found._replace(text=found.text.removesuffix("."))

    def _in_parts(self, text: str, at: _At) -> Reading | None:
        """Sentence by sentence, or what follows the name of a value. None when no part has an entry."""
        if at.depth >= MAX_DEPTH:  # its parts would lie deeper
            return None
        parts = _with_whole_quotations(_SENTENCE_END.split(text, MAX_SENTENCES))
        if len(parts) > 1:
            translated = self._joined(parts, at)
            if translated is not None:
                return translated
        return self._headed(text, at)

    def _headed(self, text: str, at: _At) -> Reading | None:
        """What follows the name of a value, which stays as it is, or a place, which does not."""
        head = _HEAD.match(text)
        rest = self._found(text[head.end() :], at.deeper()) if head else None
        if head is None or rest is None:
            return None
        place = self._found(head[1], at.deeper()) if " " in head[1] else None
        return rest._replace(text=f"{place.text if place else head[1]}: {rest.text}")

    def _joined(self, parts: list[str], at: _At) -> Reading | None:
        """The longest runs of sentences that entries fit, side by side."""
        made: list[Reading] = []
        deeper = at.deeper()
        first = 0
        while first < len(parts):
            for end in range(min(len(parts), first + 4), first, -1):
                run = parts[first:end]
                found = self._found(" ".join(run), deeper) if self._is_one(run, parts, deeper) else None
                if found is not None:
                    made.append(found)
                    first = end
                    break
            else:
                made.append(Reading(parts[first], 0))
                first += 1
        known = sum(reading.known for reading in made)
        return Reading(" ".join(reading.text for reading in made), known) if known else None

    def _is_one(self, run: list[str], parts: list[str], at: _At) -> bool:
        """Whether so many of the sentences may be looked up as one: a single one, or several that an entry fits."""
        if len(run) == 1 or len(run) == len(parts):
            return len(run) < len(parts)
        text = " ".join(run)
        return text in self._whole or bool(self._fits(text, at))


def _with_whole_quotations(sentences: Iterable[str]) -> list[str]:
    """Sentences, those joined again that a quotation goes on in."""
    whole: list[list[str]] = []
    unclosed = 0
    for sentence in sentences:
        if unclosed:
            whole[-1].append(sentence)
        else:
            whole.append([sentence])
        unclosed = max(0, unclosed + sentence.count("“") - sentence.count("”"))
    return [" ".join(parts) for parts in whole]


def _surest(readings: Iterable[Reading | None]) -> Reading | None:
    """The first of those that account for most."""
    return max(filter(None, readings), key=lambda reading: reading[1:], default=None)


def _are_several(value: str) -> bool:
    """Whether texts follow each other in it; what follows within a quotation is somebody's own."""
    return _SEVERAL.search(QUOTATION.sub("“”", value)) is not None


def _is_space(text: str, template: Template) -> bool:
    """Whether a value would begin or end with the space around the text, which is nobody's."""
    return (text[:1].isspace() and not template.literals[0]) or (
        text[-1:].isspace() and not template.literals[-1]
    )


def _fills_its(name: str, value: str) -> bool:
    """Whether a value can be what the name of its place says."""
    if name.startswith(COUNT):
        return value.removeprefix("≈")[:1].isdecimal()
    return not name.startswith(PHRASE) or _ONE_PHRASE.match(value) is not None


def _letters(text: str) -> int:
    return sum(letter.isalpha() for letter in text)


def _without_marks(entries: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Entries that mark code, as they are where such marks mean nothing: in an answer over OSC."""
    for english, translation in entries.items():
        if "`" in english:
            yield (
                english.replace("`", "").replace("\\|", "|"),
                translation.replace("`", "").replace("\\|", "|"),
            )
