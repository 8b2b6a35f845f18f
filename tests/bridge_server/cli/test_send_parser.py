"""What may be typed behind `takebridge send`."""

import pytest

from bridge_server.cli.send_parser import _run_send
from tests.bridge_server.cli.test_parser import parse


@pytest.mark.parametrize(
    "values",
    [
        ["source", "song.wav", "bars", "17-20"],
        ["-6"],
        ["-2s", "1|1|0"],
        ["-1|1|0"],
        [],
    ],
)
def test_values_are_taken_as_they_are(values):
    arguments = parse("send", "/bridge/x", *values, "--json")
    assert (arguments.address, arguments.values, arguments.json) == ("/bridge/x", values, True)
    assert (arguments.run, arguments.wait, arguments.host, arguments.port) == (_run_send, True, None, None)


def test_another_server_and_other_types():
    arguments = parse(
        "send", "--host", "studio", "--port", "9000", "--types", "ss", "--no-wait", "/x", "1", "2"
    )
    assert (arguments.host, arguments.port, arguments.types, arguments.wait) == ("studio", 9000, "ss", False)
