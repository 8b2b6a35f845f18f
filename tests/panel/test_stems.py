"""Stems in their lanes: mute and solo are what one hears, sample for sample, and all of them are saved in one file."""

from __future__ import annotations

import base64
import io
import re
import zipfile

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from tests.panel.accessibility import low_contrasts, nameless

pytestmark = pytest.mark.slow

# The loop of a passage through Chromium's audio engine: first what the lanes say, later what they say after a switch.
RENDER = """async requests => {
    const [{ Chunks }, { Scene }, { WebOutput }] = await Promise.all(
        ["chunks", "scene", "web_output"].map(name => import(`/panel/playback/${name}.js`)));
    const load = async address => (await fetch(panel.bridge.locate(address))).arrayBuffer();
    let arrived;
    const chunks = new Chunks(load, 64e6, () => arrived?.());
    const passages = [];
    for (const request of requests) passages.push(await panel.bridge.connection.call("audition.passage", request));
    const scenes = passages.map(passage => new Scene(passage, chunks));
    const { start, end, rate, channels } = scenes[0];
    const wanted = scenes.flatMap(scene => scene.all());
    while (wanted.some(({ key }) => !chunks.get(key))) {
        const some = new Promise(done => { arrived = done; });
        chunks.want(wanted);
        await some;
    }
    const frames = Math.min(end - start, 8 * rate), half = Math.floor(frames / 2);
    const output = new WebOutput(new OfflineAudioContext(channels, frames, rate), channels);
    const options = { side: "take", loops: true, match: true, gain_db: 0 };
    output.switch(0, scenes[0].reader(options, 0, start));
    if (output.fill(half + 30000).length) throw new Error("audio is missing");
    output.switch(half, scenes[1].reader(options, half, start + half));
    output.fill(frames);
    const rendered = await output.context.startRendering();
    const samples = Array.from({ length: channels }, (_, channel) => {
        const bytes = new Uint8Array(rendered.getChannelData(channel).buffer);
        let text = "";
        for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
        return btoa(text);
    });
    return { samples, half, places: passages.map(one => one.place), gains: passages.map(one => one.sides[0].match_db) };
}"""


@pytest.fixture(scope="module")
def separated(panel_server):
    with panel_server.websocket() as peer:
        peer.render("extract", source="band.wav", bars="1-4", bpm=120, engine="sketch", seed=1)
    return {take.stem: take for take in panel_server.takes() if take.task == "extract"}


def lane(page, stem):
    return page.locator(".lane", has_text=f"1 · {stem}")


def heard(panel, take):
    return panel.page.evaluate("id => panel.listening.stems.heard(id)", take.id)


def test_mute_and_solo_are_what_plays_sample_for_sample(open_panel, server, separated):
    panel = open_panel().ready()
    panel.wait("v.takes.length > 3")
    page = panel.page
    drums = separated["drums"]
    assert heard(panel, drums) == [], "untouched, a stem plays alone"
    lane(page, "bass").get_by_role("button", name="Mute the stem bass").click()
    muted = heard(panel, drums)
    assert sorted(muted) == sorted(set(separated) - {"bass"})
    expect(lane(page, "bass")).to_have_class(re.compile("mixed-out"))
    lane(page, "bass").get_by_role("button", name="Solo the stem bass").click()
    solo = heard(panel, drums)
    assert solo == ["bass"], "solo is stronger than mute"
    assert (low_contrasts(page), nameless(page)) == ([], [])
    requests = [{"take": drums.id, "stems": names, "before": 0, "after": 0} for names in (muted, solo)]
    found = page.evaluate(RENDER, requests)
    played = np.stack([np.frombuffer(base64.b64decode(one), "<f4") for one in found["samples"]], axis=1)
    assert (len(set(found["places"])), found["gains"]) == (1, [0.0, 0.0]), "at one place, at their own levels"
    clip = {stem: server.server.store.blobs.get(take.audio).samples for stem, take in separated.items()}
    half, fade = found["half"], round(0.01 * drums.rate)
    before = sum(clip[stem].astype(np.float64) for stem in muted)
    assert np.abs(played[:half] - before[:half]).max() <= 1e-6
    end = slice(half + fade, len(played) - fade)
    assert np.array_equal(played[end], clip["bass"][end])
    assert np.abs(played[end]).max() > 0.01


def test_a_switch_during_playback_keeps_the_position_and_everything_muted_is_silence(
    open_panel, server, separated
):
    panel = open_panel().ready()
    panel.wait("v.takes.length > 3")
    page = panel.page
    page.evaluate("panel.listening.choose('here')")
    lane(page, "drums").get_by_role("button", name="Play").click()
    panel.wait("v.audition.state === 'playing' && v.audition.position > v.audition.start + 4410")
    before = panel.value("audition")["position"]
    lane(page, "vocals").get_by_role("button", name="Mute the stem vocals").click()
    panel.wait("v.audition.state === 'playing' && v.audition.stems.includes('drums')")
    assert panel.value("audition")["position"] >= before
    expect(page.locator(".lane.audible")).to_have_count(len(separated) - 1)
    for stem in separated:
        if stem != "vocals":
            lane(page, stem).get_by_role("button", name=f"Mute the stem {stem}").click()
    panel.wait("v.audition.stems === 'none'")
    panel.press(" ")


def test_all_stems_are_saved_in_one_file_named_after_song_and_stem(open_panel, server, separated):
    panel = open_panel().ready()
    panel.wait("v.takes.length > 3")
    page = panel.page
    page.evaluate("id => panel.store.set({ selected: id })", separated["drums"].id)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save all stems").click()
    assert download.value.suggested_filename == "band.stems.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert sorted(archive.namelist()) == sorted(f"band - {stem}.wav" for stem in separated)
        samples, _ = soundfile.read(io.BytesIO(archive.read("band - bass.wav")), dtype="float32")
    assert np.array_equal(samples, server.server.store.blobs.get(separated["bass"].audio).samples)


def test_lanes_show_their_region_alone_on_demand_and_the_browser_remembers_it(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    panel.wait("v.takes.some(take => take.stem === 'mix')")
    ink = """() => { const lane = document.querySelector(".lane:last-child canvas");
        const canvas = new OffscreenCanvas(Math.round(lane.width / 3), lane.height);
        const context = canvas.getContext("2d", { willReadFrequently: true });
        context.drawImage(lane, 0, 0);
        const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
        let found = 0;
        for (let at = 3; at < data.length; at += 4) found += data[at] > 0;
        return found; }"""
    page.wait_for_function(f"() => ({ink})() > 3000")
    page.get_by_role("button", name="Only the region in the lanes").click()
    page.wait_for_function(f"() => ({ink})() < 3000")
    page.reload()
    panel.ready()
    expect(page.locator("#region-only")).to_have_attribute("aria-pressed", "true")
    page.click("#region-only")
