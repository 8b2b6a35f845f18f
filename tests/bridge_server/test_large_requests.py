"""The largest request keeps the server from nobody else: if it does, the loop's watchdog fails the test."""

from __future__ import annotations

import json

import pytest

from daw_protocol.timeline.tempo_point import MAX_POINTS
from tests.bridge_server.peers import noise_song
from tests.bridge_server.servers import server_fixture

server = server_fixture((noise_song, "song.wav"))

MAP = {"points": [{"quarter": number, "bpm": 100 + number % 7} for number in range(MAX_POINTS)]}
REGION = {"source": "song.wav", "start": 1000, "end": 20_000}


@pytest.mark.slow
def test_the_longest_tempo_map(server):
    """Rendered on, and exported."""
    calls = {
        "repaint": {**REGION, "tempo_map": MAP},
        "export": {"what": "song", "name": "song", "format": "rpp"},
    }
    with server.websocket() as ws:
        for (
            method,
            params,
        ) in calls.items():  # without looking at each answer's form, which would take a test's time
            ws.connection.send(
                json.dumps({"jsonrpc": "2.0", "id": method, "method": method, "params": params})
            )
            assert "result" in ws.frame_where(lambda frame, method=method: frame.get("id") == method)
            if method == "repaint":
                ws.frame_where(lambda frame: frame.get("method") == "done")
