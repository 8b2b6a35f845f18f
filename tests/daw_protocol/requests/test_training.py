"""Who trains says what may be trained on, and cannot say where the adapter goes."""

import pytest

from daw_protocol.errors import ProtocolError
from daw_protocol.requests import StartTraining

LEAST = {"name": "my_sound", "songs": "my_songs"}


def test_consent_is_never_taken_for_given():
    assert StartTraining.from_fields(LEAST).consent is False


@pytest.mark.parametrize(
    "wrong", [{"memory": 25}, {"steps": 0}, {"kind": "dora"}, {"regions": 2}, {"rank": "many"}]
)
def test_a_value_out_of_range_is_named(wrong):
    with pytest.raises(ProtocolError) as refused:
        StartTraining.from_fields({**LEAST, **wrong})
    assert refused.value.field == next(iter(wrong))


@pytest.mark.parametrize("more", [{"out": "/tmp"}, {"models": "/tmp"}, {"run": "/tmp"}])
def test_no_client_chooses_where_files_go(more):
    with pytest.raises(ProtocolError):
        StartTraining.from_fields({**LEAST, **more})
