import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from bridge_server.cli.parser import parser
from daw_protocol.addresses import COMMANDS, Group
from tests.places import PROJECT


def parse(*words):
    # One folder for takes and one for models: how many folders there are is the command line's own affair.
    folders = [Path(f"folder{number}") for number in range(len(inspect.signature(parser).parameters))]
    return parser(*folders).parse_args(words)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["repant", "song.wav"],
        ["repaint"],
        ["repaint", "song.wav", "--tempo", "120"],
        ["repaint", "song.wav", "--bars"],
        ["repaint", "song.wav", "--id", "a"],
        ["serve", "--port", "many"],
        ["store"],
        ["store", "burn"],
    ],
)
def test_a_slip_ends_with_a_usage_line(words, capsys):
    with pytest.raises(SystemExit) as raised:
        parse(*words)
    assert raised.value.code == 2
    assert "usage: takebridge" in capsys.readouterr().err


RENDERS = [command for command in COMMANDS if command.group is Group.RENDER]
EVERY = [*(command.name for command in RENDERS), "serve", "jobs", "takes", "store", "demo", "doctor", "docs"]


@pytest.mark.parametrize("name", EVERY)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as raised:
        parse(name, "--help")
    assert raised.value.code == 0
    assert f"takebridge {name}" in capsys.readouterr().out


def test_the_whole_explains_itself(capsys):
    with pytest.raises(SystemExit) as raised:
        parse("--help")
    assert raised.value.code == 0
    reported = capsys.readouterr().out
    assert all(f"\n    {name}" in reported for name in EVERY)
    assert "folder0" in reported


def test_a_folder_with_a_per_cent_sign(capsys):
    folders = [Path("100%s")] * len(inspect.signature(parser).parameters)
    with pytest.raises(SystemExit) as raised:
        parser(*folders).parse_args(["--help"])
    assert raised.value.code == 0
    assert "100%s" in capsys.readouterr().out


def test_the_store_is_the_one_that_was_given_unless_named():
    assert parse("jobs").store == Path("folder0")
    assert parse("--store", "other", "jobs").store == Path("other")


def test_every_command_carries_the_function_that_runs_it():
    typed = {
        "audition": ["stop"], "takes": [], "jobs": [], "store": ["verify"], "export": ["take", "t1", "--as", "wav"],
        "models": ["list"], "midi": ["list"], "serve": [], "demo": [], "panel": [], "doctor": [], "docs": [],
    }  # fmt: skip
    found = {name: parse(name, *words).run for name, words in typed.items()}
    assert all(callable(run) for run in found.values())
    assert len(set(found.values())) == len(found), "each has its own"
    assert {
        parse("midi", *words).run for words in (["list"], ["learn", "--midi-in", "x"], ["check", "x"])
    } >= {found["midi"]}


def test_help_is_quick(tmp_path):
    """What only a command needs is imported by that command."""
    slow = ("numpy", "rich", "websockets")
    code = f"import sys, bridge_server.cli.parser; print([name for name in {slow} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
