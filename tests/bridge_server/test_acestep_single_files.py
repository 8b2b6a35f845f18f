"""ComfyUI's files behind a real server and on the command line, with untrained weights: the take is noise."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)

from bridge_server.engines.registry import MODELS_ENGINE, engine_setups
from tests.bridge_server.cli.test_models import Typed
from tests.bridge_server.peers import RpcError, ServerThread
from tests.bridge_server.servers import settings_in
from tests.bridge_server.test_acestep_renders import PATIENT, RATE, load_engine, repaint, write_song
from tests.model.acestep import repackaged

NAME = "ace_step_1.5_turbo_aio"


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    """A folder of ComfyUI with one file for everything, and the tokenizer that comes with the program."""
    repackaged.write_merges(tmp_path / "ComfyUI")
    models = tmp_path / "ComfyUI" / "models"
    repackaged.write_single(models / "checkpoints" / f"{NAME}.safetensors", repackaged.all_in_one())
    return models


def test_a_folder_of_comfyui_renders_behind_the_server(comfyui: Path, tmp_path: Path) -> None:
    engines = engine_setups(models=comfyui, device="cpu", memory_gb=100)
    settings = settings_in(tmp_path, engine=MODELS_ENGINE.name, engines=engines, limits=PATIENT)
    write_song(settings)
    with ServerThread(settings) as server, server.websocket() as ws:
        load_engine(ws)
        take = repaint(ws)
        assert take["recipe"]["weights"] == NAME
        assert take["receipt"]["outside_identical"]
        assert "Noise from untrained weights" in take["recipe"]["method"]
        (comfyui / "checkpoints" / f"{NAME}.safetensors").rename(comfyui / "checkpoints" / "mine.safetensors")
        with pytest.raises(RpcError, match="may be a turbo, base or sft checkpoint"):
            ws.call("repaint", source="song.wav", start=RATE, end=2 * RATE)


def test_the_models_commands_know_it(comfyui: Path) -> None:
    listed = Typed(comfyui)
    assert listed("list") == 0
    assert f"{NAME} " in listed.printed
    assert "turbo, ComfyUI layout" in listed.printed
    whole = Typed(comfyui)
    assert whole("verify", NAME) == 0
    assert "none that is known here" in whole.printed
    tensors = repackaged.all_in_one()
    del tensors["vae.decoder.layers.6.alpha"]
    repackaged.write_single(comfyui / "checkpoints" / f"{NAME}.safetensors", tensors)
    lacking = Typed(comfyui)
    assert lacking("verify") == 1
    assert "decoder.snake.frequency" in lacking.printed
