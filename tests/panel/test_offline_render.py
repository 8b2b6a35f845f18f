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

from bridge_server.audition.gain_match import factor, matching_gains
from model.dsp.loudness import integrated
from tests.bridge_server.peers import ServerThread
from tests.bridge_server.servers import settings_in

pytestmark = pytest.mark.slow

BARS = 7
KINDS = {"PCM_16": (44100, 2), "PCM_24": (48000, 1)}
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


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """A server with a song of each kind, of seven bars at 240 BPM, and two takes of bar 4 in each."""
    settings = settings_in(tmp_path_factory.mktemp("offline"), engine="noise")
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
