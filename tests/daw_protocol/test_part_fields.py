import json

import pytest

from daw_protocol.part_fields import PartsKind

PARTS = [["t1", -5, 0], ["t2", 10, 2**40]]


def test_parts_come_back_from_json_and_from_the_text_osc_carries():
    kind = PartsKind()
    read = kind.read(PARTS)
    assert read == (("t1", -5, 0), ("t2", 10, 2**40))
    assert kind.write(read) == PARTS
    assert kind.read(json.dumps(PARTS)) == read
    assert kind.read("[]") == kind.read([]) == ()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("[", ValueError), ("{}", TypeError), (7, TypeError), ([["t1", 0]], TypeError), (["t1"], TypeError),
        ([["t1", 0, 1.5]], TypeError), ([["t1", True, 5]], TypeError), ([[1, 0, 5]], TypeError),
        ([["t1", 5, 5]], ValueError), ([["t1", 0, 2**60]], ValueError), (["abc"], TypeError),
    ],
)  # fmt: skip
def test_what_is_no_part_is_refused(given, error):
    with pytest.raises(error, match=r"must|JSON"):
        PartsKind().read(given)
