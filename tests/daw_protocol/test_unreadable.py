"""A value that no field can use: it is named, and moves nothing behind it."""

import pytest

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.osc_form import request_from_osc
from daw_protocol.requests import Repaint
from daw_protocol.unreadable import Unreadable

COLOUR = Unreadable("a colour (type tag r)")


@pytest.mark.parametrize(
    "field", ["source", "takes", "start", "bpm", "options", "tempo_map", "layers", "key", "seed"]
)
def test_a_field_refuses_it_by_name(field):
    with pytest.raises(ProtocolError) as raised:
        request_from_osc("/bridge/repaint", ["id1", field, COLOUR, "handles", 2])
    assert (raised.value.code, raised.value.field) == (ErrorCode.WRONG_TYPE, field)
    assert raised.value.sentence == f"{field}: cannot be a colour (type tag r)."
    assert raised.value.remedy.startswith("It takes")


def test_it_is_no_name_of_a_field():
    with pytest.raises(ProtocolError) as raised:
        request_from_osc("/bridge/repaint", ["id1", COLOUR, 5])
    assert raised.value.code is ErrorCode.UNKNOWN_FIELD
    assert "colour" in raised.value.sentence


def test_the_values_behind_it_keep_their_places():
    with pytest.raises(ProtocolError):
        request_from_osc("/bridge/repaint", [COLOUR, "takes", 2])
    _, request = request_from_osc("/bridge/repaint", [None, "takes", 2])
    assert request == Repaint(takes=2)
