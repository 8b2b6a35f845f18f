"""What is typed after `takebridge train`, and where it goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge_server.cli.parser import parser
from bridge_server.cli.train_parser import MEMORY, changed_settings


def typed(*words: str):
    return parser(Path("store"), Path("models"), Path("here")).parse_args(["train", *words])


def test_only_what_was_typed_changes_the_preset() -> None:
    found = typed("--songs", "x", "--name", "my_sound")
    assert changed_settings(found) == {}
    assert (found.consent, found.memory, found.checkpoint, found.render_host) == (False, 0, "", "")
    assert typed("--songs", "x", "--name", "a", "--render-host", "studio.txt").render_host == "studio.txt"
    found = typed(
        "--songs", "x", "--name", "a", "--steps", "9", "--regions", "0.5", "--kind", "lokr", "--seconds", "30"
    )
    assert changed_settings(found) == {"steps": 9, "region_share": 0.5, "kind": "lokr", "seconds": 30.0}


def test_songs_and_name_are_needed(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--songs", "x"], ["--name", "a"]):
        with pytest.raises(SystemExit):
            typed(*words)
        assert "required" in capsys.readouterr().err


def test_the_presets_are_those_of_the_trainer() -> None:
    pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
    from model.acestep.training.training_settings import PRESETS

    assert tuple(PRESETS) == MEMORY
