"""Timecode: hours, minutes, seconds and frames, at the frame rates of film and television."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from daw_protocol.timeline.exact_number import check_int, nearest_sample
from daw_protocol.timeline.tempo_map import TempoMap
from daw_protocol.timeline.written_number import plain

# The label a host shows -> the true frames per second. 23.976, 29.97 and 59.94 are roundings of n*1000/1001.
FRAME_RATES = {
    "23.976": Fraction(24000, 1001),
    "24": Fraction(24),
    "25": Fraction(25),
    "29.97": Fraction(30000, 1001),
    "30": Fraction(30),
    "48": Fraction(48),
    "50": Fraction(50),
    "59.94": Fraction(60000, 1001),
    "60": Fraction(60),
}

# Frame numbers skipped at the start of a minute, so that the labels keep up with the clock.
_DROPPED = {"29.97": 2, "59.94": 4}

_TEXT = re.compile(r"\s*(\d{1,3}):(\d{1,2}):(\d{1,2})([:;])(\d{1,3})\s*@\s*([\d.]{1,6})\s*", re.ASCII)


@dataclass(frozen=True)
class AtTimecode:
    """A frame label at one of FRAME_RATES, counted from 00:00:00:00 at the timeline's zero.

    With `drop` (29.97 and 59.94 only, written with a semicolon) each minute except every tenth skips its first frame
    numbers; those labels do not exist and are refused. Without it, labels at 29.97 fall behind the clock by 3.6
    seconds an hour, as in every host.

    For a session that starts at 01:00:00:00 the caller subtracts the start.

    Raises TypeError for wrong types, ValueError for labels that do not exist.
    """

    hours: int
    minutes: int
    seconds: int
    frame: int
    fps: str
    drop: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.fps, str):
            raise TypeError(f'fps must be text such as "29.97", got {self.fps!r}')
        if not isinstance(self.drop, bool):
            raise TypeError(f"drop must be True or False, got {self.drop!r}")
        if self.fps not in FRAME_RATES:
            raise ValueError(f"fps must be one of {', '.join(FRAME_RATES)}, got {self.fps[:40]!r}")
        check_int("hours", self.hours, 0, 99)
        check_int("minutes", self.minutes, 0, 59)
        check_int("seconds", self.seconds, 0, 59)
        check_int("frame", self.frame, 0, self._nominal - 1)
        if self.drop:
            self._check_drop()

    def _check_drop(self) -> None:
        if self.fps not in _DROPPED:
            raise ValueError(f"drop-frame exists only at {' and '.join(_DROPPED)} fps, got {self.fps}")
        if self.frame < _DROPPED[self.fps] and self.seconds == 0 and self.minutes % 10:
            raise ValueError(f"frame {self.frame} of {self} does not exist: drop-frame timecode skips it")

    @property
    def _nominal(self) -> int:
        """Frame labels per second: 30 at 29.97."""
        return round(FRAME_RATES[self.fps])

    @property
    def time(self) -> Fraction:
        """Seconds from the timeline's zero to the start of the frame, exactly."""
        minutes = 60 * self.hours + self.minutes
        frames = (60 * minutes + self.seconds) * self._nominal + self.frame
        if self.drop:
            frames -= _DROPPED[self.fps] * (minutes - minutes // 10)
        return frames / FRAME_RATES[self.fps]

    def resolve(self, tempo_map: TempoMap, rate: int) -> int:  # noqa: ARG002 - all positions answer alike
        """The nearest sample; halfway between two it is the later one."""
        return nearest_sample(self.time, rate)

    @classmethod
    def parse(cls, text: str) -> AtTimecode:
        """The timecode written "00:01:02:12@25" or, drop-frame, "00:01:02;12@29.97".

        Raises TypeError unless given text, ValueError if it is not a timecode.
        """
        if not isinstance(text, str):
            raise TypeError(f'a timecode must be text such as "00:01:02:12@25", got {text!r}')
        match = _TEXT.fullmatch(plain(text))
        if match is None:
            raise ValueError(f'a timecode must look like "00:01:02:12@25", got {text[:40]!r}')
        hours, minutes, seconds, mark, frame, fps = match.groups()
        return cls(int(hours), int(minutes), int(seconds), int(frame), fps, mark == ";")

    def __str__(self) -> str:
        """The inverse of `parse`."""
        mark = ";" if self.drop else ":"
        return f"{self.hours:02}:{self.minutes:02}:{self.seconds:02}{mark}{self.frame:02}@{self.fps}"
