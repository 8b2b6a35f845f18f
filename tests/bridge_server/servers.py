"""Settings of servers for tests, and the fixture that runs one: `server = server_fixture(...)` in a test file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from bridge_server.settings import Settings
from tests.bridge_server.peers import ServerThread
from tests.doubles import ENGINES


def settings_in(folder: Path, **changes: object) -> Settings:
    """Settings for a server of the test's own, on free ports, with every double."""
    songs = folder / "songs"
    songs.mkdir(parents=True, exist_ok=True)
    values: dict[str, object] = {
        "store": folder / "store",
        "roots": (songs,),
        "osc_port": 0,
        "websocket_port": 0,
        "engine": "noise",
        "engines": ENGINES,
        "sound": False,  # no test plays through anyone's loudspeakers
        **changes,
    }
    return Settings(**values)  # type: ignore[arg-type]


def open_settings(store: Path, **changes: object) -> Settings:
    """Settings of a server that other machines may reach, with the token "abc", and this one without."""
    values: dict[str, object] = {
        "host": "0.0.0.0",
        "token": "abc",
        "trust_this_machine": True,
        "websocket_port": 9125,
        **changes,
    }
    return Settings(store=store, **values)  # type: ignore[arg-type]


def server_fixture(
    *songs: tuple[Callable[..., Path], str],
    scope: Literal["module", "function"] = "module",
    songs_folder: str = "songs",
    **changes: object,
) -> Any:
    """A fixture: a server with these songs, (how it is made, its name), under its one root.

    By default one for the whole file: what its tests leave behind is no other file's surprise.
    changes: settings that differ from those of `settings_in`.
    """

    @pytest.fixture(scope=scope)
    def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
        folder = tmp_path_factory.mktemp("server")
        root = folder / songs_folder
        root.mkdir()
        for make, name in songs:
            make(root / name)
        with ServerThread(settings_in(folder, roots=(root,), **changes)) as running:
            yield running

    return server
