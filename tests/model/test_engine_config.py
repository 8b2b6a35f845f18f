"""Start options of engines become their own config, or a sentence that says what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from model.engine_config import config_from
from model.errors import NotLoaded


@dataclass(frozen=True)
class Config:
    folder: str = ""
    voices: int = 8
    memory_gb: float = 0.0
    fast: bool = False

    def __post_init__(self) -> None:
        if self.voices < 1:
            raise ValueError(f"voices must be 1 or more, got {self.voices}")


class Engine:
    config_type = Config


class Plain:
    """An engine without options."""


def test_options_become_the_engines_own_config():
    assert config_from(Engine, {}) == Config()
    given = {"folder": "models", "voices": 3, "memory_gb": 5.5, "fast": True}
    assert config_from(Engine, given) == Config("models", 3, 5.5, True)
    assert config_from(Plain, {}) is None


@pytest.mark.parametrize("fast", ["on", "True", "yes"])
def test_text_of_a_command_line_is_read_by_kind(fast):
    given = {"folder": "7", "voices": "3", "memory_gb": "5.5", "fast": fast}
    assert config_from(Engine, given) == Config("7", 3, 5.5, True)
    assert config_from(Engine, {"memory_gb": 4, "fast": "off"}) == Config(memory_gb=4.0)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"voice": 3}, "no start option called 'voice'"),
        ({"voices": "many"}, "voices must be a whole number, got 'many'"),
        ({"voices": 2.5}, "voices must be a whole number"),
        ({"voices": True}, "voices must be a whole number"),
        ({"memory_gb": "nan"}, "memory_gb must be a number"),
        ({"fast": "perhaps"}, "fast must be on or off"),
        ({"folder": 3}, "folder must be text"),
        ({"voices": 0}, "voices must be 1 or more"),
    ],
)
def test_what_is_wrong_is_named_with_a_remedy(given, word):
    with pytest.raises(NotLoaded, match=word) as caught:
        config_from(Engine, given)
    assert caught.value.remedy


def test_an_engine_without_options_refuses_every_one():
    with pytest.raises(NotLoaded, match="no start option called 'folder'"):
        config_from(Plain, {"folder": "models"})
