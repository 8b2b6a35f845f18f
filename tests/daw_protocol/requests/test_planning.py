"""The requests that give a song in words."""

from __future__ import annotations

import pytest

from daw_protocol.errors import ProtocolError
from daw_protocol.requests import LOCKABLE, Plan, Rewrite


def test_what_can_be_locked() -> None:
    assert Plan(prompt="x", lock=LOCKABLE).lock == LOCKABLE
    assert Rewrite(lock="prompt, key").lock == ("prompt", "key")
    with pytest.raises(ProtocolError, match="'length' cannot be locked") as refused:
        Plan(lock=("length",))
    assert refused.value.field == "lock"


def test_lyrics_of_an_instrumental() -> None:
    assert Plan(instrumental=True).instrumental
    with pytest.raises(ProtocolError, match="lyrics to sing") as refused:
        Rewrite(instrumental=True, lyrics="la")
    assert refused.value.field == "instrumental"


def test_they_make_no_takes_and_need_no_song() -> None:
    for request in (Plan, Rewrite):
        assert not request.spec().makes_takes
        assert not request.spec().needs_source
