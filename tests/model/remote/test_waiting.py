import time

import pytest

from model.errors import RenderStopped
from model.pace import Pace
from model.remote.waiting import rest


def test_it_waits_and_hears_a_cancel():
    began = time.monotonic()
    rest(0.05, Pace(lambda _: None, lambda: False))
    assert time.monotonic() - began >= 0.05
    with pytest.raises(RenderStopped):
        rest(60, Pace(lambda _: None, lambda: True))
