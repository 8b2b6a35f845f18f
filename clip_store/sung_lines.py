"""The lines that are sung in a take, and where, as its engine told: for its clip's markers and its LRC file."""

from __future__ import annotations

from typing import NamedTuple

from clip_store.audio.cue_points import CuePoint
from clip_store.take import Take
from daw_protocol.recipe import BlueprintRecord

GAP_SECONDS = 0.1
"""A line that ends so long before the next one is taken off the screen by an LRC file's players."""


class SungLine(NamedTuple):
    """A line. start, end: seconds from the clip's first sample."""

    text: str
    start: float
    end: float


def sung_lines(blueprint: BlueprintRecord | None, begins: float) -> tuple[SungLine, ...]:
    """The timed lines of a take. begins: of its clip, in seconds from the song's first sample."""
    if blueprint is None or not blueprint.lyrics_timed:
        return ()
    return tuple(
        SungLine(line.text.strip(), max(0.0, line.start - begins), max(0.0, line.end - begins))
        for line in blueprint.lyrics
        if line.start is not None and line.end is not None
    )


def lines_in(take: Take) -> tuple[SungLine, ...]:
    """The lines that are sung in a take's clip."""
    return sung_lines(take.recipe.blueprint, take.start_in_base / take.rate)


def cues_of(take: Take) -> tuple[CuePoint, ...]:
    """The markers of a take's clip: where each line begins."""
    points = (CuePoint(round(line.start * take.rate), line.text) for line in lines_in(take))
    return tuple(point for point in points if point.sample < take.length)


def lrc_text(lines: tuple[SungLine, ...]) -> str:
    """The lines as an LRC file, [mm:ss.xx] and the text; a time without text where nothing is sung after a line."""
    rows = []
    for line, following in zip(lines, (*lines[1:], None), strict=True):
        rows.append(f"{_stamp(line.start)}{line.text}")
        if following is None or following.start - line.end >= GAP_SECONDS:
            rows.append(_stamp(line.end))
    return "".join(f"{row}\n" for row in rows)


def _stamp(seconds: float) -> str:
    hundredths = round(seconds * 100)  # whole, so that 59.996 is not printed as 60.00
    minutes, rest = divmod(hundredths, 6000)
    return f"[{minutes:02d}:{rest // 100:02d}.{rest % 100:02d}]"
