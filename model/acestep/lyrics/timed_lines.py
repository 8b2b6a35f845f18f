"""The times of sung lines, from an alignment of their tokens, and the checks without which no time is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from model.acestep.lyrics.alignment import (
    Check,
    Followed,
    Numbers,
    aligned,
    cheapest_path,
    energy_of,
    followed,
    frames_of,
)
from model.blueprint import LyricLine
from model.lyric_tags import is_sung

Token = tuple[int, int]
"""First character of a token in the lyrics, and the one after its last."""

NOT_CLEAR = "The lyrics have no times: the model attended to fewer than half of their lines clearly enough."
NOT_IN_ORDER = "The lyrics have no times: by the model's attention, lines begin at the same moment."
NOT_SUNG = "The lyrics have no times: there is no line to sing among them."


@dataclass(frozen=True)
class TimedWords:
    """lines: every line of the lyrics; those that are sung have times, in seconds from the window's first frame.

    notes: what the producer should know; why there are no times, where there are none. timed: whether there are.
    score: how well the render follows its lyrics (alignment.Followed).
    """

    lines: tuple[LyricLine, ...]
    timed: bool
    notes: tuple[str, ...] = ()
    score: Followed | None = None


@dataclass(frozen=True)
class _Row:
    """A line that tokens were found of. number: of the line in the lyrics. first, last: its tokens."""

    number: int
    first: int
    last: int


def timed_words(
    lyrics: str,
    tokens: Sequence[Token],
    heads: Sequence[Numbers],
    seconds: float,
    check: Check = lambda: None,
) -> TimedWords:
    """The lyrics' lines with their times.

    tokens: those the network read, in order. heads: attention probabilities, a matrix [tokens, frames] for each head;
    the frames last `seconds`.

    No times where fewer than half of the sung lines stand out in any head: most of the path would be a guess. None
    either where two of them begin at once.

    A line begins where its first token does, and ends where the next line, or tag, begins: the official program's own
    ends are those of the last token, which says nothing of how long it is held.
    """
    lines = tuple(LyricLine(text) for text in lyrics.split("\n"))
    rows = _rows(lyrics, tokens)
    sung = [row for row in rows if is_sung(lines[row.number].text)]
    if not sung:
        return TimedWords(lines, False, (NOT_SUNG,))
    found = aligned(heads, check)
    worded = np.array([bool(lyrics[begin:end].strip()) for begin, end in tokens])
    clear = sum(bool((found.stands_out & worded)[row.first : row.last + 1].any()) for row in sung)
    if 2 * clear < len(sung) or not clear:
        return TimedWords(lines, False, (NOT_CLEAR,))
    frames = frames_of(cheapest_path(-found.matrix, check))
    starts = {row.number: float(frames[row.first, 0]) for row in rows}
    if any(starts[one.number] >= starts[other.number] for one, other in pairwise(sung)):
        return TimedWords(lines, False, (NOT_IN_ORDER,))
    unit = seconds / heads[0].shape[1]
    ends = {one.number: starts[other.number] for one, other in pairwise(rows)}
    ends[rows[-1].number] = float(frames[rows[-1].last, 1]) + 1
    timed = list(lines)
    for row in sung:
        start, end = starts[row.number], max(ends[row.number], starts[row.number] + 1)
        timed[row.number] = replace(lines[row.number], start=start * unit, end=end * unit)
    score = followed(energy_of(heads), _outside_tags(lyrics, tokens), check)
    return TimedWords(tuple(timed), True, _notes(lines, len(sung), len(sung) - clear), score)


def within_region(found: TimedWords, offset: float, start: float, end: float) -> TimedWords:
    """Times with an offset added, of the lines that begin from `start` to `end`; all in seconds."""
    placed = [_placed(line, offset, start, end) for line in found.lines]
    lost = sum(
        line.start is not None and now.start is None for line, now in zip(found.lines, placed, strict=True)
    )
    notes = found.notes
    if lost:
        notes += (f"Lines outside the region have no times: {lost}.",)
    timed = found.timed and any(line.start is not None for line in placed)
    return replace(found, lines=tuple(placed), timed=timed, notes=notes)


def _placed(line: LyricLine, offset: float, start: float, end: float) -> LyricLine:
    if line.start is None or line.end is None:
        return line
    begins = line.start + offset
    if not start <= begins < end:
        return replace(line, start=None, end=None)
    return replace(line, start=round(begins, 3), end=round(min(line.end + offset, end), 3))


def _rows(lyrics: str, tokens: Sequence[Token]) -> list[_Row]:
    """A line ends with a token in which there is a line break; lines of blanks are none."""
    rows: list[_Row] = []
    first = 0
    for index, (_, end) in enumerate(tokens):
        begin = tokens[index][0]
        if "\n" not in lyrics[begin:end] and index < len(tokens) - 1:
            continue
        start = tokens[first][0]
        text = lyrics[start:end]
        if text.strip():
            number = lyrics.count("\n", 0, start + len(text) - len(text.lstrip()))
            rows.append(_Row(number, first, index))
        first = index + 1
    return rows


def _outside_tags(lyrics: str, tokens: Sequence[Token]) -> NDArray[np.bool_]:
    """Which tokens are outside of [brackets]; those with a bracket in them count as inside."""
    inside, sung = False, []
    for begin, end in tokens:
        text = lyrics[begin:end]
        inside = inside or "[" in text
        sung.append(not inside)
        if "]" in text:
            inside = False
    return np.array(sung, np.bool_)


def _notes(lines: Sequence[LyricLine], sung: int, guessed: int) -> tuple[str, ...]:
    unread = sum(is_sung(line.text) for line in lines) - sung
    notes = []
    if guessed:
        notes.append(
            f"Of {sung} timed lines, {guessed} did not stand out in the model's attention; their times are a "
            "guess between the others'."
        )
    if unread:
        notes.append(f"Lines behind the last that the model read have no times: {unread}.")
    return tuple(notes)
