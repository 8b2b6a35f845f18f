"""The place for models in a real browser: what a task needs is fetched from a hub on this machine."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytest.importorskip("huggingface_hub", reason="SKIPPED: downloads need huggingface-hub (extra acestep)")

from bridge_server.engines.registry import MODELS_ENGINE, engine_setups
from tests.bridge_server import hub_server
from tests.bridge_server.cli.test_models import MAIN, TINY, TURBO, WORDS
from tests.bridge_server.hub_server import running, safetensors
from tests.bridge_server.peers import ServerThread, band_song
from tests.panel.accessibility import low_contrasts, nameless, too_small
from tests.panel.conftest import in_focus
from tests.panel.servers import PANEL_ENGINES, panel_settings

pytestmark = pytest.mark.slow

WEIGHTS = f"{WORDS}/model.safetensors"


@pytest.fixture
def hub(monkeypatch):
    """Has turbo and what it needs, small but for the text encoder, at which it waits."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 300)  # until it is told to go on
    files = {
        f"{name}/{file.name}": file.read_bytes()
        for name in (TURBO, "vae")
        for file in (TINY / name).iterdir()
    }
    files |= {
        f"{WORDS}/config.json": b'{"model_type": "qwen3"}', WEIGHTS: safetensors(weights=(12_000_000,)),
        f"{WORDS}/tokenizer.json": b"{}", f"{WORDS}/tokenizer_config.json": b"{}",
    }  # fmt: skip
    with running(hub_server.Hub({MAIN: files}, stalls_after={WEIGHTS: 20_000_000})) as served:
        yield served


@pytest.fixture
def models_server(hub, tmp_path):
    setup = engine_setups(models=tmp_path / "models")[MODELS_ENGINE.name]
    engines = {**PANEL_ENGINES, MODELS_ENGINE.name: setup}
    settings = panel_settings(tmp_path, engines=engines, engine="sketch", hub=hub.address)
    band_song(settings.roots[0] / "band.wav")
    with ServerThread(settings) as server:
        yield in_focus(server)


def test_a_task_that_needs_a_model_gets_it(models_server, hub, open_panel):
    panel = open_panel(of=models_server).ready()
    page = panel.page
    page.click("#request-form [data-task=generate]", force=True)
    expect(page.locator("#get-model")).to_be_visible()
    page.click("#get-model")
    row = page.locator("#models-dialog [data-model=turbo]")
    expect(row.locator(".get")).to_be_focused()
    expect(row.locator(".get")).to_have_attribute(
        "aria-label", "Get turbo, about 6.3 GB with vae, text-encoder"
    )
    expect(row.get_by_role("link")).to_have_attribute("href", f"https://huggingface.co/{MAIN}")
    expect(page.locator("#models-dialog .machine")).to_contain_text("automatic: the best one there is")
    assert (low_contrasts(page), nameless(page), too_small(page)) == ([], [], [])

    hub.refusal = (503, {})
    panel.press("Enter")
    expect(page.locator("#model-failure")).to_contain_text("HTTP 503")
    hub.refusal = None
    row.locator(".get").click()
    expect(page.locator(".model-transfer")).to_contain_text("turbo: downloading")
    expect(page.locator(".model-transfer .quiet")).to_contain_text("MB of 50")
    expect(page.locator("#model-failure")).to_be_hidden()
    assert (low_contrasts(page), nameless(page), too_small(page)) == ([], [], [])
    expect(page.locator("#engine-name")).to_contain_text("downloading turbo, ")
    expect(page.locator("#more-engine")).to_contain_text("Sketch, downloading turbo, ")
    expect(page.locator("#model-cancel")).to_be_focused()
    panel.press("Enter")
    hub.go_on.set()
    expect(page.locator(".model-transfer")).to_be_hidden()
    assert page.evaluate("document.activeElement.closest('#models-dialog') !== null")

    hub.stalls_after.clear()
    row.locator(".get").click()
    expect(page.locator("#notices")).to_contain_text("The model turbo is on the server's machine.")
    expect(row.locator(".state")).to_have_text("on this machine")
    expect(row.locator(".get")).to_have_count(0)
    panel.wait("v.engines.acestep.can.includes('repaint')")
    panel.press("Escape")
    expect(page.locator("#models-dialog")).to_be_hidden()
    expect(page.locator("#engine-name")).to_have_text("engine: Sketch")
