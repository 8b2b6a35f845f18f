"""Requests of those who look on."""

import pytest

from daw_protocol.errors import ErrorCode
from daw_protocol.requests import ListSongs, Watch
from tests.refusals import refusal


def test_watching_begins_unless_it_is_to_end():
    assert Watch().on is True
    assert Watch(on="off").on is False


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_list_of_songs_has_a_length(limit):
    assert (ListSongs().limit, ListSongs(limit=1).limit) == (200, 1)
    error = refusal(ListSongs, limit=limit)
    assert (error.code, error.field) == (ErrorCode.OUT_OF_RANGE, "limit")
