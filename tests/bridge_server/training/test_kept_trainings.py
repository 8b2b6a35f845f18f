"""What the disk says of trainings, whole, damaged or of another version."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge_server.training.kept_trainings import (
    KeptTraining,
    Measured,
    is_being_trained,
    keep_report,
    keep_wish,
    kept_trainings,
    preview_names,
    refuse_other,
    remove_run,
    settle_finished,
)
from bridge_server.training.song_folder import songs_in
from bridge_server.training.training_wish import consent_now, only_one, save
from daw_protocol.errors import ProtocolError
from tests.bridge_server.training.songs_to_learn import three_songs
from tests.bridge_server.training.test_training_wish import wish_in

MEASURED = Measured((3.0, 2.0), ((2, 2.5),), 10)


def of(folder: Path) -> KeptTraining:
    (found,) = kept_trainings(folder / "store")
    return found


def test_an_unfinished_one_comes_back(tmp_path: Path) -> None:
    assert kept_trainings(tmp_path / "store") == []
    wish = wish_in(tmp_path)
    keep_wish(wish, True, ("rain.wav",), MEASURED, "It broke.", "Mend it.")
    found = of(tmp_path)
    assert (found.wish, found.under_way, found.songs, found.measured) == (wish, True, ("rain.wav",), MEASURED)
    assert (found.sentence, found.remedy, found.adapter) == ("It broke.", "Mend it.", None)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"wish": 5}', '{"wish": {"name": "my_sound"}}', "[" * 10_000, '{"wish": {"else": 1}}']
)
def test_a_damaged_one_is_left_out(tmp_path: Path, text: str) -> None:
    run = wish_in(tmp_path).run
    run.mkdir(parents=True)
    (run / "wish.json").write_text(text)
    assert kept_trainings(tmp_path / "store") == []


def test_figures_that_are_none_are_left_out(tmp_path: Path) -> None:
    wish = wish_in(tmp_path)
    keep_wish(wish, False, (), MEASURED)
    path = wish.run / "wish.json"
    for wrong in ({"losses": "x"}, {"checks": [[1]]}, {"steps": "many"}, {"songs": 5}):
        path.write_text(json.dumps({**json.loads(path.read_text()), **wrong}))
        assert of(tmp_path).measured in (MEASURED, Measured())
    assert of(tmp_path).measured == Measured()


def test_a_finished_one_is_known_by_its_adapter(tmp_path: Path) -> None:
    folder = tmp_path / "store" / "adapters" / "my_sound"
    folder.mkdir(parents=True)
    assert kept_trainings(tmp_path / "store") == []
    (folder / "lokr_weights.safetensors").write_bytes(b"")
    assert of(tmp_path).adapter == folder / "lokr_weights.safetensors"
    keep_report(folder, ("rain.wav",), MEASURED)
    keep_wish(wish_in(tmp_path), False, (), Measured())  # what a full disk left of it
    found = of(tmp_path)
    assert (found.wish, found.measured, found.songs) == (None, MEASURED, ("rain.wav",))


def test_what_is_left_of_finished_ones_goes_and_their_previews_are_kept(tmp_path: Path) -> None:
    store = tmp_path / "store"
    names = ("whole", "elsewhere", "unfinished", "torn", "unreadable", "busy")
    wishes = {
        name: replace(
            wish_in(tmp_path), name=name, out=tmp_path if name == "elsewhere" else store / "adapters"
        )
        for name in names
    }
    for name, wish in wishes.items():
        keep_wish(wish, True, (), MEASURED)
        save(wish.run / "previews" / "0.wav", b"sound")
        save(wish.run / "state.json", b"")
        if name != "unfinished":
            save(store / "adapters" / name / "adapter_model.safetensors", b"")
    (wishes["torn"].run / "wish.json").unlink()
    (wishes["unreadable"].run / "wish.json").write_text("{")
    with only_one(wishes["busy"]):
        settle_finished(store)
    left = sorted(path.name for path in (store / "training").iterdir() if path.is_dir())
    assert left == ["busy", "elsewhere", "unfinished", "unreadable"]
    for name in ("whole", "torn"):
        assert (store / "adapters" / name / "previews" / "0.wav").read_bytes() == b"sound"


def test_what_cannot_be_removed_is_still_there_to_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = wish_in(tmp_path)
    keep_wish(wish, False, (), MEASURED)
    save(wish.run / "songs" / "a", b"")
    save(wish.run / "zeros", b"")
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", refuse)
        with pytest.raises(OSError, match="open elsewhere"):
            remove_run(wish.run)
    assert sorted(path.name for path in wish.run.iterdir()) == ["songs", "wish.json"]
    assert of(tmp_path).name == wish.name
    remove_run(wish.run)
    assert not wish.run.exists()


def refuse(_path: Path) -> None:
    raise OSError("open elsewhere")


def test_previews_come_by_step_and_the_finished_adapter_last(tmp_path: Path) -> None:
    (tmp_path / "previews").mkdir()
    for name in ("finished.wav", "100.wav", "0.wav", "20.wav", "notes.txt"):
        (tmp_path / "previews" / name).touch()
    assert preview_names(tmp_path) == ("0", "20", "100", "finished")


def test_what_was_learnt_from_other_words_or_songs_is_not_gone_on_with(tmp_path: Path) -> None:
    wish, songs = wish_in(tmp_path), songs_in(three_songs(tmp_path / "songs"))
    keep_wish(wish, False, (), MEASURED)
    refuse_other(replace(wish, describe=False), songs[:1])  # nothing is learnt yet
    save(wish.run / "state.json", b"")
    save(wish.run / "consent.json", json.dumps(consent_now(songs)).encode())
    refuse_other(wish, songs)
    others: list[dict[str, Any]] = [
        {"describe": False}, {"changed": {"rank": 8}}, {"checkpoint": "base"}, {"memory": 24}, {"on": "studio"},
    ]  # fmt: skip
    for other in others:
        with pytest.raises(ProtocolError, match="begun with other songs, settings"):
            refuse_other(replace(wish, **other), songs)
    with pytest.raises(ProtocolError, match="begun with other songs, settings"):
        refuse_other(wish, songs[:2])
    (wish.run / "state.json").rename(wish.run / "at_host.json")  # what was learnt may be at a render host
    with pytest.raises(ProtocolError, match="begun with other songs, settings"):
        refuse_other(wish, songs[:2])


def test_whoever_trains_is_noticed(tmp_path: Path) -> None:
    wish = wish_in(tmp_path)
    assert not is_being_trained(wish.store, wish.name)
    with only_one(wish):
        assert is_being_trained(wish.store, wish.name)
    assert not is_being_trained(wish.store, wish.name)
