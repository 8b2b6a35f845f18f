"""Seeds of other tools: what is read, what is folded, and how they travel."""

import json

import pytest

from daw_protocol.fields import shown
from daw_protocol.seed import MAX_SEED, Seed, folded
from tests.daw_protocol import kinds_of_value
from tests.daw_protocol.kinds_of_value import HUGE

SEED = Seed()

READ = [
    (0, 0),
    (3698135662, 3698135662),
    ("3698135662", 3698135662),
    (str(MAX_SEED), MAX_SEED),
    (str(2**64), 2**64),
    (-5, -5),
    ("-1", -1),
    ("\N{MINUS SIGN}5", -5),
    (7.0, 7),
    ("7.0", 7),
    ("7" * 5_000, (HUGE - 1) // 9 * 7),
    ("-" + "9" * 5_000, 1 - HUGE),
    (" +" + "0" * 6_000 + "7.0", 7),
    ("\N{FULLWIDTH DIGIT SEVEN}", 7),
    (3698135662.0, 3698135662),  # a 64-bit float: no 32-bit one holds it
]


@pytest.mark.parametrize(("given", "read"), READ, ids=shown)
def test_read(given, read):
    kinds_of_value.is_read_as(SEED, given, read)


REFUSED = [
    (1.5, TypeError, "whole number"),
    (True, TypeError, "whole number"),
    ("any", TypeError, "whole number, got 'any'"),
    (float("nan"), TypeError, "whole number"),
    (float("inf"), TypeError, "whole number"),
    (3698135552.0, ValueError, "may have been rounded"),  # what a 32-bit float makes of 3698135662
    (2.0**60, ValueError, "may have been rounded"),
    (HUGE**5, ValueError, "at most 20000 digits, got a number of"),
    ("9" * 20_001, ValueError, "at most 20000 digits, got 20001"),
    ("9" * 5_000 + "x", TypeError, "whole number"),
    ("1e400", TypeError, "whole number, got '1e400'"),
    ([1], TypeError, "a list of 1"),
]


@pytest.mark.parametrize(("given", "error", "words"), REFUSED, ids=shown)
def test_refused(given, error, words):
    kinds_of_value.is_refused(SEED, given, error, words)


def test_it_keeps_its_promises():
    kinds_of_value.keeps_its_promises(SEED)


def test_large_ones_travel_as_text():
    """JavaScript reads 18446744073709551615 as 18446744073709551616."""
    for seed in (HUGE, -HUGE, HUGE - 1):  # longer than Python itself writes
        written = SEED.write(seed)
        assert SEED.read(written) == seed
        assert len(written.strip("-")) in (5_000, 5_001)
    for seed in (0, 2**53 - 1, 2**53, MAX_SEED, -(2**60)):
        written = json.loads(json.dumps(SEED.write(seed)), parse_int=float)
        assert int(written) == seed


FOLDED = [
    (0, 0, ""),
    (MAX_SEED, MAX_SEED, ""),
    (MAX_SEED + 1, 0, "folded to 0"),
    (2**64 + 5, 5, "Seed 18446744073709551621 is outside 0 to 2^64 - 1 and was folded to 5."),
    (-5, 2**64 - 5, "folded to 18446744073709551611"),
    (-1, None, "random seed"),
    (2**1000, 0, "A seed of 302 digits is outside"),
    (HUGE + 3, HUGE % 2**64 + 3, "A seed of 5001 digits is outside 0 to 2^64 - 1 and was folded to"),
]


@pytest.mark.parametrize(("seed", "used", "note"), FOLDED, ids=shown)
def test_folded(seed, used, note):
    found, said = folded(seed)
    assert found == used
    assert note in said
    assert bool(note) == bool(said)
