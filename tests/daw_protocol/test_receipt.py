import math

import pytest
from hypothesis import given

from daw_protocol.errors import ProtocolError
from daw_protocol.receipt import Receipt
from tests.daw_protocol.generated import FEW, messages

PLACE = {"position": 0, "length": 48000, "rate": 48000, "exact": True}


@FEW
@given(messages(Receipt))
def test_fields_and_back(receipt):
    assert Receipt.from_fields(receipt.to_fields()) == receipt


def test_a_receipt_passes_when_nothing_warns():
    assert Receipt(**PLACE).passed
    assert not Receipt(**PLACE, warnings=("The seam clicks.",)).passed


def test_figures_that_do_not_apply_are_left_out():
    assert Receipt(**PLACE).to_fields() == PLACE


@pytest.mark.parametrize("figure", ["peak_db", "loudness_lufs", "gain_db", "drift_median_ms", "changed"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_figure_is_a_number(figure, value):
    with pytest.raises(ProtocolError, match=figure):
        Receipt(**PLACE, **{figure: value})
