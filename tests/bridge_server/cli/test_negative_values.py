"""Values with a minus sign on the command line."""

from pathlib import Path

import pytest

from bridge_server.cli.negative_values import joined
from bridge_server.cli.parser import parser

VALUES = ["-2s", "-1|1|0", "-96000", "-64b", "-2,5s", "-.5s", "-0:02", "-250ms", "-1", "-3/2b", "-2 s"]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("option", ["start", "end", "source-position", "seed", "bpm"])
def test_an_option_takes_a_negative_value(option, value):
    words = ["repaint", "song.wav", f"--{option}", value, "--bpm", "120", "--json"]
    arguments = parser(Path(), Path(), Path()).parse_args(words)
    if option != "bpm":
        assert getattr(arguments, option.replace("-", "_")) == value
    assert (arguments.bpm, arguments.json) == ("120", True)


def test_the_other_commands_too():
    arguments = parser(Path(), Path(), Path()).parse_args(["audition", "play", "t1", "--start", "-2s"])
    assert arguments.start == "-2s"


@pytest.mark.parametrize("name", ["-rf.wav", "--json.wav", "-.flac"])
def test_a_file_that_begins_with_a_hyphen_is_explained(name, capsys):
    with pytest.raises(SystemExit):
        parser(Path(), Path(), Path()).parse_args(["repaint", name, "--bars", "5"])
    assert f'if "{name}" is a file, write "./{name}"' in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--start=1.5"], ["-o"], ["--nonesuch"]])
def test_other_errors_name_no_file(words, capsys):
    with pytest.raises(SystemExit):
        parser(Path(), Path(), Path()).parse_args(["repaint", *words])
    assert "is a file" not in capsys.readouterr().err


def test_options_stay_options():
    words = ["repaint", "song.wav", "--json", "-o", "out", "--start", "--end", "5", "--", "-x"]
    assert list(joined(words)) == words
    assert list(joined(["--start=-2s", "-1"])) == ["--start=-2s", "-1"]
    assert list(joined(["--start"])) == ["--start"]


def test_errors_tell_a_terminal_nothing(capsys):
    with pytest.raises(SystemExit):
        parser(Path(), Path(), Path()).parse_args(["repaint", "song.wav", "--nonesuch\x1b[2J\x9b"])
    said = capsys.readouterr().err
    assert "--nonesuch?[2J?" in said
    assert "\x1b" not in said
