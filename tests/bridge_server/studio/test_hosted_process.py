"""A training at a host that is not there, is another one, or is left. See also test_hosted_training.py."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge_server.studio.at_host import keep_at_host
from bridge_server.studio.hosted_process import HostedProcess
from bridge_server.studio.join_string import JoinString
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.studio.linked_trainings import ordered
from tests.bridge_server.studio.test_at_host import BOX


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
