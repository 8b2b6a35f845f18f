"""`takebridge models ears` as it is typed: what it says before and after, and how it ends."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bridge_server.cli.commands import DONE, Screen
from bridge_server.cli.ears import run_ears
from daw_protocol.errors import ProtocolError
from model import ears


@pytest.fixture
def typed(monkeypatch, tmp_path):
    """Runs the command, which fetches into a folder of the test's own; what was printed."""
    path = tmp_path / "final0.ckpt"

    def fetched():
        path.touch()
        return path

    monkeypatch.setattr(ears, "weights_path", lambda: path)
    monkeypatch.setattr(ears, "fetch_weights", fetched)

    def run() -> str:
        printed = io.StringIO()
        assert run_ears(Screen(Console(file=printed, width=200))) == DONE
        return printed.getvalue()

    return run


def test_size_and_address_are_said_first_and_only_once_fetched(typed):
    assert "about 78 MB to fetch from cloud.cp.jku.at" in typed()
    assert typed() == "Here already, and it loads.\n"


@pytest.mark.parametrize(
    ("note", "sentence", "remedy"),
    [
        ("", "Beat This! is not installed.", "takebridge[ears]"),
        ("It does not load.", "It does not load.", "embedded"),
    ],
)
def test_what_is_missing_is_said_with_a_remedy(typed, monkeypatch, note, sentence, remedy):
    def missing():
        raise ears.CannotHear(note)

    monkeypatch.setattr(ears, "weights_path", missing)
    with pytest.raises(ProtocolError) as refused:
        typed()
    assert refused.value.sentence == sentence
    assert remedy in refused.value.remedy
