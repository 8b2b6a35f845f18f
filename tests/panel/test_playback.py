"""What the browser plays, without a browser: run by Node, against what the bridge's machine plays."""

from __future__ import annotations

import base64
import struct
from fractions import Fraction

import numpy as np
import pytest

from bridge_server.audition.gain_match import factor
from bridge_server.audition.layered_audio import LayeredAudio, Patch
from bridge_server.audition.loop_clock import LoopClock
from bridge_server.audition.loop_reader import LoopReader
from bridge_server.audition.output_mix import OutputMix
from bridge_server.audition.passages import PassageWave
from bridge_server.audition.resampled_audio import ResampledAudio
from tests.panel.scripts import NODE, run_modules

pytestmark = pytest.mark.skipif(NODE is None, reason="SKIPPED: Node is not installed (apt install nodejs)")

RATE = 44100  # half of a fade is no whole number of samples
ORIGIN = 700


def noise(frames: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (frames, 2)).astype(np.float32)


def test_the_clock_is_the_one_of_the_bridge(tmp_path):
    cases = [
        (anchor, position, 1000, 1000 + lap, loops)
        for anchor in (0, 313)
        for position in (200, 1000, 1001, 1090, 2500)
        for lap in (1, 90, 97)
        for loops in (True, False)
    ]
    found = run_modules(
        tmp_path,
        """import { LoopClock } from "./loop_clock.js";
        const runs = (clock, at, frames) => clock.runs(at, frames)
            .map(({ offset, position, frames, lapEnd, lap }) => [offset, position, frames, lapEnd, lap]);
        const run = cases => cases.map(given => { const clock = new LoopClock(...given);
            return [0, 313, 400, 1207].map(at => [clock.positionAt(at), runs(clock, at, 250)]); });""",
        cases,
    )
    for case, answers in zip(cases, found, strict=True):
        anchor, position, start, end, loops = case
        clock = LoopClock(anchor, position, Fraction(start), Fraction(end), loops)
        for at, (where, runs) in zip((0, 313, 400, 1207), answers, strict=True):
            assert where == clock.position_at(at), case
            assert runs == [list(run) for run in clock.runs(at, 250)], case


# Original, take, back, another take, louder, without a loop, elsewhere: [at frame, side, position, loops, gain in dB]
SWITCHES = [
    (0, "original", 4000, True, 0.0), (9000, "take", None, True, -1.5), (9200, "original", None, True, 0.0),
    (40000, "other", None, True, 0.0), (61000, "other", None, True, 3.25), (80000, "take", 16000, False, 0.0),
    (85000, "take", 90000, True, 0.0),
]  # fmt: skip
START, END, LENGTH = 4000, 26000, 100_000

PROGRAM = """
import { OutputMix } from "./output_mix.js";
import { Scene } from "./scene.js";
import { parseWave } from "./wave.js";
export function run(passages, waves, switches, frames) {
    const read = base64 => { const data = Buffer.from(base64, "base64");
        return parseWave(data.buffer.slice(data.byteOffset, data.byteOffset + data.length)).channels; };
    const kept = Object.fromEntries(Object.entries(waves).map(([key, wave]) => [key, read(wave)]));
    const chunks = { get: key => kept[key] ?? null };
    const scenes = {};
    for (const [name, passage] of Object.entries(passages)) scenes[name] = new Scene(passage, chunks);
    const mix = new OutputMix(passages.take.rate, 2);
    const found = [new Float32Array(frames), new Float32Array(frames)];
    const fill = (from, to) => { for (let at = from; at < to; at += 4096) {
        const count = Math.min(4096, to - at);
        if (mix.reader.missing(at, count).length) throw new Error(`audio for frame ${at} is missing`);
        mix.read(at, count).forEach((block, channel) => found[channel].set(block, at)); } };
    switches.forEach(([frame, side, position, loops, gain], number) => {
        if (number) fill(switches[number - 1][0], frame);
        const here = position ?? mix.reader.clock.positionAt(frame);
        const original = side === "original";
        const options = { side: original ? side : "take", loops, gain_db: gain, match: false };
        mix.switch(frame, scenes[original ? "take" : side].reader(options, frame, here));
    });
    fill(switches.at(-1)[0], frames);
    return Buffer.from(new Uint8Array(Float32Array.from([...found[0], ...found[1]]).buffer)).toString("base64");
}
"""


def described(name: str, side: str, start: int, end: int, around: str) -> dict[str, object]:
    return {
        "side": side, "url": f"/{name}.wav?sound={name}", "start": start + ORIGIN, "end": end + ORIGIN,
        "around": around, "sound": name, "match_db": 0.0,
    }  # fmt: skip


