import pytest

from daw_protocol.errors import ProtocolError
from daw_protocol.ledger import Ledger, LedgerStretch, LedgerTake

LEDGER = Ledger(
    title="Demo",
    song="a" * 64,
    position=-5,
    rate=48_000,
    start=-100,
    end=200,
    stretches=(
        LedgerStretch(start=-100, end=0, whose="machine", takes=("t1",), reason="rendered"),
        LedgerStretch(start=0, end=200, whose="human"),
    ),
    takes=(LedgerTake(take="t1", task="complete", prompt="윤 ü", chosen=1.5),),
    human=200,
    machine=100,
)


def test_the_json_form_gives_it_back():
    assert Ledger.from_stored(LEDGER.to_fields()) == LEDGER


def test_a_later_version_may_know_more():
    fields = LEDGER.to_fields() | {"mood": "blue"}
    assert Ledger.from_stored(fields) == LEDGER


@pytest.mark.parametrize(("field", "value"), [("whose", "nobody"), ("start", "x"), ("takes", "t1")])
def test_a_damaged_record_is_refused(field, value):
    fields = LEDGER.to_fields()
    fields["stretches"][0][field] = value
    with pytest.raises(ProtocolError, match=field):
        Ledger.from_stored(fields)
