"""A training at a host that is not there, is another one, or is left. See also test_hosted_training.py."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge_server.studio import host_trainings
from bridge_server.studio.at_host import keep_at_host
from bridge_server.studio.host_training import HostTraining
from bridge_server.studio.hosted_process import HostedProcess
from bridge_server.studio.join_string import JoinString
from bridge_server.training.trainable import Trainable
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.render_hosts import HostThread, host_settings
from tests.bridge_server.studio.linked_trainings import ordered
from tests.bridge_server.studio.test_at_host import BOX
from tests.bridge_server.studios import wait_until
from tests.bridge_server.training.training_peer import SMALL_TRAINER


def process(folder: Path, join: JoinString = BOX, known: bool = False) -> Any:
    """A training of which nobody answers at that port; known: it had been there."""
    training, order, paths = ordered(folder)
    if known:
        keep_at_host(Path(order["run"]), BOX, training)
    return contextlib.closing(HostedProcess(join, order, paths))


def test_where_nobody_answers_nothing_begins(tmp_path: Path) -> None:
    with process(tmp_path) as hosted, pytest.raises(ProtocolError, match="cannot be reached") as refused:
        list(hosted.news())
    assert refused.value.code is ErrorCode.ENGINE_NOT_READY
    assert refused.value.remedy.startswith("Nothing was sent there.")
    assert not (tmp_path / "store" / "training" / "my_sound" / "at_host.json").exists()


def test_one_that_was_there_is_waited_for_until_it_is_left(tmp_path: Path) -> None:
    with process(tmp_path, known=True) as hosted:
        news = hosted.news()
        told = next(news)
        assert (told["phase"].partition(":")[0], told["waits"]) == (
            "waiting for the render host 127.0.0.1",
            True,
        )
        hosted.leave()
        with pytest.raises(ProtocolError, match="goes on at the render host") as left:
            list(news)
    assert left.value.code is ErrorCode.CANCELLED


def test_one_that_is_to_be_stopped_there_says_that_it_goes_on(tmp_path: Path) -> None:
    with process(tmp_path, known=True) as hosted:
        hosted.stop()
        hosted.pause(True)
        with pytest.raises(ProtocolError, match="cannot be reached") as refused:
            list(hosted.news())
        assert "goes on there by itself" in refused.value.remedy
    hosted.stop()  # nothing is there any more, and nobody is disturbed


def test_a_training_is_at_one_host(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"is at the render host ws://127.0.0.1:9, not at this one"):
        process(tmp_path, replace(BOX, port=10), known=True)


@pytest.fixture
def one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_trainings, "trainable", lambda _: Trainable(("acestep-v15-turbo",)))
    monkeypatch.setattr("bridge_server.training.training_process.TRAINER", SMALL_TRAINER)


def one_host(folder: Path) -> HostThread:
    return HostThread(host_settings(folder / "host", ("slow",), places=1))


@pytest.mark.usefixtures("one_model")
def test_a_stop_before_the_order_is_sent_reaches_the_host(tmp_path: Path) -> None:
    with one_host(tmp_path) as host:
        with process(tmp_path, host.join) as hosted:
            hosted.stop()
            with pytest.raises(ProtocolError) as stopped:
                list(hosted.news())
        assert stopped.value.code is ErrorCode.CANCELLED
        (order,) = (tmp_path / "host" / "trainings").glob("*/order.json")
        wait_until(lambda: not json.loads(order.read_text(encoding="utf-8"))["wanted"])


def test_one_that_the_host_refuses_is_not_there(tmp_path: Path) -> None:
    with (
        one_host(tmp_path) as host,
        process(tmp_path, host.join) as hosted,
        pytest.raises(ProtocolError, match="studio cannot train"),
    ):
        list(hosted.news())
    assert not (tmp_path / "store" / "training" / "my_sound" / "at_host.json").exists()


@pytest.mark.usefixtures("one_model")
def test_a_preview_that_cannot_be_had_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = HostTraining.open

    def opened(training: HostTraining, name: str) -> Any:
        if name.startswith("previews/"):
            raise FileNotFoundError(name)
        return made(training, name)

    monkeypatch.setattr(HostTraining, "open", opened)
    _, order, paths = ordered(tmp_path, every=5)
    order = {**order, "checkpoint": "turbo", "device": ""}
    with (
        one_host(tmp_path) as host,
        contextlib.closing(HostedProcess(host.join, order, paths)) as hosted,
    ):
        told = list(hosted.news())
    assert Path(told[-1]["adapter"]).is_file()
    assert not [one for one in told if "preview" in one]
