"""An extraction that names no stems says before it starts how many passes it takes, and how long as far as known."""

from __future__ import annotations

import pytest

from bridge_server.rendering.stem_passes import in_words
from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.servers import settings_in


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = settings_in(tmp_path_factory.mktemp("passes"))
    noise_song(settings.roots[0] / "song.wav", 90_000)
    with ServerThread(settings) as running:
        yield running


def test_the_first_extraction_does_not_know_how_long_and_the_next_one_does(server):
    asked = {"source": "song.wav", "engine": "passes"}
    with server.websocket() as ws:
        first = ws.call("extract", **asked)
        assert first["note"].startswith(
            "No stems were named, so Passes renders 2 passes, one after the other"
        )
        assert "how long that takes is not known yet" in first["note"]
        assert "Name the stems you want" in first["note"]
        assert ws.until_end(first["job"])[-1].name == "done"
        second = ws.call("extract", **asked, takes=2)
        assert "renders 4 passes, for all 2 stems" in second["note"]
        assert "that takes about" in second["note"]
        assert ws.until_end(second["job"])[-1].name == "done"


@pytest.mark.parametrize("asked", [{"engine": "passes", "stems": ["vocals"]}, {"engine": "noise"}])
def test_named_stems_and_one_pass_for_all_need_no_note(server, asked):
    with server.websocket() as ws:
        reported = ws.call("extract", source="song.wav", **asked)
        assert "passes" not in reported.get("note", "").lower()
        assert ws.until_end(reported["job"])[-1].name == "done"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (40.4, "40 s"), (100, "2 min"), (1500, "25 min"), (12_600, "3.5 h")]
)
def test_a_duration_to_plan_by(seconds, words):
    assert in_words(seconds) == words
