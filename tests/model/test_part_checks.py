"""A library's network stops before the next of its parts, and is as it was afterwards."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="networks need torch: pip install takebridge[acestep]")

import torch

from model.part_checks import checked_between_parts


class Enough(Exception):
    pass


def test_every_part_is_checked_and_none_afterwards():
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Linear(2, 2))
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked == 7:
            raise Enough

    with checked_between_parts(network, check):
        network(torch.zeros(1, 2))
        assert asked == 4
        with pytest.raises(Enough):
            network(torch.zeros(1, 2))
    network(torch.zeros(1, 2))
    assert asked == 7
