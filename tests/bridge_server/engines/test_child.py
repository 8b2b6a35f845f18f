"""The child's half of the pipe: what it writes, what it says, and in which order."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge_server.engines.child import StemWriters, broke, child_main, kind_of
from bridge_server.engines.messages import (
    ChildBroke,
    ChildDescription,
    ChildDone,
    ChildPiece,
    ChildProgress,
    ChildReady,
    ChildRefused,
    ChildReport,
    ChildStart,
    EngineFolders,
    QuitCommand,
    RenderCommand,
    StopCommand,
)
from bridge_server.engines.outcome import stem_path
from clip_store.errors import StoreError
from model.engine import Piece
from model.errors import CannotRender, NotLoaded, RenderStopped
from tests.bridge_server.engines.test_process import order
from tests.bridge_server.peers import PATIENCE
from tests.doubles import ENGINES, noise


class Child:
    """An engine's process, and the server's end of its pipe."""

    def __init__(self, engine: str, folder: Path | None) -> None:
        """folder: for results; None for a process that only describes."""
        context = multiprocessing.get_context("spawn")
        self.pipe, self._theirs = context.Pipe()
        folders = None if folder is None else EngineFolders(folder / "blobs", folder)
        (folder / "j1-1").mkdir() if folder else None
        start = ChildStart(ENGINES[engine].target, "{}", folders)
        self._process = context.Process(target=child_main, args=(self._theirs, start))

    def __enter__(self) -> Child:
        self._process.start()
        self._theirs.close()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # it may have ended by itself
            self.pipe.send(QuitCommand())
        self._process.join(PATIENCE)
        self.pipe.close()
        assert self._process.exitcode == 0

    def until(self, kind: type) -> list:
        """Everything it says up to the first message of that kind."""
        found = []
        while not found or not isinstance(found[-1], kind):
            assert self.pipe.poll(PATIENCE)
            found.append(self.pipe.recv())
        return found


def numbered(number: int, seconds: float = 0.0, **changes: object) -> RenderCommand:
    plain = order(seconds)
    return replace(plain, number=number, request=replace(plain.request, **changes))


def test_it_says_that_it_is_ready_then_what_it_renders(tmp_path):
    with Child("noise", tmp_path) as child:
        described, *loading, ready = child.until(ChildReady)
        assert isinstance(described, ChildDescription), "before anything is loaded"
        assert described.description == ready.description
        assert [message.progress.stage for message in loading] == ["loading"]
        assert ready.description.name == "noise"
        child.pipe.send(numbered(1))
        received = child.until(ChildDone)
    pieces = [message for message in received if isinstance(message, ChildPiece)]
    assert [piece.start for piece in pieces if piece.stem == "mix"] == [0, 8192, 16384]
    assert stem_path(tmp_path / "j1-1", 0, "mix").stat().st_size == 20_000 * 2 * 4
    assert {message.number for message in received} == {1}


def test_asked_only_what_the_engine_can_do_it_loads_nothing_and_ends():
    with Child("stillborn", None) as child:
        assert child.until(ChildDescription)[-1].description.name == "stillborn"


def test_a_stop_ends_its_own_order_and_not_the_next(tmp_path):
    with Child("slow", tmp_path) as child:
        child.until(ChildReady)
        child.pipe.send(numbered(1, 30.0))
        child.until(ChildProgress)
        child.pipe.send(StopCommand(1))
        assert child.until(ChildRefused)[-1].kind == "stopped"
        child.pipe.send(numbered(2))
        assert child.until(ChildReport)[-1].number == 2


def test_progress_is_thinned_out(tmp_path):
    with Child("slow", tmp_path) as child:
        child.until(ChildReady)
        child.pipe.send(numbered(1, 0.5))
        received = child.until(ChildDone)
    progress = [message for message in received if isinstance(message, ChildProgress)]
    assert 2 <= len(progress) <= 11


def test_takes_of_one_order_come_together_and_are_kept_apart(tmp_path):
    with Child("together", tmp_path) as child:
        child.until(ChildReady)
        child.pipe.send(numbered(1, takes=(1, 3)))
        heard = child.until(ChildDone)
    pieces = [message for message in heard if isinstance(message, ChildPiece)]
    assert [piece.take for piece in pieces] == [1, 3] * 3
    assert [message.take for message in heard if isinstance(message, ChildReport)] == [1, 3]
    one, three = (
        np.fromfile(stem_path(tmp_path / "j1-1", take, "mix"), "<f4").reshape(-1, 2) for take in (1, 3)
    )
    request = order().request
    assert np.array_equal(one, noise(replace(request, takes=(1,)), 20_000))
    assert np.array_equal(three, noise(replace(request, takes=(3,)), 20_000))


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ("other take", "a Piece of take 7; the order has (0, 1)"),
        ("nameless", "a Piece of take None; the order has (0, 1)"),
        ("one report", "without a report on take 2"),
    ],
)
def test_an_engine_that_confuses_its_takes_is_a_mistake(tmp_path, fault, word):
    with Child("together", tmp_path) as child:
        child.until(ChildReady)
        child.pipe.send(numbered(1, takes=(0, 1), options={"fault": fault}))
        assert word in child.until(ChildBroke)[-1].sentence


def samples(frames: int, channels: int = 2) -> np.ndarray:
    return np.arange(frames * channels, dtype=np.float32).reshape(frames, channels)


def test_pieces_of_a_stem_become_one_file(tmp_path):
    writers = StemWriters(tmp_path, 2)
    writers.write(0, Piece("mix", 100, samples(5)))
    writers.write(1, Piece("mix", 50, samples(4)))
    writers.write(0, Piece("lead vocals", 0, samples(2)))
    writers.write(0, Piece("mix", 105, samples(3)))
    writers.close()
    mix, other = (np.fromfile(stem_path(tmp_path, take, "mix"), "<f4").reshape(-1, 2) for take in range(2))
    assert np.array_equal(mix, np.concatenate([samples(5), samples(3)]))
    assert np.array_equal(other, samples(4)), "each take has its own"
    assert stem_path(tmp_path, 0, "lead vocals").name == "0-lead_vocals.f32"


@pytest.mark.parametrize(
    ("piece", "word"),
    [
        (Piece("mix", 6, samples(1)), "expected 5"),
        (Piece("mix", 4, samples(1)), "expected 5"),
        (Piece("mix", 5, samples(1, 1)), "shape"),
        (Piece("mix", 5, samples(2).ravel()), "shape"),
    ],
)
def test_pieces_that_do_not_follow_are_a_mistake(tmp_path, piece, word):
    writers = StemWriters(tmp_path, 2)
    writers.write(0, Piece("mix", 0, samples(5)))
    with pytest.raises(RuntimeError, match=word):
        writers.write(0, piece)
    writers.close()


def test_a_full_disk_is_reported_in_words(small_disk):
    writers = StemWriters(small_disk, 2)
    with pytest.raises(StoreError, match="full") as caught:
        writers.write(0, Piece("mix", 0, samples(2_000_000)))
    assert caught.value.__cause__.errno == errno.ENOSPC
    writers.close()


def test_what_an_engine_raises_is_reported_by_kind():
    assert kind_of(RenderStopped()) == "stopped"
    assert kind_of(NotLoaded("x")) == "not loaded"
    assert kind_of(CannotRender("x")) == "cannot"
    assert "KeyError: 'x'" in broke(3, KeyError("x")).sentence
