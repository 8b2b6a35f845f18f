"""What was typed of a training: kept and read again, its order, consent to exactly these songs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bridge_server.training.song_folder import songs_in
from bridge_server.training.training_wish import (
    TrainingWish,
    consent_now,
    kept_consent,
    order_of,
    refuse_name,
    save,
    wish_from_fields,
)
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.training.songs_to_learn import three_songs


def wish_in(folder: Path) -> TrainingWish:
    return TrainingWish(
        name="my_sound", songs=folder / "songs", out=folder / "out", consent=True, store=folder / "store",
        models=folder / "models", checkpoint="turbo", device="cpu", memory=8, changed={"rank": 4},
        preview={"every": 5}, kernels="kernels.json",
    )  # fmt: skip


def test_a_wish_comes_back_from_json(tmp_path: Path) -> None:
    wish = wish_in(tmp_path)
    assert wish_from_fields(json.loads(json.dumps(wish.to_fields()))) == wish
    before = {
        name: value for name, value in wish.to_fields().items() if name not in ("on", "kernels")
    }  # of an earlier version
    assert wish_from_fields(before) == replace(wish, kernels="")


def test_an_order_names_songs_by_digest_and_no_folder_of_theirs(tmp_path: Path) -> None:
    songs = songs_in(three_songs(tmp_path / "songs"))
    order = order_of(wish_in(tmp_path), songs, consent_now(songs))
    assert str(tmp_path / "songs") not in json.dumps(order)
    assert [song["digest"] for song in order["songs"]] == [song.digest for song in songs]
    assert order["kernels"] == "kernels.json", "so that it goes on as it began"
    assert order["about"]["consent"]["songs"] == sorted(song.digest for song in songs)


def test_consent_is_to_exactly_these_songs(tmp_path: Path) -> None:
    wish, songs = wish_in(tmp_path), songs_in(three_songs(tmp_path / "songs"))
    assert kept_consent(wish, songs) is None
    given = consent_now(songs)
    save(wish.run / "consent.json", json.dumps(given).encode())
    assert kept_consent(wish, songs) == given
    assert kept_consent(wish, songs[:2]) is None
    (wish.run / "consent.json").write_text('{"songs": ')
    assert kept_consent(wish, songs) is None


def test_a_disk_that_refuses_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProtocolError) as refused:
        save(tmp_path / "file" / "below", b"")
    assert refused.value.code is ErrorCode.STORE_FAILED


def test_a_finished_adapter_has_its_name(tmp_path: Path) -> None:
    wish = wish_in(tmp_path)
    refuse_name(wish)
    wish.adapter.mkdir(parents=True)
    refuse_name(wish)  # an empty folder is no adapter
    (wish.adapter / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(ProtocolError, match="already something called my_sound"):
        refuse_name(wish)
