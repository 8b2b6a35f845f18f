"""A client names a model of the server's list; it cannot say where it comes from."""

import dataclasses

import pytest

from daw_protocol.errors import ProtocolError
from daw_protocol.requests import GetModel, Request


def test_a_model_is_named():
    assert GetModel.from_fields({"model": "turbo"}).model == "turbo"
    with pytest.raises(ProtocolError) as refused:
        GetModel.from_fields({})
    assert refused.value.field == "model"


def test_nothing_but_the_name_can_be_asked_for():
    common = {entry.name for entry in dataclasses.fields(Request)}
    assert {entry.name for entry in dataclasses.fields(GetModel)} - common == {"model"}
    with pytest.raises(ProtocolError):
        GetModel.from_fields({"model": "turbo", "url": "http://127.0.0.1/evil"})
