"""The child's half of the pipe: what it writes, what it says, and in which order."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing

import numpy as np
import pytest

from bridge_server.engines.child import StemWriters, broke, child_main, kind_of, stem_path
from bridge_server.engines.messages import (
    ChildDescription,
    ChildPiece,
    ChildProgress,
    ChildReady,
    ChildRefused,
    ChildReport,
    QuitCommand,
    RenderCommand,
    StopCommand,
)
from clip_store.errors import StoreError
from model.engine import Piece
from model.errors import CannotRender, NotLoaded, RenderStopped
from tests.bridge_server.engines.test_process import order
from tests.bridge_server.peers import PATIENCE
from tests.doubles import ENGINES


class Child:
    """An engine's process, and the server's end of its pipe."""

    def __init__(self, engine: str, describe_only: bool = False) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, self._theirs = context.Pipe()
        self._process = context.Process(
            target=child_main, args=(self._theirs, ENGINES[engine], describe_only)
        )

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


def numbered(number: int, folder, seconds: float = 0.0) -> RenderCommand:
    plain = order(folder, seconds)
    return RenderCommand(number, plain.request, None, "", folder)


def test_it_says_that_it_is_ready_then_what_it_renders(tmp_path):
    with Child("noise") as child:
        described, *loading, ready = child.until(ChildReady)
        assert isinstance(described, ChildDescription), "before anything is loaded"
        assert described.description == ready.description
        assert [message.progress.stage for message in loading] == ["loading"]
        assert ready.description.name == "noise"
        child.pipe.send(numbered(1, tmp_path))
        received = child.until(ChildReport)
    pieces = [message for message in received if isinstance(message, ChildPiece)]
    assert [piece.start for piece in pieces if piece.stem == "mix"] == [0, 8192, 16384]
    assert stem_path(tmp_path, "mix").stat().st_size == 20_000 * 2 * 4
    assert {message.number for message in received} == {1}


def test_asked_only_what_the_engine_can_do_it_loads_nothing_and_ends():
    with Child("stillborn", describe_only=True) as child:
        assert child.until(ChildDescription)[-1].description.name == "stillborn"


def test_a_stop_ends_its_own_order_and_not_the_next(tmp_path):
    with Child("slow") as child:
        child.until(ChildReady)
        child.pipe.send(numbered(1, tmp_path, 30.0))
        child.until(ChildProgress)
        child.pipe.send(StopCommand(1))
        assert child.until(ChildRefused)[-1].kind == "stopped"
        child.pipe.send(numbered(2, tmp_path))
        assert child.until(ChildReport)[-1].number == 2


def test_progress_is_thinned_out(tmp_path):
    with Child("slow") as child:
        child.until(ChildReady)
        child.pipe.send(numbered(1, tmp_path, 0.5))
        received = child.until(ChildReport)
    progress = [message for message in received if isinstance(message, ChildProgress)]
    assert 2 <= len(progress) <= 11


def samples(frames: int, channels: int = 2) -> np.ndarray:
    return np.arange(frames * channels, dtype=np.float32).reshape(frames, channels)


def test_pieces_of_a_stem_become_one_file(tmp_path):
    writers = StemWriters(tmp_path, 2)
    writers.write(Piece("mix", 100, samples(5)))
    writers.write(Piece("lead vocals", 0, samples(2)))
    writers.write(Piece("mix", 105, samples(3)))
    writers.close()
    mix = np.fromfile(stem_path(tmp_path, "mix"), "<f4").reshape(-1, 2)
    assert np.array_equal(mix, np.concatenate([samples(5), samples(3)]))
    assert stem_path(tmp_path, "lead vocals").name == "lead_vocals.f32"


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
    writers.write(Piece("mix", 0, samples(5)))
    with pytest.raises(RuntimeError, match=word):
        writers.write(piece)
    writers.close()


def test_a_full_disk_is_reported_in_words(small_disk):
    writers = StemWriters(small_disk, 2)
    with pytest.raises(StoreError, match="full") as caught:
        writers.write(Piece("mix", 0, samples(2_000_000)))
    assert caught.value.__cause__.errno == errno.ENOSPC
    writers.close()


def test_what_an_engine_raises_is_reported_by_kind():
    assert kind_of(RenderStopped()) == "stopped"
    assert kind_of(NotLoaded("x")) == "not loaded"
    assert kind_of(CannotRender("x")) == "cannot"
    assert "KeyError: 'x'" in broke(3, KeyError("x")).sentence
