"""The kinds of value a message can carry: how each is read from the wire, written to it and described.

Every field of every message has one `Kind`: plain ones here, musical ones in timeline_fields.py. The OSC parser,
the JSON reader, the JSON Schema, the OSCQuery tree and docs/protocol.md all derive from these few classes, so they
cannot disagree.
`read` takes a raw value, or one already read, and returns the checked value; it raises TypeError for the wrong
type and ValueError for the wrong range, with a text that reads on after "start: ".
"""

from __future__ import annotations

import contextlib
import math
import re
import struct
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daw_protocol.errors import readable
from daw_protocol.json_text import json_reason, json_value
from daw_protocol.timeline.written_number import plain, with_points

Schema = dict[str, Any]

CONTROL_CHARACTERS = {chr(n) for n in range(32)} - {"\n", "\t"}
_ANY_CONTROL_CHARACTER = re.compile(f"[{''.join(sorted(CONTROL_CHARACTERS))}]")
_ANY_SURROGATE = re.compile("[\ud800-\udfff]")


class Kind(ABC):
    """One kind of value. `osc` lists the OSC type tags it accepts, for the documentation."""

    osc: str = "s"

    @abstractmethod
    def read(self, value: Any) -> Any:
        """The checked value of a raw value, or of one already read."""

    def write(self, value: Any) -> Any:
        """The JSON form; `read(write(v)) == v`."""
        return value

    @abstractmethod
    def schema(self) -> Schema:
        """The JSON Schema of its JSON form."""

    @abstractmethod
    def describe(self) -> str:
        """What it accepts, in a few words, for docs/protocol.md."""


@dataclass(frozen=True)
class Text(Kind):
    """A line or block of text."""

    max_length: int = 2000
    min_length: int = 0

    def read(self, value: Any) -> str:
        if isinstance(value, float) and value.is_integer():
            value = exact_whole(value)  # an id from a surface that sends every number as a float
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise TypeError(f"must be text, got {shown(value)}")
        text = self._cleaned(str(value))
        if not self.min_length <= len(text) <= self.max_length:
            raise ValueError(
                f"must be {self.min_length} to {self.max_length} characters long, got {len(text)}"
            )
        check_unicode(text)
        return text

    def _cleaned(self, text: str) -> str:
        """Raises ValueError for characters that have no place in it."""
        # Lyrics pasted on Windows or an old Mac come with other line endings.
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if _ANY_CONTROL_CHARACTER.search(text):
            raise ValueError("must not contain control characters")
        return text

    def schema(self) -> Schema:
        return {"type": "string", "minLength": self.min_length, "maxLength": self.max_length}

    def describe(self) -> str:
        return f"text, at most {self.max_length} characters"


@dataclass(frozen=True)
class FileName(Text):
    """The name of a file, letter by letter: a disk may have any character in it but NUL.

    Titles, errors and lines of a log that quote it have another character for what no terminal should get.
    """

    def _cleaned(self, text: str) -> str:
        if "\0" in text:
            raise ValueError("must not contain a NUL character, which no file's name has")
        return text


