"""Words as people type them, as the values of an OSC message, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import shown
from daw_protocol.osc_form import OscArgument

TypedValue = tuple[str, OscArgument | None]
"""An OSC type tag and its value."""

WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
DECIMAL = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+(\.\d*)?[eE][+-]?\d+)", re.ASCII)
PLAIN = re.compile(r"[\w./:,+=@%-]+", re.ASCII)

INT32 = range(-(2**31), 2**31)
INT64 = range(-(2**63), 2**63)


def _whole(values: range) -> Callable[[str], int]:
    def read(word: str) -> int:
        number = int(word)
        if number not in values:
            raise ValueError(word)
        return number

    return read


WITHOUT_A_WORD = {"T": True, "F": False, "N": None}
READ: dict[str, Callable[[str], OscArgument]] = {
    "i": _whole(INT32),
    "h": _whole(INT64),
    "f": float,
    "d": float,
    "s": str,
}
TYPES_HELP = "i (whole number), h (64-bit), f (decimal), d (64-bit), s (text); T, F and N take no word"


def guessed(words: Sequence[str]) -> list[TypedValue]:
    """The values people mean: 17 is a whole number, 0.5 a decimal, everything else (17-20, 4/4, 12.5s) a text."""
    return [_guessed(word) for word in words]


def _guessed(word: str) -> TypedValue:
    if WHOLE.fullmatch(word) and int(word) in INT64:
        number = int(word)
        return ("i" if number in INT32 else "h"), number
    if DECIMAL.fullmatch(word):
        return "f", float(word)
    return "s", word


def forced(types: str, words: Sequence[str]) -> list[TypedValue]:
    """The values with the types given, one letter each, as `oscsend` takes them. Raises ProtocolError."""
    unknown = sorted(set(types) - READ.keys() - WITHOUT_A_WORD.keys())
    if unknown:
        raise _wrong(f"{shown(unknown[0])} is no type of an OSC value.")
    wanted = sum(tag in READ for tag in types)
    if wanted != len(words):
        raise _wrong(f"--types has {wanted} values, and {len(words)} were typed.")
    waiting = iter(words)
    return [(tag, _read(tag, next(waiting)) if tag in READ else WITHOUT_A_WORD[tag]) for tag in types]


def _read(tag: str, word: str) -> OscArgument:
    try:
        return READ[tag](word)
    except (ValueError, OverflowError) as error:
        raise _wrong(f"{shown(word)} cannot be sent with the type {tag}.") from error


def _wrong(sentence: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.WRONG_TYPE, sentence, f"--types takes {TYPES_HELP}; without it types are guessed.", "types"
    )


def as_typed(address: str, arguments: Sequence[OscArgument], port: int | None = None) -> str:
    """The message as one types it, in any shell: `takebridge send /bridge/select "17|1|0" "21|1|0"`."""
    to = [] if port is None else ["--port", str(port)]
    return " ".join(["takebridge send", *to, address, *(_quoted(str(one)) for one in arguments)])


def _quoted(word: str) -> str:
    return word if PLAIN.fullmatch(word) else '"' + word.replace('"', '\\"') + '"'
