"""Suggestions for misspelt words: the right ones, and cheaply."""

import time
import uuid

import pytest

from daw_protocol.addresses import BY_ADDRESS, BY_NAME
from daw_protocol.spelling import nearest

ADDRESSES = tuple(BY_ADDRESS)

CLOSE = [
    ("/bridge/repiant", "/bridge/repaint"),
    ("/bridge/Repaint", "/bridge/repaint"),
    ("/bridge/takes/chose", "/bridge/takes/choose"),
    ("bridge/status", "/bridge/status"),
    ("/bridge/temop", "/bridge/tempo"),
]


@pytest.mark.parametrize(("typed", "meant"), CLOSE)
def test_close(typed, meant):
    assert nearest(typed, ADDRESSES) == meant


def test_each_word_with_a_letter_missing_finds_itself():
    names = tuple(BY_NAME)
    for name in names:
        typed = name[:-2] + name[-1]
        assert nearest(typed, names) in (name, typed if typed in names else name)


@pytest.mark.parametrize("typed", ["", "/", "x", "日本", "/x" * 5000, "\udcdf"])
def test_nothing_close(typed):
    assert nearest(typed, ADDRESSES) is None


def test_nothing_known():
    assert nearest("a", ()) is None


def test_a_flood_of_different_ones_is_cheap():
    """difflib on every address takes 2 ms each; this is the time for 500, none of which came before."""
    typed = [f"/bridge/repain{uuid.uuid4().hex[:9]}" for _ in range(500)]
    began = time.process_time()
    for one in typed:
        nearest(one, ADDRESSES)
    assert time.process_time() - began < 0.4
