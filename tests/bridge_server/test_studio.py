"""A studio on one machine: a render host with two places, a bridge that renders there, and one that renders by itself.

Whatever happens to the host, its engines and the cable to it, the takes are those of a bridge alone, bit for bit.
"""

from __future__ import annotations

import re
import time
import uuid
from contextlib import ExitStack

import pytest

from bridge_server.studio.pulse import Pulse
from tests.bridge_server.studios import (
    FAULTS,
    REGION,
    SLOW,
    Studio,
    fails_as_alone,
    kill,
    killed_at_random,
    rendered,
    sounds,
    wait_until,
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    with ExitStack() as stack:
        yield Studio(tmp_path_factory.mktemp("studio"), stack)


def test_four_takes_in_two_places_with_an_engine_killed_are_those_of_a_bridge_alone(studio):
    request = {"source": "band.wav", "bars": "3-3", "bpm": 120, "seed": 7, "takes": 4, "engine": "sketch"}

    def kill_one():
        wait_until(lambda: len(studio.host.pids("sketch", rendering=True)) == 2)
        kill(studio.host.pids("sketch", rendering=True)[:1])

    takes = rendered(studio.laptop, kill_one, **request)
    assert len(takes) == 4
    assert sounds(takes) == sounds(rendered(studio.alone, **request))
    assert {take.recipe.rendered_on for take in takes} == {"studio (test device)"}
    assert all(take.receipt.outside_identical and take.receipt.exact for take in takes)


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("repaint", {"takes": 3, "handles": 0.01}),
        ("accompany", {}),  # with an attachment
        ("extract", {"stems": "vocals, residual"}),
        ("generate", {"source": None, "start": None, "end": None, "length": "1 s", "bpm": 120}),
    ],
)
def test_every_kind_of_take_is_that_of_a_bridge_alone(studio, method, more):
    request = {
        name: value for name, value in {**REGION, "engine": "noise", **more}.items() if value is not None
    }
    there, here = (rendered(server, method=method, **request) for server in (studio.laptop, studio.alone))
    assert there
    assert sounds(there) == sounds(here)
    assert [take.attachments for take in there] == [take.attachments for take in here]


def test_what_is_found_in_a_song_is_found_there_too(studio):
    found = []
    for server in (studio.laptop, studio.alone):
        with server.websocket() as ws:
            *_, analysed, done = ws.render("analyse", source="song.wav", engine="noise")
            assert done.name == "done"
            found.append({**analysed.values, "job": "", "id": ""})
    assert found[0] == found[1]


def test_a_cut_cable_costs_no_take_and_the_song_is_sent_once(studio):
    request = {**REGION, "takes": 2, **SLOW}

    def cut():
        wait_until(lambda: len(studio.host.pids("slow", rendering=True)) == 2)
        studio.cable.cut()
        wait_until(lambda: not studio.laptop_status()["connected"])
        assert studio.laptop_status()["problem"], "it says why"
        studio.cable.mend()

    before = studio.cable.sent
    takes = rendered(studio.laptop, cut, **request)
    assert sounds(takes) == sounds(rendered(studio.alone, **request))
    assert studio.cable.sent - before < 48000 * 2 * 3, "the host has the song already"
    wait_until(lambda: studio.laptop_status()["connected"])
    assert sum(studio.host.starts("slow")) == 2, "the renders went on meanwhile"


def test_a_cancelled_render_stops_there_and_its_place_is_free(studio):
    with studio.laptop.websocket() as ws:
        job = ws.call("repaint", id=uuid.uuid4().hex, **REGION, engine="slow", options={"seconds": 60})["job"]
        wait_until(lambda: studio.host.pids("slow", rendering=True))
        began = time.monotonic()
        ws.call("cancel", job=job)
        assert ws.until_end(job)[-1].name == "cancelled"
        wait_until(lambda: not studio.host.pids("slow", rendering=True))
        assert time.monotonic() - began < 10, "the engine had a minute's work"
    wait_until(lambda: not studio.host.orders())


