"""The presets of a server: found, replaced, bounded, filled into requests, and there after a restart."""

from __future__ import annotations

import sqlite3

import pytest

from bridge_server import presets as module
from bridge_server.jobs.database import open_database
from bridge_server.presets import Presets
from daw_protocol.errors import ErrorCode
from daw_protocol.prompt_results import Preset
from daw_protocol.requests import Complete, Cover, Repaint
from tests.refusals import refusal

DARK = Preset(
    name="Dark", task="repaint", prompt="no drums, darker", strength=0.3, match_loudness=False, takes=4
)


@pytest.fixture
def connection(tmp_path):
    opened = open_database(tmp_path / "store.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def presets(connection):
    return Presets(connection)


def test_a_preset_is_found_however_its_name_is_written(presets):
    presets.save(Preset(name="Gr\u00fcn", task="cover", prompt="x"))
    assert presets.named(" GRU\u0308N ").prompt == "x"
    presets.save(Preset(name="gr\u00fcn", task="cover", prompt="y"))
    assert [(one.name, one.prompt) for one in presets.all()] == [("gr\u00fcn", "y")]
    assert presets.delete("GR\u00dcN").name == "gr\u00fcn"
    error = refusal(presets.named, "gr\u00fcn")
    assert (error.code, error.field) == (ErrorCode.UNKNOWN_PRESET, "preset")
    assert refusal(presets.delete, "gr\u00fcn").code is ErrorCode.UNKNOWN_PRESET


def test_they_are_there_after_a_restart(presets, connection):
    presets.save(DARK)
    assert Presets(connection).all() == (DARK,)


def test_there_are_so_many_at_most(presets, monkeypatch):
    monkeypatch.setattr(module, "MAX_PRESETS", 1)
    presets.save(DARK)
    presets.save(DARK)
    assert refusal(presets.save, Preset(name="other", task="repaint")).code is ErrorCode.TOO_LARGE


def test_a_preset_fills_what_a_request_leaves_at_its_default(presets):
    presets.save(DARK)
    filled = presets.fill(Repaint(preset="dark", strength=0.8))
    assert (filled.prompt, filled.strength, filled.takes, filled.match_loudness) == (
        DARK.prompt,
        0.8,
        4,
        False,
    )
    assert filled.preset == "", "a variation of the take must not be filled again"
    assert presets.fill(Repaint(prompt="x")) == Repaint(prompt="x")


def test_a_region_counts_more_than_a_length(presets):
    presets.save(Preset(name="Coda", task="complete", length="8 bars", ending=True))
    assert str(presets.fill(Complete(preset="Coda")).length) == "8 bars"
    assert presets.fill(Complete(preset="Coda", bars="3-4")).length is None


def test_a_preset_of_another_task_is_refused(presets):
    presets.save(DARK)
    error = refusal(presets.fill, Cover(preset="Dark"))
    assert (error.code, error.field) == (ErrorCode.OUT_OF_RANGE, "preset")
    assert "is for repaint, not for cover" in error.sentence


def test_what_cannot_be_read_is_left_out(presets, connection: sqlite3.Connection):
    presets.save(DARK)
    connection.execute("INSERT INTO preset VALUES ('x', '{')")
    connection.execute('INSERT INTO preset VALUES (\'y\', \'{"name": "y", "task": "paint"}\')')
    assert presets.all() == (DARK,)
    assert refusal(presets.named, "y").code is ErrorCode.UNKNOWN_PRESET
