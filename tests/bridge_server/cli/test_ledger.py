"""`takebridge ledger` without a server: of a store, of files, and of neither."""

import contextlib
import io
import json

import pytest
from rich.console import Console

from bridge_server.cli.commands import Screen
from bridge_server.cli.export import export
from bridge_server.cli.ledger import ledger
from bridge_server.jobs.database import DATABASE, open_database, transaction
from clip_store.store import ClipStore
from clip_store.take import Take, unmeasured
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.ledger import Ledger
from tests.clip_store.sounds import song


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "store"
    with contextlib.closing(open_database(folder / DATABASE)) as connection:
        found = ClipStore(folder, connection)
        parent, clip = song(9_600), song(4_800, seed=1)
        take = Take(
            "t1", "j1", 1, "repaint", found.blobs.put(parent), clip.digest, 2_400, 2_400, 4_800, 48_000, 1.0,
            title="my song", receipt=unmeasured(2_400, 4_800, 48_000),
        )  # fmt: skip
        with transaction(connection):
            found.keep(take, clip)
            found.index.choose("t1", None, 5.0, "REAPER")
    return folder


def test_of_a_store_and_of_its_files(store, tmp_path, capsys):
    printed = io.StringIO()
    assert ledger(store, Screen(Console(file=printed, width=300)), "my song", None, None) == 0
    assert "0:00.050 – 0:00.150  both" in printed.getvalue()
    assert "chosen: REAPER, 1970-01-01" in printed.getvalue()
    as_json = Screen(Console(), as_json=True)
    assert export(store, as_json, "song", "my song", "dawproject", tmp_path / "out") == 0
    capsys.readouterr()
    assert ledger(store, as_json, "my song", None, None) == 0
    first = json.loads(capsys.readouterr().out)
    assert ledger(tmp_path / "no store", as_json, "", tmp_path / "out", tmp_path / "page") == 0
    second = json.loads(capsys.readouterr().out)
    ours, theirs = (Ledger.from_fields(one["ledger"]) for one in (first, second))
    assert (ours.stretches, ours.human) == (theirs.stretches, theirs.human)
    assert [one.file for one in theirs.takes] == ["same"]
    assert len(second["files"]) == 2
    assert "<path" in (tmp_path / "page" / "my song.ledger.html").read_text("utf-8")


def test_an_export_as_a_ledger(store, tmp_path):
    assert (
        export(store, Screen(Console(file=io.StringIO())), "song", "my song", "ledger", tmp_path / "out") == 0
    )
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".html", ".json"]


def test_what_it_needs(store, tmp_path):
    screen = Screen(Console(file=io.StringIO()))
    for name, files in (("", None), ("my song", tmp_path)):
        with pytest.raises(ProtocolError) as caught:
            ledger(store, screen, name, files, None)
        assert caught.value.code is ErrorCode.MISSING_FIELD
    for place, name, code in (
        (store, "another", ErrorCode.UNKNOWN_TAKE), (tmp_path / "none", "my song", ErrorCode.STORE_FAILED),
    ):  # fmt: skip
        with pytest.raises(ProtocolError) as caught:
            ledger(place, screen, name, None, None)
        assert caught.value.code is code
    with pytest.raises(ProtocolError, match="carries a ledger"):
        ledger(store, screen, "", tmp_path / "store" / "blobs", None)
