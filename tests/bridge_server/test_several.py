"""Several regions in one request, rendered by the sketch engine: one job, one analysis, and each take as if alone."""

import json

import numpy as np
import pytest
import soundfile

from tests.bridge_server.peers import RpcError, band_song
from tests.bridge_server.servers import server_fixture

BEAT = 22_050
BARS = ((5, 5), (2, 2), (7, 7))  # in the order asked for, which is not that of the song
REGIONS = ", ".join(f"{first}-{last}" for first, last in BARS)


def band(path):
    """Eight bars at 120 BPM."""
    return band_song(path, bars=8)


server = server_fixture((band, "band.wav"), engine="sketch")


@pytest.fixture(scope="module")
def asked():
    return {"source": "band.wav", "bpm": 120, "seed": 4, "strength": 1.0, "handles": 0.1}


@pytest.fixture(scope="module")
def three(server, asked):
    """Every reply to one request for three regions."""
    with server.websocket() as ws:
        return ws.render("repaint", regions=REGIONS, **asked)


def takes_of(replies):
    assert replies[-1].name == "done", replies[-1].values
    return [reply for reply in replies if reply.name == "take"]


def start_of(bar):
    return (bar - 1) * 4 * BEAT


def test_one_job_renders_every_region_in_the_order_given(server, three):
    takes = takes_of(three)
    assert [take["region"] for take in takes] == [1, 2, 3]
    assert [take["number"] for take in takes] == [1, 2, 3]
    assert [(take["position"], take["length"]) for take in takes] == [
        (start_of(first), 4 * BEAT) for first, _ in BARS
    ]
    assert len({take["job"] for take in takes}) == 1
    assert three[-1]["takes"] == 3
    records = {take.id: take for take in server.takes(job=takes[0]["job"])}
    for take in takes:
        receipt = records[take["take"]].receipt
        assert receipt.outside_identical
        assert receipt.exact
        assert (receipt.position, receipt.length) == (take["position"], take["length"])


def test_the_song_is_analysed_once_and_progress_runs_over_the_whole(three):
    progress = [reply for reply in three if reply.name == "progress"]
    fractions = [reply["fraction"] for reply in progress]
    assert fractions == sorted(fractions)
    assert any("(region 1 of 3)" in reply["stage"] for reply in progress)
    analysing = {reply["stage"] for reply in progress if "analysing" in reply["stage"]}
    assert not {stage for stage in analysing if "region 1" not in stage}


def test_a_region_of_three_equals_the_same_region_alone(server, ws, asked, three):
    second = server.on_loop(lambda: server.server.store.index.get(takes_of(three)[1]["take"]))
    (alone,) = takes_of(ws.render("repaint", bars="2-2", **asked))
    alone = server.on_loop(lambda: server.server.store.index.get(alone["take"]))
    assert (second.audio, second.handles, second.result) == (alone.audio, alone.handles, alone.result)
    assert (second.recipe.region, alone.recipe.region) == (2, None)
    assert {**second.request, "id": ""} == {**alone.request, "id": ""}


def test_a_region_may_have_its_own_seed_and_each_several_takes(server, ws, asked):
    regions = [{"start": BEAT, "length": "8b"}, {"bars": "7", "seed": 9}]
    takes = takes_of(ws.render("repaint", regions=regions, takes=2, **asked))
    assert [(take["number"], take["region"], take["seed"]) for take in takes] == [
        (1, 1, 4), (2, 1, 4), (3, 2, 9), (4, 2, 9),
    ]  # fmt: skip
    (other, *_) = takes_of(ws.render("repaint", bars="7", **{**asked, "seed": 9}))
    audio = {take.id: take.audio for take in server.takes()}
    assert audio[takes[2]["take"]] == audio[other["take"]]
    assert audio[takes[3]["take"]] != audio[other["take"]]
    recipes = {take.id: take.recipe.take for take in server.takes()}
    assert [recipes[take["take"]] for take in takes] == [0, 1, 0, 1]


def test_osc_names_the_regions_in_one_text(osc):
    replies = osc.render(
        "/bridge/repaint", "osc-regions", "source", "band.wav", "bpm", 120, "regions", "3,6", "handles", 0
    )
    assert [reply.name for reply in replies].count("ack") == 1
    assert [(take["region"], take["position"]) for take in takes_of(replies)] == [
        (1, start_of(3)),
        (2, start_of(6)),
    ]


def test_a_single_region_is_answered_as_ever(ws, asked):
    (take,) = takes_of(ws.render("repaint", bars="3", **asked))
    assert "region" not in take.values
    assert "track" not in take.values


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        (
            "2-3, 5, 3-4",
            "Regions 1 and 3 overlap from sample 176400 (bar 3 beat 1) to sample 264600 (bar 4 beat 1).",
        ),
        ("5, 2, 5", "Regions 1 and 3 are the same."),
        ("2, 9-10", "Region 2: The region"),
        ([{"bars": "2"}, {"start": 100, "end": 50}], "Region 2: The region is empty"),
    ],
)
def test_regions_that_cannot_be_are_refused_before_anything_is_queued(ws, asked, regions, words):
    before = ws.call("jobs.list", limit=500)
    with pytest.raises(RpcError) as refused:
        ws.call("repaint", regions=regions, **asked)
    assert refused.value.sentence.startswith(words), refused.value.sentence
    assert ws.call("jobs.list", limit=500) == before


def test_regions_that_touch_are_two(ws, asked):
    takes = takes_of(ws.render("repaint", regions="2, 3", **asked))
    assert takes[0]["position"] + takes[0]["length"] == takes[1]["position"]


def test_what_is_accepted_of_three_regions_is_in_the_finished_song(server, ws, three):
    takes = takes_of(three)
    for take in takes:
        ws.call("takes.choose", take=take["take"])
    song = ws.call("takes.show", take=takes[0]["take"])["song"]
    ws.call("songs.undo", song=song)
    answer = ws.call("export", what="song", name=song, format="mix")
    assert answer["receipt"]["outside_identical"]
    mix, _ = soundfile.read(answer["path"], dtype="float32")
    original, _ = soundfile.read(server.settings.roots[0] / "band.wav", dtype="float32")
    changed = {
        bar
        for bar in range(1, 9)
        if not np.array_equal(*(a[start_of(bar) : start_of(bar + 1)] for a in (mix, original)))
    }
    assert changed == {5, 2}, "bar 7 was undone"


def test_varied_and_shown_a_take_of_three_is_one_of_its_region(ws, three):
    second = takes_of(three)[1]
    (varied,) = takes_of(ws.until_end(ws.call("vary", take=second["take"], seed=8)["job"]))
    assert (varied["position"], varied["length"]) == (second["position"], second["length"])
    shown = ws.call("takes.show", take=second["take"])
    assert (shown["region"], shown["request"]["bars"]) == (2, "2-2")
    assert "regions" not in json.dumps(shown["request"])
