"""Chords against their bars, as lines of a terminal."""

from __future__ import annotations

from daw_protocol.timeline.chord_progression import BETWEEN_BARS, ChordProgression

BARS_A_LINE = 8


def chord_lines(text: str) -> list[str]:
    """The chords of a text as takes and analyses have it, a few bars a line; none for no text."""
    if not text:
        return []
    progression = ChordProgression.parse(text)
    bars = progression.in_bars(progression.length).split(BETWEEN_BARS)
    return [BETWEEN_BARS.join(bars[at : at + BARS_A_LINE]) for at in range(0, len(bars), BARS_A_LINE)]
