"""A checkpoint by its name."""

from dataclasses import dataclass

import pytest

from model.errors import CannotRender
from model.named_checkpoint import named_checkpoint


@dataclass(frozen=True)
class Checkpoint:
    name: str


FOUND = (Checkpoint("small"), Checkpoint("large"))


def test_the_one_with_the_name_and_the_first_without():
    assert named_checkpoint(FOUND, "large") is FOUND[1]
    assert named_checkpoint(FOUND, "") is FOUND[0]


def test_another_name_shows_those_there_are():
    with pytest.raises(CannotRender, match="'larg'") as refused:
        named_checkpoint(FOUND, "larg")
    assert refused.value.remedy == "Available: small, large."
