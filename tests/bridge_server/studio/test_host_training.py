"""A training in a host's folder: what of it is believed, what it has made, what is left after a restart."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge_server.studio.host_training import (
    DONE,
    FAILED,
    ORDER,
    SENDING,
    STOPPED,
    HostTraining,
    check_order,
    files_to_send,
    kept_training,
)
from bridge_server.studio.training_messages import Consent, LinkedTraining
from bridge_server.training.kept_trainings import Measured, keep_wish
from bridge_server.training.song_folder import SongToLearn
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.studio.linked_trainings import ordered


def training_in(folder: Path, **changes: Any) -> HostTraining:
    order, _, _ = ordered(folder)
    (folder / "host").mkdir(exist_ok=True)
    return HostTraining(folder / "host" / order.id, replace(order, **changes))


def test_songs_that_came_are_those_of_the_training(tmp_path: Path) -> None:
    training = training_in(tmp_path)
    training.keep()
    missing = training.missing()
    assert len(missing) == 3
    files = files_to_send(training.order, missing[:2])
    assert [file.digest for file in files] == list(missing[:2])
    for number, one in enumerate(training.order.songs):
        shutil.copyfile(tmp_path / "songs" / one.name, tmp_path / "arrived")
        training.take(one.bytes_digest, tmp_path / "arrived")
        assert len(training.missing()) == 2 - number
    assert [song.path.read_bytes() for song in training.songs()] == [
        (tmp_path / "songs" / one.name).read_bytes() for one in training.order.songs
    ]
    assert training.consent()["songs"] == sorted(one.digest for one in training.order.songs)
    training.remove_songs()
    assert len(training.missing()) == 3


def test_what_it_made_can_be_opened_and_nothing_else(tmp_path: Path) -> None:
    training = training_in(tmp_path)
    adapter, run = (training.folder / name / training.order.name for name in ("adapters", "training"))
    for path in (adapter / "adapter_model.safetensors", run / "previews" / "25.wav", run / "state.1"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(path.name.encode())
    assert [file.name for file in training.files()] == ["previews/25.wav"], "the adapter may not be whole"
    training.state = DONE
    shutil.move(run / "previews", adapter / "previews")
    preview, whole = training.files()
    assert (whole.name, whole.size) == ("adapter_model.safetensors", 25)
    assert preview.digest == hashlib.sha256(b"25.wav").hexdigest()
    with training.open("previews/25.wav") as file:
        assert file.read() == b"25.wav"
    for name in ("order.json", "../order.json", "previews/../../order.json", "state.1", "previews/7.wav", ""):
        with pytest.raises(FileNotFoundError):
            training.open(name)


@pytest.mark.parametrize(("wanted", "state"), [(True, SENDING), (False, STOPPED)])
def test_after_a_restart_it_is_wanted_or_not(tmp_path: Path, wanted: bool, state: str) -> None:
    training = training_in(tmp_path)
    training.wanted = wanted
    training.keep()
    found = kept_training(training.folder)
    assert (found.order, found.state, found.wanted) == (training.order, state, wanted)


def test_after_a_restart_one_that_failed_says_why_and_one_that_is_whole_is_done(tmp_path: Path) -> None:
    training = training_in(tmp_path)
    training.wanted = False
    training.keep()
    wish = training.wish(tmp_path / "models", "cpu", "")
    assert (wish.device, wish.models) == ("cpu", tmp_path / "models")
    keep_wish(
        wish, False, ("rain.wav",), Measured((2.0, 1.0), (), 4), "The disk is full.", "Free some space."
    )
    found = kept_training(training.folder)
    assert found.error is not None
    assert (found.state, found.error.sentence, found.measured.losses) == (
        FAILED,
        "The disk is full.",
        (2.0, 1.0),
    )
    training.wanted = True
    training.keep()
    found = kept_training(training.folder)
    assert found is not None
    assert (found.state, found.error) == (SENDING, None), "it was resumed"
    wish.adapter.mkdir(parents=True)
    (wish.adapter / "lokr_weights.safetensors").write_bytes(b"whole")
    found = kept_training(training.folder)
    assert found.state == DONE


@pytest.mark.parametrize("text", ["", "{}", '{"order": {"id": "x"}}', '{"order": 5}'])
def test_a_damaged_folder_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / ORDER).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="is no training's order"):
        kept_training(tmp_path)


def test_an_order_is_not_believed(tmp_path: Path) -> None:
    order, _, _ = ordered(tmp_path)
    check_order(order)
    first, *rest = order.songs

    def with_first(**changes: Any) -> LinkedTraining:
        return replace(order, songs=(replace(first, **changes), *rest))

    for wrong in (
        replace(order, id="../../etc"),
        replace(order, name="../mine"),
        replace(order, songs=()),
        replace(order, songs=order.songs * 20),
        replace(order, checkpoint="x" * 200),
        replace(order, changed={"rank": ["x"]}),
        with_first(digest="x"),
        with_first(size=-1),
        with_first(bytes_digest="../x"),
        with_first(name="rain.exe"),
        with_first(words=replace(first.words, caption="x" * 1000)),
    ):
        with pytest.raises(ProtocolError, match="cannot be one") as refused:
            check_order(wrong)
        assert refused.value.code is ErrorCode.BAD_MESSAGE
    for name in ("../rain.wav", "/elsewhere/rain.wav", "nul.wav", "rain\n.wav"):
        with pytest.raises(ProtocolError, match="cannot have a file"):
            check_order(with_first(name=name))
    with pytest.raises(ProtocolError, match=r"rain\.wav and RAIN\.wav differ only in capital"):
        check_order(replace(order, songs=(*order.songs, replace(order.songs[1], name="RAIN.wav"))))
    with pytest.raises(ProtocolError, match=r"late-train\.json has a timesignature of 600 letters"):
        check_order(with_first(words=replace(first.words, meter="4" * 600)))
    for consent in (Consent((), "now"), Consent(order.consent.songs[:2], "now")):
        with pytest.raises(ProtocolError, match="consent of everyone"):
            check_order(replace(order, consent=consent))


def test_songs_are_read_as_they_were_described(tmp_path: Path) -> None:
    training = training_in(tmp_path)
    song = training.songs()[0]
    assert isinstance(song, SongToLearn)
    assert song.words == {"caption": "late train", "describe": True}
    assert json.dumps(song.fields)
