"""Requests about takes."""

import pytest

from daw_protocol.errors import ErrorCode
from daw_protocol.requests import ChooseTake, FetchTake, ListTakes, RevertTake, ShowTake
from tests.refusals import refusal

FILES = ("clip", "handles", "song", "picture", "recipe", "attachment")


def test_the_clip_is_what_is_fetched_unless_another_file_is_named():
    assert FetchTake(take="t1").what == "clip"
    assert [FetchTake(take="t1", what=what).what for what in FILES] == list(FILES)
    assert refusal(FetchTake, take="t1", what="stems").field == "what"


@pytest.mark.parametrize("request_type", [ShowTake, FetchTake, ChooseTake, RevertTake])
def test_a_take_must_be_named(request_type):
    assert refusal(request_type.from_fields, {}).code is ErrorCode.MISSING_FIELD
    assert refusal(request_type, take="").code is ErrorCode.OUT_OF_RANGE


def test_all_takes_are_listed_unless_something_is_asked_for():
    asked = ListTakes()
    assert (asked.song, asked.job, asked.task, asked.before, asked.limit) == (None, None, None, None, 50)
    for field in ("song", "job", "task", "before"):
        assert refusal(ListTakes, **{field: ""}).field == field, "an empty name is no filter"
