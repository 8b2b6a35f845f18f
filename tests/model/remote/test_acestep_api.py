"""The engine that asks the official server, against a strict double: the gain undone, nothing claimed too much."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from model.engine import Task
from model.errors import CannotRender, NotLoaded, RenderLost, RenderRejected, RenderStopped
from model.remote.acestep_api import AcestepApiEngine
from model.remote.remote_engine import RemoteConfig
from tests.model.remote.requests import AT_ONCE, Restart, Stopper, render, request, song
from tests.model.remote.rest_double import RestDouble

RATES = (44_100, 48_000, 88_200, 96_000, 176_400, 192_000)


@pytest.fixture(scope="module")
def double():
    with RestDouble() as running:
        yield running


def engine_for(double: RestDouble, **changes: str) -> AcestepApiEngine:
    return AcestepApiEngine(RemoteConfig(double.address, **changes))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A double answers at once."""
    monkeypatch.setattr("model.remote.acestep_api.POLL_SECONDS", 0.02)


def fields_of(double: RestDouble) -> dict:
    asked = next(one for one in reversed(double.asked) if one.path == "/release_task")
    return json.loads(asked.parts["param_obj"]) if asked.parts else asked.json()


@pytest.mark.parametrize("number", range(25))
def test_random_regions_come_back_in_time_at_their_level(number, double):
    """The same as `python -m benchmarks.remote_regions` does with 200 of them."""
    random = np.random.default_rng(100 + number)
    rate, channels = int(random.choice(RATES)), int(random.integers(1, 3))
    given = song(float(random.uniform(6, 9)), rate, channels, seed=number)
    start = int(random.integers(0, given.frames - rate))
    end = int(random.integers(start + rate // 4, given.frames))
    handle = int(random.integers(0, 2)) * int(random.integers(1, rate // 3))
    heard = render(engine_for(double), request(given, start, end, handle=handle, seed=number))
    assert heard.starts["mix"] == start
    assert heard.stems["mix"].shape == (end - start, channels)
    if handle:
        assert heard.stems["handles"].shape == (end - start + 2 * handle, channels)
    figures = heard.report.figures
    difference = figures["outside_difference"][0]
    assert difference is None or difference < 1e-6
    # The tone has its own level again: 0.4 on the left, 0.2 on the right.
    if difference is not None:
        edge = rate // 10
        loud = np.abs(heard.stems["mix"][edge : max(edge + 1, len(heard.stems["mix"]) - edge)]).max()
        assert loud == pytest.approx(0.4 if channels == 2 else 0.3, rel=2e-3)
    assert double.unknown_fields == set()


def test_the_gain_is_undone_to_a_millionth(double):
    given = song(8)
    heard = render(engine_for(double), request(given, 150_000, 200_000, handle=30_000))
    ((gain,), (difference,)) = heard.report.figures["server_gain"], heard.report.figures["outside_difference"]
    assert gain == pytest.approx(10 ** (-1 / 20) / max(0.4, 0.3), rel=1e-2)
    assert difference < 1e-6


def test_everything_is_told_and_nothing_left_to_its_defaults(double):
    render(engine_for(double), request(song(8), 150_000, 200_000, strength=0.25))
    fields = fields_of(double)
    wanted = {
        "batch_size": 1, "use_random_seed": False, "thinking": False, "use_cot_caption": False,
        "use_cot_language": False, "audio_format": "wav32", "chunk_mask_mode": "explicit", "seed": 7,
        "repaint_mode": "balanced", "repaint_strength": 0.25, "task_type": "repaint",
        "inference_steps": 50, "shift": 1.0, "repainting_start": 3.12, "repainting_end": 4.2,
    }  # fmt: skip
    assert {name: fields[name] for name in wanted} == wanted
    render(engine_for(double, checkpoint="acestep-v15-turbo"), request(song(8), 150_000, 200_000))
    assert (fields_of(double)["inference_steps"], fields_of(double)["shift"]) == (8, 3.0)


def test_it_says_that_a_seed_is_not_repeated(double):
    one = engine_for(double)
    first, second = (render(one, request(song(8), 150_000, 200_000)) for _ in range(2))
    assert not np.array_equal(first.stems["mix"], second.stems["mix"])
    assert first.report.figures["reproducible"] is False
    assert any("does not repeat a render" in note for note in first.report.notes)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("shifts", "moved or changed the song"),
        ("touches", "moved or changed the song"),
        ("nan", "invalid samples"),
        ("unchanged", "as it was"),
    ],
)
def test_a_server_that_does_something_else_is_caught(fault, told):
    with RestDouble(fault) as other, pytest.raises(RenderRejected) as caught:
        render(engine_for(other), request(song(8), 150_000, 200_000))
    assert told in caught.value.sentence


@pytest.mark.parametrize(
    ("task", "stems"), [(Task.LEGO, ("bass",)), (Task.ACCOMPANY, ("piano", "drums")), (Task.COVER, ())]
)
def test_other_tasks(double, task, stems):
    heard = render(engine_for(double), request(song(6, 44_100, 1), 10_000, 60_001, task, stems=stems))
    assert {stem: found.shape for stem, found in heard.stems.items()} == {
        "bass" if task is Task.LEGO else "mix": (50_001, 1)
    }
    assert any("-1 dBFS" in note for note in heard.report.notes)
    assert fields_of(double).get("track_classes") == (["piano", "drums"] if task is Task.ACCOMPANY else None)


def test_a_new_song_and_one_that_goes_on(double):
    heard = render(engine_for(double), request(None, 0, 480_000, Task.GENERATE))
    assert heard.stems["mix"].shape == (480_000, 2)
    assert fields_of(double)["lyrics"] == "[Instrumental]"
    given = song(6.013)
    heard = render(engine_for(double), request(given, given.frames, given.frames + 99_999, Task.COMPLETE))
    assert heard.stems["mix"].shape == (99_999, 2)


def test_what_it_can_do(double):
    found = engine_for(double).describe()
    assert found.weights == "acestep-v15-base (named by the server, not verified)"
    assert "peak" in found.capability(Task.EXTRACT).reason
    assert found.capability(Task.LEGO).available
    with RestDouble(models=("acestep-v15-turbo",)) as other:
        found = engine_for(other).describe()
        assert found.capability(Task.REPAINT).available
        assert not found.capability(Task.LEGO).available
        other.inventory = False
        assert not engine_for(other).describe().capability(Task.LEGO).available, "by its name alone"


def test_a_cancel_is_answered_at_once_and_what_follows_it_is_said():
    with RestDouble() as other:
        other.gate.clear()
        one, given = engine_for(other), song(8)
        stopper = Stopper("waiting on the server")
        with pytest.raises(RenderStopped):
            render(one, request(given, 150_000, 200_000), stopper.stop.is_set, stopper)
        assert time.monotonic() - stopper.at < AT_ONCE
        waiting = Stopper("still finishing what was cancelled")

        def let_go(update):
            waiting(update)
            if waiting.stop.is_set():
                other.gate.set()

        heard = render(one, request(given, 150_000, 200_000), on_progress=let_go)
        assert waiting.stop.is_set()
        assert not any("secret" in stage for stage in heard.stages), "another's song"


def test_a_restarted_server_has_lost_the_job():
    with RestDouble() as other:
        other.gate.clear()
        restart = Restart(other, "waiting on the server", other.restart)
        with pytest.raises(RenderLost, match="started again"):
            render(engine_for(other), request(song(8), 150_000, 200_000), on_progress=restart)
        assert restart.waited


def test_failures(monkeypatch):
    with RestDouble("fails") as other:
        with pytest.raises(CannotRender, match="gave no reason"):
            render(engine_for(other), request(song(8), 150_000, 200_000))
        other.full = True
        monkeypatch.setattr("model.remote.remote_engine.ABSENT_SECONDS", 0.1)
        with pytest.raises(RenderLost, match="too many jobs"):
            render(engine_for(other), request(song(8), 150_000, 200_000))
        other.key = "right"
        with pytest.raises(NotLoaded, match="refuses the token"):
            engine_for(other, token="wrong").load(lambda _: None)
        engine_for(other, token="right").load(lambda _: None)
        other.full = False
        with pytest.raises(CannotRender, match="steps cannot be 0"):
            render(engine_for(other, token="right"), request(song(8), 1, 48_000, options={"steps": 0}))
