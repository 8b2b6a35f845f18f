"""Damage is the same each time, stays within its bounds, and reaches every kind of change."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.changes import CHANGES, FULL, Change, Material, changed, random_input

MATERIAL = Material((b'{"a": 12, "b": [1.5, "x"]}', bytes(range(64))), (b"word",))
SHARES = (0, 1, FULL // 3, FULL // 2, FULL - 1)


@pytest.mark.parametrize("kind", range(len(CHANGES)))
def test_every_change_bears_every_input(kind):
    made = set()
    for seed in (b"", b"x", *MATERIAL.seeds):
        for where in SHARES:
            for what in SHARES:
                for much in SHARES:
                    found = changed(seed, [Change(kind, where, what, much)], MATERIAL, 5000)
                    assert len(found) <= 5000
                    made.add(found != seed)
    assert True in made, "it changes nothing"


def test_an_input_is_named_by_its_seed():
    first, again, other = (random_input(random.Random(seed), MATERIAL, 4096) for seed in ("a", "a", "b"))
    assert first == again
    assert first != other


def test_inputs_differ_and_some_are_valid():
    draw = random.Random(1)
    made = [random_input(draw, MATERIAL, 4096) for _ in range(3000)]
    assert len(set(made)) > 1500
    assert any(data in MATERIAL.seeds for data in made)
    assert max(map(len, made)) <= 4096
