"""What a job's client is sent about its takes and its end."""

from pathlib import Path

import pytest

from bridge_server.jobs.job import Job, JobState
from bridge_server.jobs.replies import analysed, ending, take_ready
from daw_protocol.recipe import BlueprintRecord
from tests.clip_store.takes import stored_take

CLIP = Path("takes") / "t1.wav"


def job(**changes):
    return Job("j1", "osc:127.0.0.1", "mine", "repaint", {}, **changes)


def test_a_take_is_announced_with_its_place_and_its_file():
    take = stored_take(
        id="t1", number=2, stem="vocals", position=-480, length=9600, rate=44100, recipe={"seed": 7}
    )
    reply = take_ready(job(), take, CLIP)
    assert (reply.id, reply.job, reply.take, reply.number, reply.stem) == ("mine", "j1", "t1", 2, "vocals")
    assert (reply.position, reply.length, reply.rate, reply.seed) == (-480, 9600, 44100, 7)
    assert reply.path == str(CLIP)


def test_a_receipt_with_warnings_is_not_passed_and_the_first_one_is_shown():
    reply = take_ready(job(), stored_take(receipt={"warnings": ["The take is silent.", "It clips."]}), CLIP)
    assert (reply.passed, reply.warning) == (False, "The take is silent.")


def test_an_analysis_says_what_it_went_without():
    found = BlueprintRecord(tempo=120.0, meter="4/4", downbeat=0.5, notes=("No weights yet.",))
    assert analysed(job(), found).text == "120 BPM, 4/4, bar 1 at 0.500 s. No weights yet."
    assert len(analysed(job(), found.evolve(notes=("x" * 1999, "y"))).text) == 2000


@pytest.mark.parametrize(
    ("state", "name", "more"),
    [
        (JobState.DONE, "done", {"takes": 3}),
        (JobState.CANCELLED, "cancelled", {}),
        (JobState.FAILED, "failed", {"code": "engine_died", "sentence": "It ended.", "remedy": "Try again."}),
    ],
)
def test_a_job_has_one_end(state, name, more):
    failure = more if state is JobState.FAILED else {}
    reply = ending(job(state=state, failure=failure), takes=3)
    assert (reply.name, reply.id, reply.job, reply.terminal) == (name, "mine", "j1", True)
    for field, value in more.items():
        assert getattr(reply, field) == value
