from pathlib import Path

import pytest

from bridge_server.cli.parser import build_parser


@pytest.mark.parametrize(
    ("words", "song", "files"),
    [
        (["demo"], "demo", None),
        (["--from-files", "out"], "", Path("out")),
        (["--from-files", "a", "--to", "b"], "", Path("a")),
    ],
)
def test_a_song_or_files(words, song, files):
    arguments = build_parser().parse_args(["ledger", *words])
    assert (arguments.song, arguments.from_files) == (song, files)
