"""What the commands about models share on the screen."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from bridge_server.cli.commands import Screen
from bridge_server.cli.model_screen import chosen_models, gigabytes, transfer_bar
from daw_protocol.errors import ProtocolError
from tests.places import TINY


@pytest.mark.parametrize(
    ("size", "text"), [(4_787_825_604, "4.79 GB"), (19_950_000_000, "19.95 GB"), (741_556, "0.74 MB")]
)
def test_gigabytes(size, text):
    assert gigabytes(size) == text


def test_models_are_chosen_by_published_name_or_folder(tmp_path: Path) -> None:
    shutil.copytree(TINY / "acestep-v15-turbo", tmp_path / "acestep-v15-turbo")
    for name in ("turbo", "ACESTEP-v15-turbo"):
        (found,) = chosen_models(tmp_path, [name])
        assert found.path == tmp_path / "acestep-v15-turbo"
    with pytest.raises(ProtocolError, match="base is not in") as absent:
        chosen_models(tmp_path, ["turbo", "base"])
    assert absent.value.remedy == "takebridge models pull base"
    with pytest.raises(ProtocolError, match="no model called 'mine'"):
        chosen_models(tmp_path, ["mine"])


def test_a_bar_takes_bytes_and_names_and_is_silent_for_programs() -> None:
    for as_json in (False, True):
        printed = io.StringIO()
        with transfer_bar(Screen(Console(file=printed), as_json), 10) as meter:
            meter.on_file("one[1].bin")
            meter.on_bytes(4)
            meter.on_bytes(-1)
        assert not as_json or not printed.getvalue()
