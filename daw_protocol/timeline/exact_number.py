"""Exact numbers: how quantities are read, bounded and written as text without loss.

Knows fractions and decimals, not music, samples or hosts.
"""

from __future__ import annotations

import math
import re
import struct
from fractions import Fraction

from daw_protocol.timeline.written_number import with_points

# Coordinates have denominators of at most this many bits. Sums of durations such as 60/127.3 multiply their
# denominators: after about ten odd tempos they exceed this, after a thousand each conversion would take
# milliseconds. See `bounded`.
MAX_DENOMINATOR_BITS = 128
_GRID = 1 << 96

# Room for every exact position a tempo map can return, but still a limit: the text comes from clients.
_TEXT_LIMIT = 1000
# Below the largest float32 with room to round up; nothing musical is larger.
_FLOAT32_LIMIT = 1e38

_FRACTION = re.compile(r"[+-]?\d+(/\d+)?", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)


def exact(field: str, value: object) -> Fraction:
    """`value` as a Fraction, if it is exact already (int or Fraction).

    Raises TypeError for floats and everything else; use `exact_decimal` where floats may come in.
    """
    if type(value) is Fraction:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, Fraction)):
        raise TypeError(f"{field} must be an int or a Fraction, got {value!r}")
    return Fraction(value)


def exact_decimal(field: str, value: object) -> Fraction:
    """`value` as a Fraction; a float counts as the shortest decimal that prints it, so 127.3 is 1273/10.

    Tiny floats such as 1e-38 are rounded to multiples of 2**-96. Text may be "3", "-2.5" or "7/2". Raises TypeError
    for other types, ValueError for NaN, infinity and text that is not a number.
    """
    if isinstance(value, str):
        return from_text(field, value)
    if not isinstance(value, float):
        return exact(field, value)
    if not math.isfinite(value):
        raise ValueError(f"{field} must be a finite number, got {value!r}")
    return bounded(Fraction(repr(value)))


def decimal_of_float32(value: float) -> Fraction:
    """The decimal behind a 32-bit float, as OSC sends them: 127.30000305175781 was typed as 127.3, so it is 1273/10.

    That is the shortest decimal that rounds to this float32. Other floats are converted by `exact_decimal`.
    Raises ValueError for NaN and infinity.
    """
    if abs(value) < _FLOAT32_LIMIT:
        for digits in range(1, 10):
            text = f"{value:.{digits}g}"
            if struct.unpack("f", struct.pack("f", float(text)))[0] == value:
                return bounded(Fraction(text))
    return exact_decimal("value", value)


def from_text(field: str, text: str) -> Fraction:
    """The number written as "3", "-2.5" or "7/2", exactly.

    Raises ValueError for anything else, a zero denominator and texts over 1,000 characters.
    """
    if len(text) > _TEXT_LIMIT:
        raise ValueError(f"{field} has {len(text)} characters; the limit for a number is {_TEXT_LIMIT}")
    stripped = with_points(text.strip())
    if not (_FRACTION.fullmatch(stripped) or _DECIMAL.fullmatch(stripped)):
        raise ValueError(f'{field} must be a number such as "3", "2.5" or "7/2", got {text[:40]!r}')
    try:
        return Fraction(stripped)
    except ZeroDivisionError:
        raise ValueError(f"{field} divides by zero: {text!r}") from None


def to_text(value: Fraction) -> str:
    """The inverse of `from_text`: "3", a finite decimal such as "2.5", else "1/3"."""
    places = _decimal_places(value.denominator)
    if places is None:
        return f"{value.numerator}/{value.denominator}"
    if places == 0:
        return str(value.numerator)
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def _decimal_places(denominator: int) -> int | None:
    """Decimal places that write 1/denominator exactly; None if it never ends, or only after 12 places."""
    for places in range(13):
        if 10**places % denominator == 0:
            return places
    return None


def bounded(value: Fraction) -> Fraction:
    """`value`, or the nearest multiple of 2**-96 if its denominator exceeds 128 bits.

    Ordinary values pass unchanged. The others move by less than 1e-28; ten thousand such errors stay below 1e-24,
    eighteen orders of magnitude below one sample at 192 kHz.
    """
    if value.denominator.bit_length() <= MAX_DENOMINATOR_BITS:
        return value
    return Fraction(round(value * _GRID), _GRID)


def check_range(field: str, value: Fraction, low: Fraction | int, high: Fraction | int) -> None:
    """Raises ValueError naming the field and its range unless low <= value <= high."""
    if not low <= value <= high:
        raise ValueError(f"{field} must be between {low} and {high}, got {_brief(value)}")


def check_coordinate(field: str, value: Fraction, low: Fraction | int, high: Fraction | int) -> None:
    """As `check_range`, for a number that a map stores, which must also be coarse enough to compute with."""
    check_range(field, value, low, high)
    if value.denominator.bit_length() > MAX_DENOMINATOR_BITS:
        raise ValueError(f"{field} is too fine: its denominator exceeds {MAX_DENOMINATOR_BITS} bits")


def _brief(value: Fraction) -> str:
    text = to_text(value)
    return text if len(text) <= 40 else text[:37] + "..."


def check_int(field: str, value: object, low: int, high: int) -> None:
    """Raises TypeError unless `value` is an int (and not a bool), ValueError unless low <= value <= high."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{field} must be a whole number, got {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{field} must be between {low} and {high}, got {value}")


def check_rate(rate: object) -> None:
    """Raises TypeError or ValueError unless `rate` is a sampling rate in Hz, 1 to 1e9.

    The upper limit is not an audio rate: at 1e9 "samples" are nanoseconds, which midi_map.py uses.
    """
    check_int("rate", rate, 1, 1_000_000_000)


def nearest_sample(seconds: Fraction, rate: int) -> int:
    """The sample nearest to a time in seconds; ties go to the later sample."""
    check_rate(rate)
    return math.floor(seconds * rate + Fraction(1, 2))
