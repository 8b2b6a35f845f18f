"""What is typed after `takebridge host`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge_server.cli.host_parser import CACHE_GB
from bridge_server.cli.parser import parser
from bridge_server.studio.join_string import HOST_PORT


def typed(*words: str):
    return parser(Path("store"), Path("models"), Path("here")).parse_args(["host", *words])


def test_nothing_needs_to_be_typed():
    found = typed()
    assert (found.name, found.port, found.lan, found.places, found.cache_gb) == (
        "",
        HOST_PORT,
        False,
        0,
        CACHE_GB,
    )
    assert (found.device, found.memory_gb, found.engine_option) == ("", None, [])


@pytest.mark.parametrize("words", [("--port", "99999"), ("--cache-gb", "0"), ("--places", "many")])
def test_what_makes_no_sense_is_refused(words, capsys):
    with pytest.raises(SystemExit):
        typed(*words)
    assert "takebridge host" in capsys.readouterr().err
