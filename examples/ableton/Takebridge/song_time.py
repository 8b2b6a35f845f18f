"""Beats, seconds and samples under one tempo, exactly: fractions in, one rounding out.

Live counts beats in quarter notes from the start of the Arrangement, as floats.
"""

import math
import struct
from fractions import Fraction

HALF = Fraction(1, 2)


def exact(value):
    """A float of Live's as a Fraction: the binary number it is, not the decimal it was typed as."""
    return Fraction(value)


def tempo_as_text(tempo):
    """The tempo as it was typed, such as "127.3", for 127.3 as well as for its 32-bit neighbour 127.30000305."""
    for digits in range(1, 10):
        text = f"{tempo:.{digits}g}"
        if "e" not in text and struct.unpack("f", struct.pack("f", float(text)))[0] == tempo:
            return text
    return repr(float(tempo))


def nearest_sample(seconds, rate):
    """The sample nearest to a time; halfway between two it is the later one (as the bridge rounds)."""
    return math.floor(seconds * rate + HALF)


class SongTime:
    """One tempo (text, in quarter notes a minute) and one sampling rate (Hz)."""

    def __init__(self, tempo, rate):
        self.tempo = tempo
        self.rate = rate
        self._seconds_per_beat = Fraction(60) / Fraction(tempo)

    def seconds_at(self, beats):
        """Exact seconds from the start of the Arrangement. beats: Fraction."""
        return beats * self._seconds_per_beat

    def sample_at(self, beats):
        """The sample nearest to a beat."""
        return nearest_sample(self.seconds_at(beats), self.rate)

    def beats_in(self, samples):
        """How many beats so many samples last, exactly."""
        return Fraction(samples, self.rate) / self._seconds_per_beat
