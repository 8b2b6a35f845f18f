import pytest

from model.errors import CannotRender
from model.remote.options import number_of


def test_a_number():
    assert number_of({}, "steps", 1, 200) is None
    assert number_of({"steps": 8}, "steps", 1, 200, whole=True) == 8
    assert number_of({"shift": 1.5}, "shift", 0.1, 10) == 1.5


@pytest.mark.parametrize("given", [0, 201, True, "8", float("nan"), float("inf"), 2.5])
def test_what_is_no_such_number(given):
    with pytest.raises(CannotRender, match="whole number from 1 to 200"):
        number_of({"steps": given}, "steps", 1, 200, whole=True)
