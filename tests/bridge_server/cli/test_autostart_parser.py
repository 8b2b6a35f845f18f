"""What may be typed behind `takebridge autostart`."""

import pytest

from tests.bridge_server.cli.test_parser import parse


def test_options_of_the_server_follow_two_hyphens():
    arguments = parse("autostart", "--json", "on", "--", "--root", "a", "--lan")
    assert (arguments.action, arguments.serve, arguments.json) == ("on", ["--root", "a", "--lan"], True)
    assert parse("autostart", "off").serve == []


@pytest.mark.parametrize("words", [(), ("perhaps",), ("on", "--root", "a")])
def test_everything_else_is_refused(words):
    with pytest.raises(SystemExit):
        parse("autostart", *words)
