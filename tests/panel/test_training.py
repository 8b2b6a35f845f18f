"""Training a sound in a real browser: songs, consent, the growing curve, previews, stop, resume, use in a request."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)

from bridge_server.studio import host_connection, running_host
from bridge_server.training.kept_trainings import Measured, keep_wish, remove_run
from bridge_server.training.training_wish import TrainingWish, only_one
from tests.bridge_server.peers import ServerThread, band_song
from tests.bridge_server.render_hosts import HostThread
from tests.bridge_server.training.songs_to_learn import three_songs, write_song
from tests.bridge_server.training.training_peer import LONG, SMALL_TRAINER, training_settings
from tests.bridge_server.training_hosts import doubles_described, laptop_settings, training_host
from tests.model.acestep.tiny_folder import write_models
from tests.panel.accessibility import axe_file
from tests.panel.conftest import in_focus
from tests.panel.test_accessibility import looked_at

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def training_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    folder = tmp_path_factory.mktemp("training")
    write_models(folder / "models", "acestep-v15-turbo")
    settings = training_settings(folder, engine="sketch")
    band_song(settings.roots[0] / "band.wav")
    mine = three_songs(settings.roots[0] / "mine")
    (mine / "rain.caption.txt").write_text("brushes and rain")
    write_song(three_songs(settings.roots[0] / "broken") / "short.wav", seconds=1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setattr("bridge_server.training.training_process.TRAINER", SMALL_TRAINER)
        with ServerThread(settings) as server:
            yield in_focus(server)


def test_a_sound_is_trained_heard_and_used(training_server, open_panel):
    panel = open_panel(of=training_server).ready()
    page = panel.page
    page.evaluate("document.getElementById('more-fold').open = true")
    page.click("#training-button")
    start, missing = page.locator("#training-start"), page.locator("#training-missing")
    expect(missing).to_have_text("Look at the folder first.")

    page.fill("#training-songs", "broken")
    page.click("#training-look")
    expect(page.locator("#training-seen .reason")).to_contain_text("short.wav lasts 1.0 s")
    page.fill("#training-songs", "mine")
    panel.press("Enter")
    expect(page.locator("#training-seen")).to_contain_text("3 songs, 0:16")
    expect(page.locator(".songs-to-learn")).to_contain_text("brushes and rain")
    expect(missing).to_have_text("Give it a name: letters, digits, - and _.")
    page.fill("#training-name", "my_sound")
    expect(missing).to_have_text("Say that the songs may be used.")
    start.click(force=True)
    expect(page.locator("#training-now")).to_be_hidden()
    page.check("#training-consent")
    expect(missing).to_have_text("")
    page.fill("#training-songs", "mine ")  # other songs need another consent
    expect(page.locator("#training-consent")).not_to_be_checked()
    page.fill("#training-songs", "mine")
    panel.press("Enter")
    page.check("#training-consent")
    if axe_file() is not None:
        looked_at(panel, keys=False)

    page.locator("#training-form summary").click()
    page.fill("#training-steps", str(LONG))
    start.click()
    now = page.locator("#training-now")
    expect(now).to_contain_text("my_sound")
    panel.wait("(v.training?.step ?? 0) > 300")
    expect(now.locator(".loss-plot .average")).to_have_count(1)
    expect(now.locator(".previews li")).not_to_have_count(0)
    expect(now.locator("[role=status]")).to_contain_text(f"of {LONG:,}")
    if axe_file() is not None:
        looked_at(panel, keys=False)
    page.get_by_role("button", name="Stop training “my_sound”").click()
    sound = page.locator("[data-sound=my_sound]")
    expect(sound.locator(".state")).to_have_text("Stopped")
    expect(page.locator("#training-form")).to_be_visible()
    sound.get_by_role("button", name="Resume “my_sound”").click()
    expect(now).to_contain_text("my_sound")
    page.get_by_role("button", name="Stop training “my_sound”").click()
    (training_server.settings.store / "training" / "my_sound" / "at_host.json").write_text(
        "{", encoding="utf-8"
    )
    remove = sound.get_by_role("button", name="Remove")
    remove.click()
    expect(remove).to_have_text("Remove for good?")
    remove.click()
    expect(sound).to_have_count(0)
    expect(page.locator(".notice.error")).to_contain_text("copies of the songs are removed there thirty days")


def test_one_that_another_program_trains_is_shown_as_that_programs(training_server, open_panel, tmp_path):
    store = training_server.settings.store
    wish = TrainingWish("theirs", tmp_path, tmp_path, True, store, tmp_path, "", "", 0, {})
    keep_wish(wish, False, ("rain.wav",), Measured((1.0,), (), 5))
    with only_one(wish):
        page = open_panel(of=training_server).ready().page
        page.evaluate("document.getElementById('more-fold').open = true")
        page.click("#training-button")
        sound = page.locator("[data-sound=theirs]")
        expect(sound).to_contain_text("trained by another program")
        expect(sound.locator("button")).to_have_count(0)
        expect(page.locator("#training-form")).to_be_visible()
        expect(page.locator("#training-now")).to_be_hidden()
    remove_run(wish.run)


def test_a_finished_sound_is_in_the_next_request(training_server, open_panel):
    with training_server.websocket() as peer:
        peer.call("training.start", name="brushes", songs="mine", consent=True, steps=4, preview_every=2)
    panel = open_panel(of=training_server).ready()
    page = panel.page
    panel.wait("v.sounds.length === 1")
    page.evaluate("document.getElementById('more-fold').open = true")
    page.click("#training-button")
    sound = page.locator("[data-sound=brushes]")
    expect(sound.locator(".state")).to_have_text("Trained")
    sound.locator("summary").click()
    expect(sound.locator("audio")).to_have_count(2)
    page.evaluate("document.querySelector('[data-sound=brushes] audio').play()")
    panel.wait("document.querySelector('[data-sound=brushes] audio').currentTime > 0")
    if axe_file() is not None:
        looked_at(panel, keys=False)
    sound.get_by_role("button", name="Use it: “brushes”").click()
    expect(page.locator("#training-dialog")).to_be_hidden()
    expect(page.locator("#f-sound")).to_have_value("brushes/adapter_model.safetensors")
    expect(page.locator("#f-sound_strength")).to_be_visible()
    assert page.evaluate("document.getElementById('f-engine').value") == "acestep"


def with_band(settings):
    """A song that the panel begins with."""
    band_song(settings.roots[0] / "band.wav")
    return settings


def test_a_sound_is_trained_on_a_render_host(open_panel, tmp_path, monkeypatch):
    monkeypatch.setattr("bridge_server.training.training_process.TRAINER", SMALL_TRAINER)
    monkeypatch.setattr(running_host, "offered", doubles_described)
    monkeypatch.setattr(host_connection, "VERSION", "0.0.1")
    write_models(tmp_path / "models", "acestep-v15-turbo")
    with (
        HostThread(training_host(tmp_path / "host", tmp_path / "models")) as host,
        ServerThread(with_band(laptop_settings(tmp_path / "laptop", host.join, engine="sketch"))) as laptop,
        laptop.websocket() as peer,
    ):
        while not peer.call("training.list")["hosts"][0]["ready"]:
            pass
        panel = open_panel(of=in_focus(laptop)).ready()
        page = panel.page
        notice = page.locator(".notice")
        expect(notice).to_contain_text("The render host studio has version")
        notice.get_by_role("button", name="Close").click()
        page.evaluate("document.getElementById('more-fold').open = true")
        page.click("#training-button")
        where = page.locator("#training-where")
        expect(where).to_have_value(host.join.address)  # nothing can be trained here
        expect(page.locator("#training-form")).to_contain_text("The songs are sent to studio")
        page.fill("#training-songs", "mine")
        panel.press("Enter")
        page.fill("#training-name", "far")
        page.check("#training-consent")
        where.select_option("")
        expect(page.locator("#training-consent")).not_to_be_checked()
        expect(page.locator("#training-reason")).to_contain_text("There is no complete ACE-Step checkpoint")
        expect(page.locator("#training-missing")).to_have_text("It cannot be trained there now.")
        where.select_option("studio")
        page.check("#training-consent")
        if axe_file() is not None:
            looked_at(panel, keys=False)
        page.locator("#training-form summary").click()
        page.fill("#training-steps", str(LONG))
        page.click("#training-start")
        now = page.locator("#training-now")
        expect(now.locator("[role=status]")).to_contain_text("on the machine studio")
        panel.wait("(v.training?.step ?? 0) > 20")
        page.get_by_role("button", name="Stop training “far”").click()
        sound = page.locator("[data-sound=far]")
        expect(sound).to_contain_text("on the machine studio")
        remove = sound.get_by_role("button", name="Remove")
        remove.click()
        remove.click()
        expect(sound).to_have_count(0)
        assert not list((host.settings.folder / "trainings").iterdir())