def test_what_plays_is_what_the_bridge_plays_sample_for_sample(tmp_path):
    """Loops, sides, takes, gains, the end of a range, a place past it: numpy's 32-bit arithmetic to the last bit."""
    song = LayeredAudio(noise(LENGTH, 1), RATE)
    layered = {
        "original": song,
        "take": song.with_patches([Patch(9000, noise(8000, 2))]),
        "other": song.with_patches([Patch(9000, noise(8000, 3))]),
    }
    whole = {"original": (0, LENGTH), "take": (9000, 17000), "other": (9000, 17000)}
    waves = {
        f"{name}/{number}": base64.b64encode(chunk(layered[name], first, min(65536, end - first))).decode()
        for name, (start, end) in whole.items()
        for number, first in enumerate(range(start, end, 65536))
    }
    passages = {
        name: {
            "take": name, "song": "s", "place": "p", "rate": RATE, "channels": 2, "origin": ORIGIN,
            "start": START + ORIGIN, "end": END + ORIGIN, "loops": True,
            "sides": [
                described(name, "take", 9000, 17000, "original"),
                described("original", "original", 0, LENGTH, "silence"),
            ],
        }
        for name in ("take", "other")
    }  # fmt: skip
    frames = 100_000
    switches = [
        (at, side, None if position is None else position + ORIGIN, loops, gain)
        for at, side, position, loops, gain in SWITCHES
    ]
    answer = base64.b64decode(run_modules(tmp_path, PROGRAM, passages, waves, switches, frames))
    found = np.frombuffer(answer, "<f4").reshape(2, frames).T
    expected = as_the_bridge_plays(layered, frames)
    assert np.array_equal(found, expected)
    assert not np.array_equal(expected[9500:9600], expected[9500:9600] * 0), "it is no silence"


def chunk(audio: LayeredAudio, first: int, frames: int) -> bytes:
    wave = PassageWave(audio, first, frames)
    return wave.read(0, wave.size)


def as_the_bridge_plays(layered: dict[str, LayeredAudio], frames: int) -> np.ndarray:
    mix, parts = OutputMix(RATE, 2), []
    for number, (frame, side, position, loops, gain) in enumerate(SWITCHES):
        if number:
            parts.append(mix.read(SWITCHES[number - 1][0], frame - SWITCHES[number - 1][0]))
        audio = ResampledAudio(layered[side], RATE, 2)
        here = mix.reader.clock.position_at(frame) if position is None else position
        clock = LoopClock(frame, here, Fraction(START), Fraction(END), loops)
        last = audio.frames if here >= END else END
        mix.switch(frame, LoopReader(audio, clock, factor(gain), None if clock.is_looping else last))
    parts.append(mix.read(SWITCHES[-1][0], frames - SWITCHES[-1][0]))
    return np.concatenate(parts)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "did not send audio"), (b"no audio at all", "did not send audio"),
        (b"RIFF\0\0\0\0WAVE", "did not send audio"),
        (chunk(LayeredAudio(noise(50, 1), RATE), 0, 50)[:-4], "only a part"),
        (b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 2, RATE, RATE * 4, 4, 16), "another format"),
    ],
)  # fmt: skip
def test_what_is_no_audio_is_refused_in_words(tmp_path, data, words):
    program = """import { parseWave } from "./wave.js";
        export function run(bytes) {
            try { parseWave(Uint8Array.from(bytes).buffer); } catch (error) { return error.message; }
        }"""
    assert words in run_modules(tmp_path, program, list(data))


def test_chunks_are_kept_up_to_a_number_of_bytes_and_fetched_in_order(tmp_path):
    """Chunks of 400 bytes where 1,200 may be kept: the one used last stays; what would push itself out is not begun."""
    program = """
        import { Chunks } from "./chunks.js";
        export async function run(wave) {
            const loaded = [], waits = [];
            const load = async address => {
                loaded.push(address);
                if (address === "bad") throw new Error("gone");
                return Uint8Array.from(wave).buffer;
            };
            const chunks = new Chunks(load, 1200, () => undefined, async milliseconds => void waits.push(milliseconds));
            const want = (...names) => chunks.want(names.map(name => ({ key: name, address: name, bytes: 400 })));
            const settle = async () => { for (let turn = 0; turn < 50; turn += 1) await null; };
            want("a", "b", "c", "d", "e");
            await settle();
            const first = [...loaded];
            chunks.get("a");
            want("f"); await settle();
            const kept = [..."abcdef"].filter(name => chunks.get(name));
            want("bad"); await settle();
            const counts = () => loaded.filter(name => name === "bad").length;
            const failure = chunks.failure("bad")?.message, tries = counts();
            want("bad"); await settle();
            const again = counts();
            chunks.forgive(); want("bad"); await settle();
            const forgiven = counts();
            const pauses = waits.slice(0, 3);
            chunks.forgive(); want("bad");
            chunks.forgive(); await settle();
            const late = chunks.failure("bad");
            return { first, kept, bytes: chunks.bytes, failure, tries, again, forgiven, pauses, late };
        }"""
    wave = chunk(LayeredAudio(noise(50, 1), RATE), 0, 50)
    assert run_modules(tmp_path, program, list(wave)) == {
        "first": ["a", "b", "c"], "kept": ["a", "c", "f"], "bytes": 1200, "failure": "gone", "tries": 4, "again": 4,
        "forgiven": 8, "pauses": [400, 800, 1600], "late": None,
    }  # fmt: skip