def check_unicode(text: str) -> None:
    """Raises ValueError for bytes in another encoding, which arrive as lone surrogates; JSON can carry one as well,
    half a UTF-16 pair."""
    if _ANY_SURROGATE.search(text):
        raise ValueError(f"is not valid Unicode, got {shown(text)}; text must be UTF-8")


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number."""

    low: int
    high: int
    osc: str = "i"

    def read(self, value: Any) -> int:
        number = number_in(value) if isinstance(value, str) else value
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise TypeError(f"must be a whole number, got {shown(value)}")
        if isinstance(value, str) and isinstance(number, float) and math.isinf(number):  # too many digits
            raise ValueError(f"must be {self.low} to {self.high}, got {shown(value)}")
        if isinstance(number, float) and not number.is_integer():  # neither nan nor inf is an integer
            raise TypeError(f"must be a whole number, got {quoted(value, number)}")
        if not self.low <= number <= self.high:
            raise ValueError(f"must be {self.low} to {self.high}, got {shown(int(number))}")
        return int(number)

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}

    def describe(self) -> str:
        return f"whole number, {self.low} to {self.high}"


@dataclass(frozen=True)
class Real(Kind):
    """A finite number."""

    low: float
    high: float
    osc: str = "f"

    def read(self, value: Any) -> float:
        number = number_in(value) if isinstance(value, str) else value
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise TypeError(f"must be a number, got {shown(value)}")
        # Compared before float(): a huge int overflows a float, and nan fails both comparisons.
        if not self.low <= number <= self.high:
            raise ValueError(f"must be {self.low:g} to {self.high:g}, got {quoted(value, number)}")
        return float(number)

    def schema(self) -> Schema:
        return {"type": "number", "minimum": self.low, "maximum": self.high}

    def describe(self) -> str:
        return f"number, {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Flag(Kind):
    """Yes or no: OSC's T and F, 1 and 0, or words such as "on" and "off"."""

    osc: str = "T F i"

    def read(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and plain(value).strip().lower() in YES_WORDS | NO_WORDS:
            return plain(value).strip().lower() in YES_WORDS
        number = number_in(value) if isinstance(value, str) else value
        if isinstance(number, (int, float)) and number in (0, 1):
            return bool(number)
        raise TypeError(f"must be true or false (or 1 or 0), got {quoted(value, number)}")

    def schema(self) -> Schema:
        return {"type": "boolean"}

    def describe(self) -> str:
        return "true or false (1 or 0)"


YES_WORDS = {"true", "yes", "on", "1"}
NO_WORDS = {"false", "no", "off", "0"}


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError(f"must be one of {', '.join(self.words)}, got {shown(value)}")
        word = plain(value).strip().lower()
        if word not in self.words:
            raise ValueError(f"must be one of {', '.join(self.words)}, got {shown(value)}")
        return word

    def schema(self) -> Schema:
        return {"type": "string", "enum": list(self.words)}

    def describe(self) -> str:
        return "one of " + ", ".join(f"`{word}`" for word in self.words)


@dataclass(frozen=True)
class Names(Kind):
    """Several names: a JSON list, or one comma-separated text ("vocals,drums")."""

    max_count: int = 16

    def read(self, value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            value = [part for part in texts_in(plain(value)) if not isinstance(part, str) or part.strip()]
        if not isinstance(value, (list, tuple)) or not all(isinstance(part, str) for part in value):
            raise TypeError(f"must be a list of names, got {shown(value)}")
        names = tuple(Text(64, 1).read(plain(part).strip().lower()) for part in value)
        if any("," in name for name in names):
            raise ValueError("must not contain commas inside a name")
        if len(names) > self.max_count:
            raise ValueError(f"must be at most {self.max_count} names, got {len(names)}")
        if len(set(names)) != len(names):
            raise ValueError(f"must not repeat a name, got {', '.join(names)}")
        return names

    def write(self, value: Any) -> Any:
        return list(value)

    def schema(self) -> Schema:
        return {
            "type": ["array", "string"],
            "items": {"type": "string"},
            "maxItems": self.max_count,
            "uniqueItems": True,
        }

    def describe(self) -> str:
        return "names, separated by commas (or a JSON list)"


def is_plain(text: str) -> bool:
    """Whether a text may stand in a list that OSC, which has none, carries as texts between commas."""
    return bool(text) and "," not in text and not text.startswith("[")


def texts_in(value: str) -> list[Any]:
    """The texts of a list that was sent as one: a JSON array, or texts between commas."""
    if value.startswith("["):
        with contextlib.suppress(ValueError, RecursionError):
            found = json_value(value)
            if isinstance(found, list):
                return found
    return value.split(",") if value else []


@dataclass(frozen=True)
class Texts(Kind):
    """A list of sentences."""

    max_count: int = 100

    def read(self, value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            value = texts_in(value)
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"must be a list of texts, got {shown(value)}")
        if len(value) > self.max_count:
            raise ValueError(f"must be at most {self.max_count} texts, got {len(value)}")
        return tuple(Text().read(entry) for entry in value)

    def write(self, value: Any) -> Any:
        return list(value)

    def schema(self) -> Schema:
        return {"type": "array", "items": {"type": "string"}, "maxItems": self.max_count}

    def describe(self) -> str:
        return "list of texts"


@dataclass(frozen=True)
class Switches(Kind):
    """An engine's own options, as a JSON object of plain values."""

    max_count: int = 32

    def read(self, value: Any) -> dict[str, Any]:
        found = object_in(value)
        if len(found) > self.max_count:
            raise ValueError(f"must have at most {self.max_count} entries, got {len(found)}")
        return {Text(64, 1).read(name): self._switch(name, entry) for name, entry in found.items()}

    def _switch(self, name: str, entry: Any) -> Any:
        if not isinstance(entry, (str, int, float, bool)):
            raise TypeError(f"{shown(name)} must be a plain value, got {shown(entry)}")
        if isinstance(entry, str):
            return FileName().read(entry)  # which some options name; the engine knows which
        if isinstance(entry, int) and entry.bit_length() > 64:
            raise ValueError(f"{shown(name)} is too large, got {shown(entry)}")
        if isinstance(entry, float) and not math.isfinite(entry):
            raise ValueError(f"{shown(name)} must be finite, got {shown(entry)}")
        return entry

    def schema(self) -> Schema:
        return {
            "type": "object",
            "maxProperties": self.max_count,
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        }

    def describe(self) -> str:
        return "object of the engine's own options"


def object_in(value: Any) -> Mapping[str, Any]:
    """A JSON object, or its text (OSC has no objects)."""
    if isinstance(value, str):
        try:
            value = json_value(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"is not valid JSON: {json_reason(error)}") from error
    if not isinstance(value, Mapping):
        raise TypeError(f"must be an object, got {shown(value)}")
    return value


def exact_whole(value: float) -> int:
    """A whole float as an integer. Raises ValueError where neighbouring integers would arrive as the same float.

    32-bit floats hold every integer up to 2**24, 64-bit ones up to 2**53; which of them was sent is not known here.
    """
    number = int(value)
    if abs(number) > 2**53 or (abs(number) > 2**24 and fits_float32(value)):
        raise ValueError(
            f"a float this large may have been rounded; send an integer or text, got {shown(number)}"
        )
    return number


def fits_float32(value: float) -> bool:
    """Whether a 32-bit float holds it exactly."""
    try:
        return bool(struct.unpack("f", struct.pack("f", value))[0] == value)
    except OverflowError:
        return False


def number_in(text: str) -> int | float | str:
    """The number in a text, or the text itself: a script may send everything as strings.

    Infinity for thousands of digits and for "1e400". Raises ValueError for a comma that may separate decimals or
    thousands.
    """
    if "_" in text:  # Python's own separator of digits
        return text
    written = with_points(text)
    for spell in (int, float):
        try:
            return spell(written)
        except ValueError:
            continue
    return text


def quoted(value: Any, number: Any) -> str:
    """What was sent, as an error message quotes it: the number that was read of it, or the text no float can hold."""
    return shown(value if isinstance(number, float) and not math.isfinite(number) else number)


def digits_of(number: int) -> int:
    """How many decimal digits a whole number has."""
    size = abs(number)
    count = int(max(size.bit_length() - 1, 0) * math.log10(2)) + 1  # or one more; Python writes no such text
    return count + 1 if size >= 10**count else count


_WORDS = {
    "True": "true",
    "False": "false",
    "None": "null",
    "inf": "infinity",
    "-inf": "-infinity",
    "nan": "NaN",
}
"""What programs call values that Python calls otherwise."""


def shown(value: Any) -> str:
    """The value as an error message quotes it, always short."""
    # repr() of a huge int raises in Python >= 3.11 (int_max_str_digits), and a deep list may recurse.
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 128:
        return f"a number of {digits_of(value)} digits"
    if value is None or isinstance(value, (bool, float)):
        return _WORDS.get(repr(value), repr(value))
    if isinstance(value, (list, tuple, dict)):
        return f"a {'list' if isinstance(value, (list, tuple)) else 'table'} of {len(value)}"
    text = repr(readable(value) if isinstance(value, str) else value)
    return text if len(text) <= 80 else text[:77] + "..."
