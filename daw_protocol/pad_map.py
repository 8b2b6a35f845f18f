"""The MIDI map of a control surface: which pad, pedal, fader or program change sends which message.

One binding per line: the control, then the message as typed for oscsend, without the types:

    # control              message
    note 36                /bridge/repaint takes 2
    note 37 ch 10          /bridge/takes/choose $take
    cc 64                  /bridge/cancel $job
    cc 7                   /bridge/repaint strength $value(0..1)
    program 3              /bridge/status

`$take` is the take now playing or else the latest one, `$job` the latest job requested, `$value` the controller's
value or the note's velocity: 0 to 127, or scaled to the range in brackets. A control change without `$value` is a
pedal: it sends when pressed. Pure; bridge_server/endpoints/midi/control.py receives the MIDI.
"""

from __future__ import annotations

import enum
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.osc_form import request_from_osc
from daw_protocol.requests import Request

MAX_LINES = 2000
# MIDI 1.0: a switch is off at 0 to 63 and on at 64 to 127.
PRESSED = 64

_VALUE = re.compile(r"\$value(?:\((-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)\))?", re.ASCII)
_WORDS = re.compile(r"\$(take|job)\b", re.ASCII)


class Control(enum.Enum):
    """The kinds of control; the value is the word in the file."""

    NOTE = "note"  # a pad or key; sends when struck
    CC = "cc"  # a control change: a pedal or switch, or a fader when the message has $value
    PROGRAM = "program"  # a program change: a foot controller's buttons, mostly


@dataclass(frozen=True)
class Touch:
    """One message from the control surface. number: 0 to 127; channel: 1 to 16; value: 0 to 127."""

    control: Control
    number: int
    channel: int
    value: int = 127

    def __str__(self) -> str:
        return f"{self.control.value} {self.number} ch {self.channel}"


@dataclass(frozen=True)
class Binding:
    """One line of the file. channel: None = all channels."""

    control: Control
    number: int
    channel: int | None
    address: str
    words: tuple[str, ...]
    line: int

    @property
    def continuous(self) -> bool:
        """Whether every movement sends, not just a press."""
        return any(_VALUE.search(word) for word in self.words)

    def meant_by(self, touch: Touch) -> bool:
        return (touch.control, touch.number) == (self.control, self.number) and self.channel in (
            None,
            touch.channel,
        )

    def request(self, value: int, known: Mapping[str, str]) -> Request:
        """The request it sends. known: the values of `$take` and `$job`. Raises ProtocolError."""
        words = [_filled(word, value, known) for word in self.words]
        return request_from_osc(self.address, words)[1]


def _filled(word: str, value: int, known: Mapping[str, str]) -> str:
    def scaled(found: re.Match[str]) -> str:
        if found[1] is None:
            return str(value)
        low, high = float(found[1]), float(found[2])
        return f"{low + (high - low) * value / 127:.6g}"

    def remembered(found: re.Match[str]) -> str:
        if found[1] not in known:
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                f"${found[1]}: there is no {found[1]} yet.",
                "Start a render first, with another pad or from the DAW.",
                found[1],
            )
        return known[found[1]]

    return _WORDS.sub(remembered, _VALUE.sub(scaled, word))


class Pads:
    """The bindings, and the pedals that are down."""

    def __init__(self, bindings: tuple[Binding, ...]) -> None:
        self._bindings = bindings
        self._down: set[tuple[int, int]] = set()

    def sent_by(self, touch: Touch) -> list[Binding]:
        """The bindings this touch triggers, in the order of the file."""
        pressed = self._pressed(touch)
        return [
            binding
            for binding in self._bindings
            if binding.meant_by(touch)
            and (pressed or (binding.continuous and touch.control is not Control.NOTE))
        ]

    def _pressed(self, touch: Touch) -> bool:
        if touch.control is not Control.CC:
            return touch.value > 0  # note-on with velocity 0 is a note-off
        key = (touch.channel, touch.number)
        was_down = key in self._down
        (self._down.add if touch.value >= PRESSED else self._down.discard)(key)
        return touch.value >= PRESSED and not was_down


def read_pad_map(text: str, name: str = "the MIDI map") -> tuple[Binding, ...]:
    """The bindings in a file's text. name: the file's name, for errors. Raises ProtocolError that names the line."""
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise ProtocolError(
            ErrorCode.TOO_LARGE,
            f"{name} has {len(lines)} lines, more than the limit of {MAX_LINES}.",
            f"Shorten it to {MAX_LINES} lines.",
        )
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                found.append(_binding(line, number))
            except ProtocolError as error:
                raise ProtocolError(
                    error.code, f"In line {number} of {name}: {error.sentence}", error.remedy, error.field
                ) from error
    return tuple(found)


FORM = "Write a line such as: note 36 ch 10   /bridge/repaint takes 2"


def _binding(line: str, number: int) -> Binding:
    control_part, slash, message = line.partition("/")
    control, which, channel = _control(control_part.split())
    if not slash:
        raise _bad("there is no message after the control")
    lexer = shlex.shlex(f"/{message}", posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""  # the "#" of "F# minor" starts no comment
    try:
        address, *words = list(lexer)
    except ValueError as error:  # an unclosed quotation mark
        raise _bad(str(error).lower().rstrip(".")) from error
    binding = Binding(control, which, channel, address, tuple(words), number)
    binding.request(127, {"take": "TAKE", "job": "JOB"})  # fail now, not on stage
    binding.request(0, {"take": "TAKE", "job": "JOB"})
    return binding


def _control(words: list[str]) -> tuple[Control, int, int | None]:
    kinds = {entry.value: entry for entry in Control}
    if len(words) not in (2, 4) or words[0].lower() not in kinds or (len(words) == 4 and words[2] != "ch"):
        raise _bad(f"{' '.join(words)[:60]!r} is not a control")
    channel = _number(words[3], 1, 16, "channel") if len(words) == 4 else None
    return kinds[words[0].lower()], _number(words[1], 0, 127, words[0].lower()), channel


def _number(word: str, low: int, high: int, what: str) -> int:
    if not (word.isascii() and word.isdigit() and low <= int(word[:4]) <= high):
        raise _bad(f"{what} must be {low} to {high}, got {word[:20]!r}")
    return int(word)


def _bad(sentence: str) -> ProtocolError:
    return ProtocolError(ErrorCode.BAD_MESSAGE, f"{sentence}.", FORM)
