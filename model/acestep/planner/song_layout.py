"""Lays a planned song's lyrics out on its bars: the sections their tags begin, and a time for every line.

The planner writes no times. This is a layout by the number of lines, as an arranger would sketch it; where a line is
really sung the render decides. Pure; times are seconds from the first sample of the region.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from model.blueprint import LyricLine, Section

_TAG = re.compile(r"\s*\[([^\[\]]{1,80})\]\s*")
_UNTAGGED = "verse"
_LINES_OF_A_TAG = 4  # a section without lines, such as an intro or a solo, is as long as one of four lines
_PHRASES = (4, 2, 1)  # bars that a section's length is a multiple of: the longest that gives each section one


@dataclass(frozen=True)
class LyricPart:
    """Lines [first, end) of the lyrics that belong to one tag. sung: how many of them have words."""

    name: str
    first: int
    end: int
    sung: int


def parts_of(lines: Sequence[str]) -> tuple[LyricPart, ...]:
    """The tagged parts of lyrics. Words before the first tag are a verse; blank lines before it belong to it."""
    begins = [(index, tag[1].strip().lower()) for index, line in enumerate(lines) if (tag := _tag(line))]
    first = begins[0][0] if begins else len(lines)
    if any(line.strip() for line in lines[:first]):
        begins.insert(0, (0, _UNTAGGED))
    ends = [*(index for index, _ in begins[1:]), len(lines)][: len(begins)]
    return tuple(
        LyricPart(name, start, end, sum(bool(line.strip()) and not _tag(line) for line in lines[start:end]))
        for (start, name), end in zip(begins, ends, strict=True)
    )


def _tag(line: str) -> re.Match[str] | None:
    return _TAG.fullmatch(line)


def laid_out(
    lyrics: str, bar_lines: Sequence[float], seconds: float
) -> tuple[tuple[Section, ...], tuple[LyricLine, ...]]:
    """Sections and timed lines over the bars of a song.

    bar_lines: the first of each bar inside the song, ascending. Lines have no times where there are more sections than
    bars; blank lines and tags never have any.
    """
    lines = lyrics.split("\n") if lyrics else []
    parts = parts_of(lines)
    starts = _starts(parts, bar_lines)
    if starts is None:
        return (), tuple(LyricLine(line) for line in lines)
    edges = [*starts, seconds]
    sections = []
    timed = [LyricLine(line) for line in lines]
    for part, start, end in zip(parts, edges[:-1], edges[1:], strict=True):
        sections.append(Section(part.name, start, end))
        sung = [
            index for index in range(part.first, part.end) if lines[index].strip() and not _tag(lines[index])
        ]
        step = (end - start) / max(len(sung), 1)
        for number, index in enumerate(sung):
            timed[index] = LyricLine(lines[index], start + number * step, start + (number + 1) * step)
    return tuple(sections), tuple(timed)


def _starts(parts: Sequence[LyricPart], bar_lines: Sequence[float]) -> list[float] | None:
    """Seconds at which the parts begin; None without parts, or with more of them than bars."""
    bars = len(bar_lines)
    if not parts or len(parts) > bars:
        return None
    phrase = next(size for size in _PHRASES if bars >= size * len(parts))
    weights = [part.sung or _LINES_OF_A_TAG for part in parts]
    lengths = _shares(weights, bars // phrase)
    begins = [0]
    for length in lengths[:-1]:
        begins.append(begins[-1] + length * phrase)
    return [bar_lines[bar] for bar in begins]


def _shares(weights: Sequence[int], whole: int) -> list[int]:
    """`whole` divided by the weights: whole numbers, each at least 1, the largest remainders rounded up."""
    free = whole - len(weights)
    ideal = [free * weight / sum(weights) for weight in weights]
    shares = [1 + int(one) for one in ideal]
    order = sorted(range(len(weights)), key=lambda index: int(ideal[index]) - ideal[index])
    for index in order[: whole - sum(shares)]:
        shares[index] += 1
    return shares
