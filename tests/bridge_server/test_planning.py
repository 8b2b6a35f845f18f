"""A song is planned, edited and rendered: by OSC and by WebSocket, with an engine that plans without weights."""

from __future__ import annotations

import json

import pytest

from tests.bridge_server.peers import RpcError

PLAN = {"prompt": "slow bossa nova", "bpm": 96, "key": "C minor", "length": "40s"}


def blueprint_of(ws, job):
    (found,) = ws.call("jobs.show", job=job)["blueprints"]
    return found


@pytest.fixture
def plan(ws):
    """The job of a plan, and its blueprint."""
    replies = ws.render("plan", **PLAN)
    assert [reply.name for reply in replies if reply.name != "progress"][-2:] == ["blueprint", "done"]
    job = replies[-1].values["job"]
    return job, blueprint_of(ws, job)


def test_a_plan_by_osc_is_told_once_and_again_when_asked_twice(osc, ws):
    asked = ("/bridge/plan", "p1", "prompt", "slow bossa nova", "bpm", 96.0, "length", "40s")
    found = {reply.name: reply.values for reply in osc.render(*asked)}
    told = found["blueprint"]
    assert (told["bpm"], told["key"], told["meter"], told["seconds"]) == (96.0, "C minor", "4/4", 40.0)
    assert (told["codes"], told["sections"]) == (200, "verse 1-8, chorus 9-16")
    assert told["text"].startswith("96 BPM, 4/4, C minor, 40 s: slow bossa nova. ")
    assert found["done"]["takes"] == 0
    again = osc.render(*asked)
    assert [reply.name for reply in again] == ["ack", "blueprint", "done"]
    assert blueprint_of(ws, told["job"])["lyrics"][1]["text"] == "la la"


def test_a_plan_is_rendered_by_its_job(osc, ws, plan):
    job, found = plan
    replies = osc.render("/bridge/generate", f"of {job}", "blueprint", job)
    assert replies[-1].name == "done"
    (take,) = [reply.values for reply in replies if reply.name == "take"]
    assert take["length"] == 40 * 48000
    shown = ws.call("takes.show", take=take["take"])
    request = ws.call("jobs.show", job=take["job"])["request"]
    assert request["blueprint"] == found
    assert (request["prompt"], request["lyrics"], request["key"]) == (
        "slow bossa nova",
        "[Verse]\nla la",
        "C minor",
    )
    assert shown["recipe"]["tempo_map"]["points"][0]["bpm"] == 96


def test_a_plan_is_rendered_as_it_was_edited(ws, plan):
    _, found = plan
    edited = {**found, "caption": "fast bossa nova", "codes": []}
    replies = ws.render("generate", blueprint=edited, title="Edited")
    assert replies[-1].name == "done"
    request = ws.call("jobs.show", job=replies[-1].values["job"])["request"]
    assert request["prompt"] == "fast bossa nova"
    assert "codes" not in request["blueprint"]


def test_several_takes_are_several_blueprints(ws):
    replies = ws.render("plan", **PLAN, takes=2)
    assert [reply.values["number"] for reply in replies if reply.name == "blueprint"] == [1, 2]
    job = replies[-1].values["job"]
    assert len(ws.call("jobs.show", job=job)["blueprints"]) == 2
    asked = {"blueprint": {**ws.call("jobs.show", job=job)["blueprints"][1], "codes": []}}
    assert ws.call("generate", **asked)["job"]


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        ({"bpm": 120}, "bpm", "planned at 96 BPM"),
        ({"key": "D minor"}, "key", "in C minor"),
        ({"length": "8s"}, "length", "40.0 s long"),
        ({"prompt": "polka"}, "prompt", "its own caption"),
    ],
)
def test_a_daw_that_plays_otherwise_is_told_so_and_nothing_is_queued(ws, plan, asked, field, words):
    jobs = len(ws.call("jobs.list", limit=1000)["jobs"])
    with pytest.raises(RpcError, match=words) as refused:
        ws.call("generate", blueprint=plan[0], **asked)
    assert refused.value.field == field
    assert len(ws.call("jobs.list", limit=1000)["jobs"]) == jobs


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("j00000000ff", "no blueprint j00000000ff"),
        ("j00000000ff:2", "no blueprint"),
        ("nothing of the kind", "must be a blueprint"),
        ({"caption": 7}, "must be text"),
        ({"tempoo": 7}, "tempoo"),
        (json.dumps({"codes": ["x"]}), "whole number"),
        ({"caption": "x", "codes": [1, 2], "seconds": 4}, "codes last 0.4 s, the song 4.0 s"),
    ],
)
def test_what_is_no_blueprint_is_refused(ws, given, words):
    with pytest.raises(RpcError, match=words) as refused:
        ws.call("generate", blueprint=given, length="4s")
    assert refused.value.field == "blueprint"


def test_codes_go_to_an_engine_that_renders_them(ws, plan):
    with pytest.raises(RpcError, match="does not render audio codes"):
        ws.call("generate", blueprint=plan[0], engine="near")


def test_a_prompt_is_rewritten(ws):
    replies = ws.render("rewrite", prompt="bossa", lock="prompt")
    (told,) = [reply.values for reply in replies if reply.name == "blueprint"]
    assert told["caption"] == "bossa"
    with pytest.raises(RpcError, match="nothing to keep as key"):
        ws.call("rewrite", prompt="bossa", lock="key")


def test_without_a_planner_a_song_is_measured_and_the_result_says_so(ws):
    replies = ws.render("analyse", source="song.wav", words=True)
    (told,) = [reply.values for reply in replies if reply.name == "analysed"]
    assert "no planner to describe the song" in told["text"]
    with pytest.raises(RpcError, match="no planner to describe a part") as refused:
        ws.call("analyse", source="song.wav", words=True, start=0, end=4800)
    assert refused.value.field == "start"
    assert told["bpm"] == 97.5
