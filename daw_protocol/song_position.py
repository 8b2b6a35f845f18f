"""The song position that MIDI clock describes: start, stop, continue, song position, 24 clocks per quarter note. Pure.

MIDI 1.0 Detailed Specification, "System Real Time Messages" and "Song Position Pointer".
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

CLOCKS_PER_QUARTER = 24
CLOCKS_PER_SONG_POSITION = 6  # a song position counts sixteenths


@dataclass
class SongPosition:
    """clocks: position of the next clock, counted from the song's start; rolling: whether clocks move it on."""

    clocks: int = 0
    rolling: bool = False

    @property
    def quarters(self) -> Fraction:
        """Position of the next clock, in quarter notes from the song's start."""
        return Fraction(self.clocks, CLOCKS_PER_QUARTER)

    def clock(self) -> Fraction | None:
        """One clock arrived. Returns the position it marks, in quarter notes; None while the song is stopped.

        The first clock after start or continue marks the position playback starts from.
        """
        if not self.rolling:
            return None
        marked = self.quarters
        self.clocks += 1
        return marked

    def start(self) -> None:
        """Play from the song's start, with the next clock."""
        self.clocks = 0
        self.rolling = True

    def go_on(self) -> None:
        """Play from the current position (MIDI's "continue"), with the next clock."""
        self.rolling = True

    def stop(self) -> None:
        self.rolling = False

    def locate(self, sixteenths: int) -> None:
        """Go to a position, in sixteenths from the song's start."""
        self.clocks = sixteenths * CLOCKS_PER_SONG_POSITION
