"""Trying tokens takes time."""

import pytest

from bridge_server.guesses import ADDRESSES, BURST, SECONDS_EACH, Guesses


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_some_mistakes_cost_nothing_and_many_cost_time(clock):
    guesses = Guesses(clock)
    for _ in range(BURST):
        assert guesses.wait("10.0.0.1") == 0
        guesses.wrong("10.0.0.1")
    assert guesses.wait("10.0.0.1") == pytest.approx(SECONDS_EACH)
    assert guesses.wait("10.0.0.2") == 0, "others are not concerned"
    clock.now += SECONDS_EACH
    assert guesses.wait("10.0.0.1") == 0
    guesses.wrong("10.0.0.1")
    assert guesses.wait("10.0.0.1") > 0
    clock.now += BURST * SECONDS_EACH
    for _ in range(BURST):
        assert guesses.wait("10.0.0.1") == 0
        guesses.wrong("10.0.0.1")


def test_a_day_is_not_enough(clock):
    guesses, tried = Guesses(clock), 0
    end = clock.now + 24 * 3600
    while clock.now < end:
        if (wait := guesses.wait("10.0.0.1")) == 0:
            guesses.wrong("10.0.0.1")
            tried += 1
        clock.now += max(wait, 0.001)
    assert tried <= 24 * 3600 / SECONDS_EACH + BURST + 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True), ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False), ("fe80::1%eth0", "fe80::2%eth0", True), ("", "x", False),
    ],
)  # fmt: skip
def test_whoever_has_one_address_may_have_many(clock, one, other, same):
    guesses = Guesses(clock)
    for _ in range(BURST):
        guesses.wrong(one)
    assert (guesses.wait(other) > 0) is same


def test_it_remembers_so_many_and_no_more(clock):
    guesses = Guesses(clock)
    for number in range(2 * ADDRESSES):
        guesses.wrong(f"10.0.{number >> 8}.{number & 255}")
    assert len(guesses._free_at) == ADDRESSES
