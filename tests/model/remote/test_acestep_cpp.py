"""The engine that asks ace-server, against a strict double of it: exact times, an untouched outside, honest words."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from model.engine import Task
from model.errors import CannotRender, NotLoaded, RenderLost, RenderRejected, RenderStopped
from model.remote.acestep_cpp import AcestepCppEngine
from model.remote.order import sent_seed
from model.remote.remote_engine import RemoteConfig
from tests.model.remote.ace_double import DEFAULT, AceDouble, tone
from tests.model.remote.requests import AT_ONCE, Restart, Stopper, render, request, song

RATES = (44_100, 48_000, 88_200, 96_000, 176_400, 192_000)


@pytest.fixture(scope="module")
def double():
    with AceDouble() as running:
        yield running


def engine_for(double: AceDouble, **changes: str) -> AcestepCppEngine:
    return AcestepCppEngine(RemoteConfig(double.address, **changes))


@pytest.fixture(scope="module")
def engine(double):
    return engine_for(double)


def as_made(window_start: float, rate: int, start: int, end: int, channels: int, seed: int) -> np.ndarray:
    """What the double played in a region, had it played at the song's own rate."""
    made = tone(seed, end - start, rate, start / rate - window_start)
    return made if channels == 2 else made.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("number", range(25))
def test_random_regions_come_back_in_time_and_to_the_sample(number, double, engine):
    """The same as `python -m benchmarks.remote_regions` does with 200 of them."""
    random = np.random.default_rng(number)
    rate, channels = int(random.choice(RATES)), int(random.integers(1, 3))
    given = song(float(random.uniform(6, 9)), rate, channels, seed=number)
    start = int(random.integers(0, given.frames - rate))
    end = int(random.integers(start + rate // 4, given.frames))
    handle = int(random.integers(0, 2)) * int(random.integers(1, rate // 3))
    asked = request(given, start, end, handle=handle, seed=number, takes=(number % 3,))
    heard = render(engine, asked)
    assert heard.starts["mix"] == start
    assert heard.stems["mix"].shape == (end - start, channels)
    if handle:
        assert heard.starts["handles"] == start - handle
        assert heard.stems["handles"].shape == (end - start + 2 * handle, channels)
    figures = heard.report.figures
    assert figures["server_gain"] == [1.0]
    assert figures["outside_difference"][0] in (None, 0.0)
    wanted = as_made(figures["window"][0], rate, start, end, channels, figures["server_seed"])
    edge = rate // 20  # where the tone begins and ends, a filter rings
    first = edge if start - handle > 0 else 0
    assert np.abs(heard.stems["mix"] - wanted)[first : len(wanted) - edge].max() < 2e-4
    assert double.unknown_fields == set()


def test_only_floats_of_one_take_are_asked_for(double, engine):
    given = song(6)
    render(engine, request(given, 96_123, 150_077, caption=""))
    fields = json.loads(double.asked[-1 - double.paths()[::-1].index("/synth")].parts["request"])
    assert (fields["output_format"], fields["synth_batch_size"], fields["task_type"]) == (
        "wav32",
        1,
        "repaint",
    )
    assert fields["repainting_start"] * 25 == 96_123 // 1920
    assert fields["repainting_end"] * 25 == -(-150_077 // 1920)
    assert (fields["bpm"], fields["timesignature"], fields["caption"]) == (120, "4", "music")
    assert set(fields) <= set(DEFAULT)


def test_takes_differ_and_come_back_the_same_whatever_was_rendered_before(double):
    given, one = song(6, 44_100), engine_for(double)
    together = render(one, request(given, 50_000, 90_000, takes=(0, 1, 2)))
    assert len({stem.tobytes() for stem in together.stems.values()}) == 3
    alone = render(engine_for(double), request(given, 50_000, 90_000, takes=(2,)))
    assert np.array_equal(alone.stems["mix"], together.stems["mix 2"])


def test_a_song_is_encoded_once(double):
    one, before = engine_for(double), double.encodes
    given = song(6, seed=99)
    first = render(one, request(given, 50_000, 90_000, takes=(0, 1)))
    second = render(one, request(given, 90_000, 140_000, takes=(0,)))
    assert double.encodes == before + 1
    assert [report.figures["song_latents"] for report in (*first.reports, *second.reports)] == [
        "encoded",
        "kept",
        "kept",
    ]


def test_a_server_that_joins_nothing_to_latents_gets_the_song_alone(double):
    with AceDouble() as other:
        other.splices = False
        heard = render(one := engine_for(other), request(song(6), 50_000, 90_000))
        assert heard.report.figures["outside_difference"] == [0.0]
        asked = len([path for path in other.paths() if path == "/synth"])
        render(one, request(song(6), 50_000, 90_000, takes=(1,)))
        assert other.paths().count("/synth") == asked + 1, "it is not tried again"


def test_an_older_server_without_encoder_renders_all_the_same():
    with AceDouble() as other:
        other.has_vae = False
        heard = render(engine_for(other), request(song(6), 50_000, 90_000, takes=(0, 1)))
        assert heard.stems["mix 1"].shape == (40_000, 2)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("shifts", "moved or changed the song"),
        ("touches", "moved or changed the song"),
        ("nan", "invalid samples"),
        ("unchanged", "as it was"),
        ("html", "no audio"),
    ],
)
def test_a_server_that_does_something_else_is_caught(fault, told):
    with AceDouble(fault) as other, pytest.raises(RenderRejected) as caught:
        render(engine_for(other), request(song(8), 150_000, 200_000))
    assert told in caught.value.sentence


def test_a_frame_less_at_the_end_does_no_harm():
    """Also where the region goes on after the song."""
    with AceDouble("loses a frame") as other:
        given = song(6.013)
        heard = render(engine_for(other), request(given, given.frames, given.frames + 100_000, Task.COMPLETE))
        assert heard.stems["mix"].shape == (100_000, 2)
        wanted = as_made(
            0.0, 48_000, given.frames, given.frames + 100_000, 2, heard.report.figures["server_seed"]
        )
        assert np.array_equal(heard.stems["mix"], wanted)


def test_a_loud_song_is_turned_down_for_the_way_and_up_again():
    with AceDouble() as other:
        heard = render(engine_for(other), request(song(6, loud=4.0), 100_000, 150_000))
        figures = heard.report.figures
        wanted = 4.0 * as_made(0.0, 48_000, 100_000, 150_000, 2, figures["server_seed"])
        assert np.abs(heard.stems["mix"] - wanted).max() < 1e-5


@pytest.mark.parametrize(
    ("task", "stems"),
    [
        (Task.EXTRACT, ("vocals", "drums")),
        (Task.LEGO, ("bass",)),
        (Task.ACCOMPANY, ("piano", "drums")),
        (Task.COVER, ()),
    ],
)
def test_other_tasks(double, engine, task, stems):
    given = song(6, 44_100, 1)
    heard = render(engine, request(given, 10_000, 60_001, task, stems=stems))
    names = {Task.EXTRACT: {"vocals", "drums", "residual"}, Task.LEGO: {"bass"}}.get(task, {"mix"})
    assert set(heard.stems) == names
    assert all(stem.shape == (50_001, 1) for stem in heard.stems.values())
    if task is Task.EXTRACT:
        assert np.abs(sum(heard.stems.values()) - given.samples[10_000:60_001]).max() < 1e-6


def test_all_twelve_stems_of_a_song():
    with AceDouble() as other:
        heard = render(engine_for(other), request(song(6), 10_000, 60_001, Task.EXTRACT))
        assert len(heard.stems) == 13
        assert other.encodes == 1
        assert other.paths().count("/logs") == 1, "one connection to the log, not one for each"


def test_a_server_that_changes_the_song_is_not_blamed_on_latents():
    with AceDouble("touches") as other:
        one = engine_for(other)
        with pytest.raises(RenderRejected):
            render(one, request(song(8), 150_000, 200_000))
        other.faults.clear()
        heard = render(one, request(song(8), 150_000, 200_000))
        assert heard.report.figures["song_latents"] == "kept"


def test_a_new_song(double, engine):
    heard = render(engine, request(None, 0, 480_000, Task.GENERATE, song=None))
    assert np.array_equal(heard.stems["mix"], tone(sent_seed(7, 0), 480_000))
    fields = json.loads(double.asked[-1 - double.paths()[::-1].index("/synth")].body)
    assert fields["duration"] >= 10.0
    assert fields["lyrics"] == "[Instrumental]"


def test_what_is_told_of_the_server(double, engine):
    found = engine.describe()
    assert found.weights == "acestep-v15-base-Q8_0 (named by the server, not verified)"
    assert not found.capability(Task.ANALYSE).available
    heard = render(engine, request(song(6), 50_000, 90_000, options={"checkpoint": "acestep-v15-turbo-Q8_0"}))
    report = heard.report
    assert report.weights == "acestep-v15-turbo-Q8_0 (named by the server, not verified)"
    expected = {
        "server": "ace-server", "server_version": "fa33775", "server_host": f"127.0.0.1:{double.port}",
        "model_is": "named by the server, not verified", "reproducible": True, "zone": [1.04, 1.88],
    }  # fmt: skip
    assert {name: report.figures[name] for name in expected} == expected


def test_turbo_alone_extracts_nothing():
    with AceDouble(dits=("acestep-v15-turbo-Q8_0",)) as other:
        found = engine_for(other).describe()
        assert found.capability(Task.REPAINT).available
        assert "turbo" in found.capability(Task.EXTRACT).reason


def test_a_cancel_is_answered_at_once_and_what_follows_it_is_said():
    with AceDouble() as other:
        one, given = engine_for(other), song(6)
        other.gate.clear()
        other.hears_cancel.clear()
        stopper = Stopper("rendering on the server")
        with pytest.raises(RenderStopped):
            render(one, request(given, 50_000, 90_000), stopper.stop.is_set, stopper)
        assert time.monotonic() - stopper.at < AT_ONCE
        job = list(other.jobs.values())[-1]
        assert job.cancel.wait(10)
        other.gate.set()
        # The worker goes on with what was cancelled; who asks next is told.
        waiting = Stopper("still finishing what was cancelled")

        def let_go(update):
            waiting(update)
            if waiting.stop.is_set():
                other.hears_cancel.set()

        heard = render(one, request(given, 50_000, 90_000), on_progress=let_go)
        assert waiting.stop.is_set()
        assert heard.stems["mix"].shape == (40_000, 2)
        assert job.status == "cancelled"


def test_the_steps_are_shown():
    with AceDouble() as other:
        other.gate.clear()
        seen = Stopper("rendering on the server, step 1 of 3")

        def one_by_one(update):
            seen(update)
            if "rendering" in update.stage and not other.gate.is_set():
                other.write("[DiT] Step 1/3 t=0.500")
            if seen.stop.is_set():
                other.gate.set()

        render(engine_for(other), request(song(6), 50_000, 90_000), on_progress=one_by_one)
        assert seen.stop.is_set()


def test_a_job_that_starts_after_the_cancel_is_cancelled_too():
    with AceDouble() as other:
        given, answered = song(6), other.answer
        stopper = Stopper("preparing the song")

        def slow(asked):
            found = answered(asked)
            if asked.path == "/vae":
                stopper.stop.set()
                time.sleep(0.3)
            return found

        other.answer = slow
        other.gate.clear()
        with pytest.raises(RenderStopped):
            render(engine_for(other), request(given, 50_000, 90_000), stopper.stop.is_set)
        (job,) = other.jobs.values()
        assert job.cancel.wait(10)


def test_the_queue_of_others_is_shown():
    with AceDouble() as other:
        other.gate.clear()
        other._begin(lambda job: other._step(job, 1), "1 requests")
        seen = Stopper("waiting on the server, 1 before this")

        def open_gate(update):
            seen(update)
            if seen.stop.is_set():
                other.gate.set()

        render(engine_for(other), request(song(6), 50_000, 90_000), on_progress=open_gate)
        assert seen.stop.is_set()


def test_a_failure_quotes_the_log():
    with AceDouble() as other:
        one = engine_for(other)
        one.describe()
        other.dits, known = ("gone",), other.dits
        props = other._props()
        props["models"]["dit"] = list(known)
        other._props = lambda: props
        with pytest.raises(CannotRender) as caught:
            render(one, request(song(6), 50_000, 90_000))
        assert "DiT not found: acestep-v15-base-Q8_0" in caught.value.sentence


def test_a_restarted_server_has_lost_the_job():
    with AceDouble() as other:
        other.gate.clear()
        restart = Restart(other, "rendering on the server", other.forget)
        with pytest.raises(RenderLost, match="knows nothing of the job"):
            render(engine_for(other), request(song(6), 50_000, 90_000), on_progress=restart)
        assert restart.waited


def test_options_are_checked_before_anything_is_sent(double, engine):
    before = double.paths().count("/synth")
    for options, told in (
        ({"steps": 0}, "steps cannot be 0"),
        ({"steps": 2.5}, "whole number"),
        ({"guidance": float("nan")}, "guidance"),
        ({"checkpoint": "frobnicate"}, "no checkpoint called 'frobnicate'"),
        ({"adapter": "other"}, "no adapter called 'other'"),
    ):
        with pytest.raises(CannotRender) as caught:
            render(engine, request(song(6), 50_000, 90_000, options=options))
        assert told in str(caught.value)
    assert double.paths().count("/synth") == before


def test_a_song_that_is_no_number_is_refused(double, engine):
    given = song(6)
    spoilt = given.samples.copy()
    spoilt[1000] = np.inf
    with pytest.raises(CannotRender, match="invalid samples"):
        render(engine, request(type(given)(spoilt, given.rate, "spoilt"), 50_000, 90_000))


def test_an_old_or_another_server_is_no_engine(double):
    with AceDouble() as other:
        del other.default["output_format"]
        reason = engine_for(other).describe().capability(Task.REPAINT).reason
        assert "too old: it does not know output_format" in reason
        other._props = lambda: {"models": "none"}
        assert "is not ace-server" in engine_for(other).describe().capability(Task.REPAINT).reason
        address = other.address
    gone = AcestepCppEngine(RemoteConfig(address))
    found = gone.describe()
    assert "does not answer" in found.capability(Task.REPAINT).reason
    assert found.holds_seconds is not None
    with pytest.raises(NotLoaded):
        gone.load(lambda _: None)
    assert "acestep-cpp.address" in AcestepCppEngine().describe().capability(Task.REPAINT).remedy