@pytest.mark.parametrize(("fault", "said"), (FAULTS | {"nothing": ("render_rejected", "0 samples")}).items())
def test_what_goes_wrong_there_is_said_as_it_would_be_here(studio, fault, said):
    fails_as_alone(studio, fault, *said)
    wait_until(lambda: not studio.host.orders())


def test_a_batch_that_fails_there_keeps_the_takes_before_the_one_that_failed(studio):
    """Four takes in two places: takes 1 and 2 together, and 3 and 4."""
    request = {**REGION, "takes": 4, "engine": "together"}
    with studio.laptop.websocket() as ws:
        *_, failed = ws.render("repaint", **request, options={"fault": "refuse the last"})
    assert (failed.name, failed["code"]) == ("failed", "cannot_render")
    kept = studio.laptop.takes(job=failed["job"])
    assert [take.number for take in kept] == [1]
    whole = rendered(studio.alone, **request)
    assert (kept[0].audio, kept[0].receipt.outside_identical) == (whole[0].audio, True)

    after_deaths = rendered(studio.laptop, **request, options={"fault": "exit before the last"})
    assert [take.audio for take in after_deaths] == [take.audio for take in whole]
    ordered = [take.recipe.figures["ordered"] for take in after_deaths]
    assert ordered == [2, 1, 2, 1], "takes that were complete were not rendered again"


def test_an_engine_that_always_dies_there_fails_its_job(studio, caplog):
    with studio.laptop.websocket() as ws:
        reply = ws.render("repaint", **REGION, engine="faulty", options={"fault": "exit"})[-1]
    assert (reply.name, reply["code"]) == ("failed", "engine_died")
    again = [record for record in caplog.records if record.name.endswith("render_host")]
    assert len(again) == studio.laptop.settings.limits.attempts, "the host tries once more each time"


def test_status_and_engines_say_where_it_is_rendered(studio):
    status = studio.laptop_status()
    assert (status["name"], status["device"], status["places"]) == ("studio", "test device", 2)
    assert status["address"] == studio.cable.join.address
    assert studio.cable.join.token not in str(status)
    with studio.laptop.websocket() as ws:
        engines = ws.call("engines")["engines"]
        assert engines["noise"]["rendered_on"] == "studio (test device)"
        assert not engines["near"].get("rendered_on"), "the host does not have it"
    with studio.laptop.osc() as osc:
        text = osc.ask("/bridge/engines", "where")["text"]
    assert re.search(r"noise \(rendered on studio \(test device\)\): \w+", text), text
    assert re.search(r"near: \w+", text), text
    (take,) = rendered(studio.laptop, **REGION, engine="near")
    assert take.recipe.rendered_on == ""


def test_a_host_that_is_away_is_waited_for_and_the_job_says_so(studio):
    studio.cable.cut()
    try:
        with studio.laptop.websocket() as ws:
            job = ws.call("repaint", id=uuid.uuid4().hex, **REGION, engine="noise")["job"]
            while (reply := ws.next_received()).values.get("stage") != "waiting for the render host studio":
                assert reply.name in ("ack", "progress"), reply.values
            studio.cable.mend()
            assert ws.until_end(job)[-1].name == "done"
    finally:
        studio.cable.mend()


@pytest.mark.parametrize("seed", range(3))
def test_random_kills_cost_no_take(studio, seed):
    """benchmarks/studio.py does the same for long."""
    assert killed_at_random(studio, seed)


def test_while_no_host_is_there_this_machine_renders_if_that_is_wanted(tmp_path):
    with ExitStack() as stack:
        studio = Studio(tmp_path, stack, Pulse(0.1, 0.3), render_host_fallback=True)
        request = {**REGION, **SLOW, "options": {"seconds": 2}}

        def pull_out():
            wait_until(lambda: studio.host.pids("slow", rendering=True))
            studio.cable.freeze()  # nobody is told

        (take,) = rendered(studio.laptop, pull_out, **request)
        assert take.recipe.rendered_on == ""
        assert sounds([take]) == sounds(rendered(studio.alone, **request))
