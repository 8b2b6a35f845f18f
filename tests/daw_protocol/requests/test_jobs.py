"""Requests about jobs."""

import pytest

from bridge_server.jobs.job import JobState
from daw_protocol.errors import ErrorCode
from daw_protocol.requests import Cancel, ListJobs, ShowJob
from tests.refusals import refusal


def test_jobs_can_be_listed_by_every_state_there_is():
    assert [ListJobs(state=state.value).state for state in JobState] == [state.value for state in JobState]
    assert refusal(ListJobs, state="lost").field == "state"
    assert ListJobs().state is None


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_list_of_jobs_has_a_length(limit):
    assert (ListJobs().limit, ListJobs(limit=1000).limit) == (50, 1000)
    assert refusal(ListJobs, limit=limit).field == "limit"


@pytest.mark.parametrize("request_type", [Cancel, ShowJob])
def test_a_job_must_be_named(request_type):
    assert refusal(request_type.from_fields, {}).code is ErrorCode.MISSING_FIELD
    assert refusal(request_type, job="").code is ErrorCode.OUT_OF_RANGE
