"""What Chromium's audio engine makes of the panel's playback, sample by sample, against the files in the store.

The page fetches, schedules and switches as it does in front of a listener, on an output that renders as fast as it can
and hands the samples over.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from bridge_server.audition.gain_match import factor, matching_gains
from model.dsp.loudness import integrated
from tests.bridge_server.peers import ServerThread
from tests.bridge_server.servers import settings_in
from tests.doubles import ENGINES, GATED

pytestmark = pytest.mark.slow

BARS = 7
KINDS = {"PCM_16": (44100, 2), "PCM_24": (48000, 1)}
LIVE, BAR = "FLOAT", 24000  # of the render in progress: 2/4 at 240 BPM, half a second at 48 kHz
# A backing plays along with its song, so it is louder than the original: there is something to match.
TASKS = {"PCM_16": "repaint", "PCM_24": "accompany"}

# Two laps of the passage: the take, in the middle of the second lap the other take, then the original.
RENDER = """async ({ takes, match }) => {
    const [{ Chunks }, { Scene }, { WebOutput }] = await Promise.all(
        ["chunks", "scene", "web_output"].map(name => import(`/panel/playback/${name}.js`)));
    const load = async address => (await fetch(panel.bridge.locate(address))).arrayBuffer();
    let arrived;
    const chunks = new Chunks(load, 64e6, () => arrived?.());
    const passages = [];
    for (const take of takes) {
        passages.push(await panel.bridge.connection.call("audition.passage", { take, before: 2, after: 2 }));
    }
    const [first, second] = passages.map(passage => new Scene(passage, chunks));
    const { start, end, rate, channels } = first;
    const wanted = [...first.all(), ...second.all()];
    while (wanted.some(({ key }) => !chunks.get(key))) {
        const some = new Promise(done => { arrived = done; });
        chunks.want(wanted);
        await some;
    }
    const lap = end - start, region = first.sides.take.side;
    const inside = lap + Math.round((region.start + region.end) / 2) - start;
    const switches = [
        [0, first, "take"], [inside, second, "take"], [inside + 5000, second, "original"],
        [inside + 9000, second, "take"],
    ];
    const context = new OfflineAudioContext(channels, 2 * lap + 1000, rate);
    const output = new WebOutput(context, channels);
    for (const [at, scene, side] of switches) {
        if (at && output.fill(at + 30000).length) throw new Error("audio is missing"); // some of it is cut then
        const position = output.reader?.clock.positionAt(at) ?? start;
        output.switch(at, scene.reader({ side, loops: true, match, gain_db: 0 }, at, position));
    }
    output.fill(2 * lap + 1000);
    const rendered = await context.startRendering();
    const samples = Array.from({ length: channels }, (_, channel) => {
        const bytes = new Uint8Array(rendered.getChannelData(channel).buffer);
        let text = "";
        for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
        return btoa(text);
    });
    return { samples, start, end, switches: switches.map(([at]) => at), passages };
}"""

# Keeps what the page gives its output to play; `recorded()` renders all of it once more, as fast as the browser can.
RECORD = """() => {
    const { prototype } = AudioBufferSourceNode, scheduled = new Map();
    const { start, stop } = prototype, { disconnect } = AudioNode.prototype;
    prototype.start = function (time) {
        scheduled.set(this, { buffer: this.buffer, time });
        if (time < this.context.currentTime) window.late = true;
        return start.call(this, time);
    };
    prototype.stop = function (time) { scheduled.get(this).end = time; return stop.call(this, time); };
    prototype.disconnect = function () { scheduled.delete(this); return disconnect.call(this); };
    window.recorded = async () => {
        const all = [...scheduled.values()], rate = all[0].buffer.sampleRate, frame = time => Math.floor(time * rate);
        const first = Math.min(...all.map(({ time }) => frame(time)));
        const last = Math.max(...all.map(({ time, end, buffer }) => frame(end ?? time) + (end ? 0 : buffer.length)));
        const context = new OfflineAudioContext(all[0].buffer.numberOfChannels, last - first, rate);
        for (const { buffer, time, end } of all) {
            const source = new AudioBufferSourceNode(context, { buffer });
            source.connect(context.destination);
            start.call(source, time - first / rate);
            if (end) stop.call(source, end - first / rate);
        }
        const samples = (await context.startRendering()).getChannelData(0), bytes = new Uint8Array(samples.buffer);
        let text = "";
        for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
        return btoa(text);
    };
}"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """A server with a song of each kind, of seven bars at 240 BPM, and two takes of bar 4 in each."""
    engines = {"noise": ENGINES["noise"], "gated": GATED}
    settings = settings_in(tmp_path_factory.mktemp("offline"), engine="noise", engines=engines)
    song = np.random.default_rng(17).uniform(-0.2, 0.2, (7 * BAR, 1))
    soundfile.write(settings.roots[0] / f"{LIVE}.wav", song, 48000, subtype=LIVE)
    with ServerThread(settings) as server:
        with server.websocket("?client=daw") as daw:
            for kind, (rate, channels) in KINDS.items():
                noise = np.random.default_rng(rate).uniform(-0.2, 0.2, (BARS * rate, channels))
                soundfile.write(settings.roots[0] / f"{kind}.wav", noise, rate, subtype=kind)
                daw.render(TASKS[kind], source=f"{kind}.wav", bars="4", bpm=240, takes=2, seed=3, rate=rate)
        yield server


@pytest.mark.parametrize(("kind", "match"), [("PCM_16", False), ("PCM_24", True)])
def test_a_passage_is_rendered_sample_for_sample(open_panel, studio, kind, match):
    rate, channels = KINDS[kind]
    takes = sorted((one for one in studio.takes() if one.rate == rate), key=lambda one: one.number)
    panel = open_panel(of=studio)
    panel.wait("v.connection === 'open'")
    found = panel.page.evaluate(RENDER, {"takes": [one.id for one in takes], "match": match})
    played = np.stack([np.frombuffer(base64.b64decode(one), "<f4") for one in found["samples"]], axis=1)
    assert (found["start"], found["end"]) == (rate, 6 * rate), "two bars before, two after"
    expected, fades = passage(studio, kind, takes, found["switches"], len(played), match)
    assert played.shape == (2 * 5 * rate + 1000, channels)
    assert np.abs(played - expected).max() <= 1e-6
    assert np.array_equal(played[~fades], expected[~fades]), "outside crossfades they are the stored samples"
    assert np.abs(played).max() > 0.1
    gains = [one["match_db"] for passage in found["passages"] for one in passage["sides"]]
    assert any(gains) or not match, "there is something to match"


def test_a_render_in_progress_is_heard_bar_by_bar_without_a_gap(open_panel, studio, tmp_path):
    """The bar before it loops until there is one of it; then up to where it has come; then its take, in place."""
    song = f"{LIVE}.wav"
    with studio.websocket("?client=daw") as daw:
        daw.call("tempo", bpm=240)
        daw.call("meter", meter="2/4")
        daw.call("source", source=song)
        panel = open_panel(of=studio).ready()
        panel.page.evaluate(RECORD)
        panel.page.evaluate("panel.listening.choose('here')")
        panel.page.evaluate("panel.listening.call('audition.match', { on: false })")
        panel.page.evaluate("panel.listening.call('audition.bars', { before: 1, after: 1 })")
        panel.wait("v.place === 'here' && !v.audition.match && v.audition.before === 1")
        daw.call(
            "repaint", source=song, bpm=240, meter="2/4", bars="3-5", engine="gated", seed=5, handles=0, crossfade=0,
            match_loudness=False, options={"frames": BAR, "gate": str(tmp_path)},
        )  # fmt: skip
        panel.page.get_by_role("button", name="Play what has been rendered").click()
        panel.wait("v.audition.state === 'waiting' && v.audition.job && v.audition.position > x", 1.5 * BAR)
        expect(panel.page.locator("#audition-state")).to_have_text("waiting for the render")
        for number in range(3):
            (tmp_path / str(number)).touch()
            panel.wait("v.audition.state === 'playing' && v.audition.position > x", (2.5 + number) * BAR)
        (tmp_path / "end").touch()
        panel.wait("v.audition.take && !v.audition.job && v.audition.position > x", 5.5 * BAR)
        panel.wait("v.audition.position < x", 3 * BAR)
        state = panel.value("audition")
        played = np.frombuffer(base64.b64decode(panel.page.evaluate("recorded()")), "<f4")
        panel.page.evaluate("panel.listening.call('audition.stop')")
        assert (state["underruns"], state["end"]) == (0, 6 * BAR)
        assert not panel.page.evaluate("window.late")
        take = daw.call("takes.show", take=state["take"])
    lane = read(studio.settings.roots[0] / song)[:, 0].copy()
    lane[2 * BAR : 5 * BAR] = read(studio.server.store.blobs.path(take["audio"]))[:, 0]
    bars = bars_of(played, lane)
    assert bars[0] == 2, "it begins with the bar before the take"
    assert bars.count(2) >= 3
    first = [bars.index(bar) for bar in (2, 3, 4, 5, 6)]
    assert first == sorted(first), "no bar is played before the ones in front of it"
    assert set(bars) == {2, 3, 4, 5, 6}


def bars_of(played: np.ndarray, lane: np.ndarray) -> list[int]:
    """The bar of the lane each half second plays, sample for sample but for the fades at its ends."""
    inside, found = slice(480, BAR - 720), []
    for begin in range(0, len(played) - BAR + 1, BAR):
        block = played[begin : begin + BAR]
        (bar,) = [
            number
            for number in range(1, 8)
            if np.array_equal(block[inside], lane[(number - 1) * BAR : number * BAR][inside])
        ]
        assert np.abs(block - lane[(bar - 1) * BAR : bar * BAR]).max() < 0.45, "faded, not silent or doubled"
        found.append(bar)
    return found


def passage(
    studio: ServerThread, kind: str, takes: list[Any], switches: list[int], frames: int, match: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The passage as numpy makes it of the files, and where it is faded."""
    rate, _ = KINDS[kind]
    start, end, region = rate, 6 * rate, slice(3 * rate, 4 * rate)  # a bar lasts a second
    song = read(studio.settings.roots[0] / f"{kind}.wav")
    sides = {"original": song}
    for number, take in enumerate(takes):
        sides[number] = song.copy()
        clip = read(studio.server.store.blobs.path(take.audio)).astype(np.float64)
        sides[number][region] = clip if TASKS[kind] == "repaint" else song[region] + clip
    loud = {str(name): integrated(samples[region], rate) for name, samples in sides.items()}
    gains = matching_gains(loud) if match else dict.fromkeys(loud, 0.0)
    laps = {
        name: looped(samples * np.float32(factor(gains[str(name)])), start, end, rate)
        for name, samples in sides.items()
    }
    position = np.arange(frames) % (end - start)
    expected = laps[0][position]
    fades = position >= end - start - round(0.005 * rate)
    ramp = ((np.arange(round(0.01 * rate)) + 0.5) / round(0.01 * rate))[:, None]
    for at, side in zip(switches[1:], (1, "original", 1), strict=True):
        tail = expected[at : at + len(ramp)].copy()
        expected[at:] = laps[side][position[at:]]
        expected[at : at + len(ramp)] = tail * (1 - ramp) + expected[at : at + len(ramp)] * ramp
        fades[at : at + len(ramp)] = True
    return expected, fades


def looped(samples: np.ndarray, start: int, end: int, rate: int) -> np.ndarray:
    """One lap, whose last 5 ms fade into what comes before its first sample."""
    lap = samples[start:end].copy()
    fade = round(0.005 * rate)
    ramp = ((np.arange(fade) + 0.5) / fade)[:, None]
    lap[-fade:] = lap[-fade:] * (1 - ramp) + samples[start - fade : start] * ramp
    return lap


def read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32", always_2d=True)[0]
