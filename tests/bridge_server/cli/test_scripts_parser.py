"""What may be typed behind `takebridge scripts`."""

from pathlib import Path

import pytest

from bridge_server.daws import DAWS
from tests.bridge_server.cli.test_parser import parse


def test_every_row_of_the_table_can_be_named():
    for daw in DAWS:
        assert parse("scripts", daw.name, "--to", "x").to == Path("x")
        assert parse("scripts", daw.name, "--install", "--force").force


@pytest.mark.parametrize(
    "words", [(), ("reaper",), ("reaper", "--to", "x", "--install"), ("logic", "--to", "x")]
)
def test_what_leaves_open_where_to_is_refused(words):
    with pytest.raises(SystemExit):
        parse("scripts", *words)
