"""What can be typed behind `takebridge ledger`."""

import argparse
from pathlib import Path

import pytest

from bridge_server.cli.ledger_parser import add_ledger


@pytest.mark.parametrize(
    ("words", "song", "files", "folder"),
    [
        (["demo"], "demo", None, None),
        (["--from-files", "out"], "", Path("out"), None),
        (["--from-files", "a", "--to", "b"], "", Path("a"), Path("b")),
    ],
)
def test_a_song_or_files(words, song, files, folder):
    parser = argparse.ArgumentParser()
    add_ledger(parser.add_subparsers())
    arguments = parser.parse_args(["ledger", *words])
    assert (arguments.song, arguments.from_files, arguments.to) == (song, files, folder)
