"""One sentence with places to fill in, such as "There is no file {path}.": matched, and filled in another language.

Texts are made all over the program, in English. What was filled in is found again from the sentence: no place that
says something has to know that there are other languages. The panel's `catalogue.js` does the same in the browser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from bridge_server.languages.particles import with_particles

_PLACE = re.compile(r"\{\{|\}\}|\{([a-z_0-9]+)\}")
_WORD = re.compile(r"[A-Za-z][A-Za-z']*")
QUOTATION = re.compile("“[^“”]*”")


@dataclass(frozen=True)
class Template:
    """literals: the text around the places, one more than names; "" where there is none."""

    literals: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> Template:
        """A template as the table has it: places in braces, braces of the text itself doubled."""
        literals, names, literal, at = [], [], "", 0
        for found in _PLACE.finditer(text):
            literal += text[at : found.start()]
            at = found.end()
            if found[1] is None:
                literal += found[0][0]
            else:
                literals.append(literal)
                names.append(found[1])
                literal = ""
        return cls((*literals, literal + text[at:]), tuple(names))

    @cached_property
    def shape(self) -> str:
        """Equal for templates that differ in the names of their places only."""
        return "\0".join(self.literals)

    @cached_property
    def letters(self) -> int:
        """Letters of its own: the more, the surer a match."""
        return sum(letter.isalpha() for letter in self.shape)

    @cached_property
    def words(self) -> int:
        """Words of its own, or parts of them."""
        return len(_WORD.findall(self.shape))

    @cached_property
    def anchor(self) -> str:
        """The longest whole word that every text of this template has; "" for none."""
        words: list[str] = []
        last = len(self.literals) - 1
        for number, literal in enumerate(self.literals):
            for found in _WORD.finditer(literal):
                touches = (number > 0 and found.start() == 0) or (
                    number < last and found.end() == len(literal)
                )
                if not touches:
                    words.append(found[0])
        return max(words, key=len, default="")

    def match(self, text: str) -> dict[str, str] | None:
        """What is filled in; None when the text is not of this template. Linear in the text's length.

        What stands in a quotation is somebody's own: a literal is looked for outside of quotations first.
        """
        shown = QUOTATION.sub(lambda one: "“" + "\0" * (len(one[0]) - 2) + "”", text)
        found = self._match(text, shown)
        return self._match(text, text) if found is None and shown != text else found

    def _match(self, text: str, shown: str) -> dict[str, str] | None:
        """shown: the text as literals are looked for in it, of the same length."""
        first, *between, last = self.literals if self.names else (*self.literals, "")
        if not self.names:
            return {} if text == first else None
        if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
            return None
        end = len(text) - len(last)
        at = len(first)
        values = []
        for literal in between:
            found = shown.find(literal, at, end) if literal else at
            if found < 0:
                return None
            values.append(text[at:found])
            at = found + len(literal)
        values.append(text[at:end])
        return dict(zip(self.names, values, strict=True))

    def fill(self, values: Mapping[str, str]) -> str:
        """The sentence with these values."""
        parts = [self.literals[0]]
        for name, literal in zip(self.names, self.literals[1:], strict=True):
            parts += (values[name], with_particles(values[name], literal))
        return "".join(parts)


def words_in(text: str) -> list[str]:
    """The whole words a template's anchor may be, in their order: of equally good readings the first counts."""
    return list(dict.fromkeys(_WORD.findall(text)))
