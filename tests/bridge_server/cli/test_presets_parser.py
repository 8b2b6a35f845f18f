"""What can be typed behind `takebridge presets`."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from bridge_server.cli.presets_parser import add_presets, values_of
from daw_protocol.requests import SavePreset


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_presets(parser.add_subparsers())
    return parser.parse_args(["presets", *words])


def test_what_is_typed_is_what_is_saved() -> None:
    arguments = parsed("--save", "Dark", "--task", "repaint", "--strength", "0.3", "--no-match-loudness")
    assert values_of(arguments) == {"task": "repaint", "strength": "0.3", "match_loudness": False}
    assert SavePreset.from_fields({"name": arguments.save, **values_of(arguments)}).strength == 0.3
    assert values_of(parsed()) == {}
    assert parsed("--import", "a.json").read == Path("a.json")


def test_one_thing_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--save", "x", "--delete", "y")
    assert "not allowed" in capsys.readouterr().err
