"""A training as whoever ordered it follows it: the curve, the time left, the files at its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from bridge_server.training.kept_trainings import kept_trainings
from bridge_server.training.song_folder import songs_in
from bridge_server.training.training import Standing, Training
from bridge_server.training.training_wish import TrainingWish, consent_now
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.training.songs_to_learn import three_songs
from tests.bridge_server.training.test_training_wish import wish_in
from tests.bridge_server.training.training_peer import LONG, SMALL_TRAINER


@pytest.fixture(autouse=True)
def small_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge_server.training.training_process.TRAINER", SMALL_TRAINER)


def training_of(wish: TrainingWish, clock: Iterator[int] | None = None) -> Training:
    songs = songs_in(wish.songs if wish.songs.is_dir() else three_songs(wish.songs))
    ticks = clock or count()
    return Training(wish, songs, consent_now(songs), yields=False, clock=lambda: float(next(ticks)))


def wish_of(folder: Path, steps: int, every: int = 0) -> TrainingWish:
    return TrainingWish(**{**vars(wish_in(folder)), "changed": {"steps": steps}, "preview": {"every": every}})


def how_it_ends(training: Training, after_three: Callable[[], None]) -> ErrorCode:
    """The code of the error it ends with. after_three: called after the third step."""
    try:
        for standing in training.follow():
            if standing.step == 3:
                after_three()
    except ProtocolError as ended:
        return ended.code
    raise AssertionError("it was finished")


def test_it_tells_every_step_and_leaves_only_the_adapter(tmp_path: Path) -> None:
    wish = wish_of(tmp_path, 12, 6)
    with closing(training_of(wish)) as training:
        training.keep(under_way=True)
        told = list(training.follow())
    steps = [one for one in told if one.loss is not None]
    assert [one.step for one in steps] == list(range(1, 13))
    assert {one.steps for one in steps} == {12}
    assert [one.preview for one in told if one.preview] == ["6", "12"]
    assert steps[1].seconds_left == 10.0  # a tick of the clock for each of the other steps
    assert steps[-1].seconds_left == 0.0
    made = training.made
    assert made is not None
    assert made.measured == training.measured
    assert len(made.measured.losses) == 12
    names = sorted(path.relative_to(wish.adapter).as_posix() for path in wish.adapter.rglob("*.*"))
    assert names == [
        "adapter_model.safetensors", "loss.png", "previews/12.wav", "previews/6.wav", "training.json",
    ]  # fmt: skip
    assert not wish.run.exists()


def test_stopped_and_begun_again_it_goes_on(tmp_path: Path) -> None:
    wish = wish_of(tmp_path, LONG)
    with closing(training_of(wish)) as training:
        assert how_it_ends(training, training.stop) is ErrorCode.CANCELLED
        training.keep(under_way=False)
    before = training.measured
    with closing(training_of(wish)) as again:
        first = next(again.follow())
        assert (first.phase, first.step) == (f"going on after step {len(before.losses)}", len(before.losses))
        assert again.measured.losses == before.losses


def test_begun_again_it_shows_what_was_measured_before_until_it_knows_better(tmp_path: Path) -> None:
    wish = wish_of(tmp_path, LONG)
    with closing(training_of(wish)) as training:
        how_it_ends(training, training.stop)
        training.keep(under_way=False)
    before = training.measured
    with closing(training_of(wish)) as again:
        again.keep(under_way=True)
        (kept,) = kept_trainings(wish.store)
        assert again.measured == kept.measured == before
        loading = again._standing({"phase": "loading", "share": 0.0})
        assert loading.step == 0  # nothing that the end of the server need wait for
        assert len(before.losses) >= 3
    (wish.run / "state.json").unlink()  # as a disk may lose it: it begins at the first step
    with closing(training_of(wish)) as anew:
        follow = anew.follow()
        assert next(follow).step == 1
        assert len(anew.measured.losses) == 1


def test_killed_it_says_so(tmp_path: Path) -> None:
    with closing(training_of(wish_of(tmp_path, LONG))) as training:
        assert how_it_ends(training, training.end) is ErrorCode.ENGINE_DIED


def test_previews_that_cannot_be_copied_stay_and_the_adapter_is_whole(tmp_path: Path) -> None:
    wish = wish_of(tmp_path, 2, 1)
    with closing(training_of(wish)) as training:
        for standing in training.follow():
            if standing.step == 2:
                wish.adapter.mkdir(parents=True, exist_ok=True)
                (wish.adapter / "previews").write_text("in the way")
    assert training.made is not None
    assert [path.name for path in wish.run.iterdir()] == ["previews"]
    assert (wish.run / "previews" / "2.wav").is_file()
    assert (wish.adapter / "training.json").is_file()


def test_no_training_ends_with_what_only_shows_it(tmp_path: Path) -> None:
    wish = wish_of(tmp_path, 12)
    (wish.run / "loss.png" / "open").mkdir(parents=True)  # a picture that cannot be replaced
    with closing(training_of(wish)) as training:
        for standing in training.follow():
            if standing.step == 12:
                for name in ("loss.png", "training.json"):
                    (wish.adapter / name / "open").mkdir(parents=True, exist_ok=True)
    assert training.made is not None
    assert Path(training.made.file).is_file()
    assert not wish.run.exists()


def test_how_far_it_was_is_kept_for_those_who_ask_later(tmp_path: Path) -> None:
    wish = wish_of(tmp_path, LONG)
    with closing(training_of(wish)) as training:
        follow = training.follow()
        standing = Standing("", 0.0)
        while standing.step < 2:
            standing = next(follow)
        training.keep(False, "It broke.", "Mend it.")
    (kept,) = kept_trainings(wish.store)
    assert (kept.sentence, len(kept.measured.losses), kept.measured.steps) == ("It broke.", 2, LONG)
    assert json.loads((wish.run / "consent.json").read_text())["songs"]
