"""Variations of takes by an engine that cannot stay close to one."""

from __future__ import annotations

import pytest

from tests.bridge_server.peers import RpcError, ServerThread, noise_song
from tests.bridge_server.servers import settings_in


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = settings_in(tmp_path_factory.mktemp("variations"))
    noise_song(settings.roots[0] / "song.wav", 9000)
    with ServerThread(settings) as running:
        yield running


def test_an_engine_without_retakes_says_so_and_what_to_do(server):
    with server.websocket() as ws:
        replies = ws.render("repaint", source="song.wav", start=1000, end=5000, seed=5)
        (take,) = (reply["take"] for reply in replies if reply.name == "take")
        with pytest.raises(RpcError, match="the Noise engine cannot stay close") as refused:
            ws.call("vary", take=take, variance=0.2)
        assert (refused.value.code, refused.value.field) == ("cannot_render", "variance")
        assert "Omit variance" in refused.value.remedy
        for more in ({}, {"variance": 0.2}, {"takes": 2}):
            with pytest.raises(RpcError, match="does not know when its lyrics are sung") as untimed:
                ws.call("vary", take=take, lyric_times=True, **more)
            assert untimed.value.field == "lyric_times"
        varied = ws.render("vary", take=take, seed=6)
        (other,) = (reply for reply in varied if reply.name == "take")
        assert other["seed"] == 6


@pytest.mark.parametrize("variance", [-0.1, 1.1, "much"])
def test_a_variance_is_a_share(server, variance):
    with server.websocket() as ws, pytest.raises(RpcError) as refused:
        ws.call("vary", take="t0", variance=variance)
    assert refused.value.field == "variance"
