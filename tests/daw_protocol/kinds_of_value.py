"""What every kind of value has in common: what a test of one asks of it."""

import contextlib
import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daw_protocol.fields import Kind
from tests.daw_protocol.generated import FEW, values

HUGE = 10**5000
DEEP: list = []
for _ in range(5000):
    DEEP = [DEEP]

PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=4)
)
ANYTHING = st.recursive(
    PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=5
)


def name(kind: Kind) -> str:
    return type(kind).__name__


def is_read_as(kind: Kind, given, read):
    found = kind.read(given)
    assert found == read
    assert type(found) is type(read)


def is_refused(kind: Kind, given, error, words):
    with pytest.raises(error) as raised:
        kind.read(given)
    assert re.search(words, str(raised.value)), str(raised.value)
    assert type(raised.value) is error


def keeps_its_promises(kind: Kind):
    """What is written reads as the same value and fits the schema; anything else is a type or value error."""

    @FEW
    @given(values(kind))
    def comes_back(value):
        read = kind.read(value)
        assert kind.read(kind.write(read)) == read
        jsonschema.validate(kind.write(read), kind.schema())

    @FEW
    @given(ANYTHING)
    def refuses_plainly(value):
        with contextlib.suppress(TypeError, ValueError):
            kind.read(value)

    comes_back()
    refuses_plainly()
    assert kind.describe()
    assert set(kind.osc.split()) <= set("ifshTF")
    jsonschema.Draft202012Validator.check_schema(kind.schema())
