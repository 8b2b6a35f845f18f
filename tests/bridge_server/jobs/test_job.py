import pytest

from bridge_server.jobs.job import NEXT_STATES, Job, JobState, named_songs
from daw_protocol.errors import ProtocolError
from daw_protocol.requests import Repaint


def job(**changes):
    request = Repaint(id="id1", source="/songs/a.wav", start="17|1", end=500, seed=7)
    values = {"id": "j1", "client": "osc:127.0.0.1", "request_id": "id1", "command": "repaint"}
    return Job(**{**values, "request": request.to_fields(), **changes}), request


def test_the_request_comes_back():
    made, request = job()
    assert made.render() == request


def test_a_request_that_is_no_more_understood_says_so():
    made, _ = job(request={"strenght": 1})
    with pytest.raises(ProtocolError, match="strength"):
        made.render()


def test_every_state_has_a_place_in_the_table():
    assert set(NEXT_STATES) == set(JobState)
    assert {state for state in JobState if state.terminal} == {
        JobState.DONE,
        JobState.FAILED,
        JobState.CANCELLED,
    }


def test_every_state_can_be_reached_and_every_job_can_end():
    assert {JobState.QUEUED}.union(*NEXT_STATES.values()) == set(JobState)
    for state in JobState:
        assert state.terminal or any(following.terminal for following in NEXT_STATES[state])


def test_each_song_of_a_request_has_the_field_it_stands_in():
    request = Repaint(tracks=["a.wav", "b.wav"], reference="c.wav", start=0, end=9).to_fields()
    assert named_songs(request) == {"a.wav": "tracks", "b.wav": "tracks", "c.wav": "reference"}
    request = Repaint(source="a.wav", reference="a.wav", start=0, end=9).to_fields()
    assert named_songs(request) == {"a.wav": "source"}
