"""What can be typed behind `takebridge analyse`."""

from __future__ import annotations

import argparse

import pytest

from bridge_server.cli.analyse_parser import add_analyse, edits_of
from daw_protocol.addresses import BY_NAME


def parsed(*words):
    parser = argparse.ArgumentParser()
    add_analyse(parser.add_subparsers(), BY_NAME["analyse"])
    return parser.parse_args(["analyse", "song.wav", *words])


@pytest.mark.parametrize(
    ("words", "edits"),
    [
        ((), {}),
        (("--double",), {"times": "2"}),
        (("--halve",), {"times": "0.5"}),
        (("--shift", "-1", "--bar-one", "0.31s"), {"shift": "-1", "bar_one": "0.31s"}),
        (
            ("--bpm", "97.5", "--meter", "3/4", "--key", "D minor"),
            {"bpm": "97.5", "meter": "3/4", "key": "D minor"},
        ),
        (("--taps", "1, 1.5"), {"taps": "1, 1.5"}),
    ],
)
def test_edits(words, edits):
    assert edits_of(parsed(*words)) == edits


def test_double_and_halve_exclude_each_other(capsys):
    with pytest.raises(SystemExit):
        parsed("--double", "--halve")
    assert "not allowed" in capsys.readouterr().err


def test_what_is_read_kept_and_written():
    found = parsed("--accept", "--kept", "--midi", "out.mid", "--tempo-map", "in.mid")
    assert (found.accept, found.kept, found.forget) == (True, True, False)
    assert (str(found.midi), str(found.tempo_map)) == ("out.mid", "in.mid")
