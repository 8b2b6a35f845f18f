"""The browser's player on a pretend audio output, run by Node: nothing is lost, late or twice, whatever happens when.

Each sample of the song says where it stands: the original at n is n / 2^20, the take -n / 2^20.
"""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from tests.panel.scripts import NODE, run_modules

pytestmark = pytest.mark.skipif(NODE is None, reason="SKIPPED: Node is not installed (apt install nodejs)")

PROGRAM = """
import { Player } from "./player.js";
import { Scene } from "./scene.js";
import { PretendContext } from "./pretend_context.mjs";

const RATE = 48000, START = 10000, END = 202000, LENGTH = 400000;
const side = (name, start, end, around) =>
    ({ side: name, url: `/${name}?`, start, end, around, sound: name, match_db: 0 });
const passage = take => ({ take, song: "s", place: "p", rate: RATE, channels: 1, origin: 0, start: START, end: END,
    loops: true, sides: [side("take", 60000, 120000, "original"), side("original", 0, LENGTH, "silence")] });
const OPTIONS = { side: "take", loops: true, match: true, gain_db: 0 };

const made = {};
const ramp = (sign, first) => made[sign * first] ??=
    [Float32Array.from({ length: 65536 }, (_, at) => sign * (first + at) / 2 ** 20)];

class Ramps {
    constructor() { this.ready = () => true; this.wanted = []; this.broken = null; }
    get(key) {
        const [name, number] = key.split("/");
        if (!this.ready(name, Number(number))) return null;
        return name === "take" ? ramp(-1, Number(number) * 65536 + 60000) : ramp(1, Number(number) * 65536);
    }
    failure(key) { return this.ready(...key.split("/")) ? null : this.broken; }
    forgive() { // a test says what is broken
    }
    want(list) { this.wanted = list.map(one => one.key); }
}

async function played(seconds, tick, work) {
    const context = new PretendContext(RATE), chunks = new Ramps(), events = [];
    const heard = Object.fromEntries(["began", "ended", "failed", "blocked"]
        .map(name => [name, given => events.push([name, given?.message ?? given ?? null])]));
    const player = new Player(chunks, () => context, heard);
    const scene = new Scene(passage("t1"), chunks);
    for (let step = 0; step * tick < seconds * RATE; step += 1) {
        const show = (options, at) => void player.show(scene, { ...OPTIONS, ...options }, at);
        await work({ step, player, scene, chunks, context, show });
        if (player.playing || player.pending) player.tick();
        context.frame += tick;
    }
    player.stop();
    clearTimeout(player.release);
    return { heard: context.heard(), events, late: context.late, underruns: player.underruns, wanted: chunks.wanted };
}

/** Where the output is the song, sample after sample: [first frame, frames, first position]. */
function stretches(heard) {
    const found = [];
    heard.forEach((sample, frame) => {
        const position = Math.round(Math.abs(sample) * 2 ** 20);
        const last = found.at(-1);
        if (last && sample !== 0 && position === last[2] + last[1] && frame === last[0] + last[1]) last[1] += 1;
        else if (sample !== 0) found.push([frame, 1, position]);
    });
    return found.filter(([, frames]) => frames > 600);
}
"""


@pytest.fixture
def play(tmp_path: Path):
    """Runs what a test does in JavaScript, with the above at hand."""

    def run(body: str):
        shutil.copy(Path(__file__).with_name("pretend_context.mjs"), tmp_path)
        return run_modules(tmp_path, f"{PROGRAM}\nexport async function run() {{ {body} }}")

    return run


@pytest.mark.parametrize(
    "tick", [4800, 48000]
)  # in front, and in the background, where a page wakes once a second
def test_a_loop_has_no_gap_and_begins_at_the_exact_sample(play, tick):
    found = play(f"""
        const work = ({{ step, show }}) => step || show({{}}, null);
        const {{ heard, late, underruns, events }} = await played(12, {tick}, work);
        return {{ late, underruns, events, stretches: stretches(heard) }};""")
    assert (found["late"], found["underruns"], found["events"]) == (0, 0, [["began", None]])
    first, lap = 2400, 192000
    pieces = found["stretches"]
    assert pieces[0][0] == first, "50 ms after the command"
    assert pieces[0][2] == 10000
    for frame, _, position in pieces:
        assert position == 10000 + (frame - first) % lap
    # All of it, but for the last 5 ms of each lap, which fade.
    assert sum(frames for _, frames, _ in pieces) >= 12 * 48000 - first - 3 * 240 - 480


def test_sides_change_without_a_gap_at_the_same_position(play):
    """Forty switches, some of them twice within one tick, some while the page was busy for a third of a second."""
    found = play("""
        const { heard, late, underruns } = await played(14, 4800, ({ step, show, context, player }) => {
            if (step === 0) show({}, null);
            else if (step % 3 === 0) show({ side: step % 2 ? "original" : "take" });
            if (step % 12 === 0) show({ side: "take", gain_db: 0 });
            if (step % 17 === 0) context.frame += 16000;
            if (step % 7 === 0) { player.tick(); context.frame += 960; show({ side: "original" }); }
        });
        return { late, underruns, stretches: stretches(heard) };""")
    assert (found["late"], found["underruns"]) == (0, 0)
    pieces = found["stretches"]
    assert len(pieces) > 15
    for (frame, frames, position), (after, *_) in itertools.pairwise(pieces):
        assert position == 10000 + (frame - 2400) % 192000
        assert after - (frame + frames) < 1600, "no more than two crossfades and what is between them"


def test_what_comes_late_is_waited_for_and_then_continues_where_it_was(play):
    found = play("""
        const { heard, underruns, wanted } = await played(12, 4800, ({ step, show, chunks }) => {
            if (step === 0) {
                chunks.ready = (name, number) => name === "take" || number < 1;
                show({ side: "original" }, null);
            }
            if (step === 50) chunks.ready = () => true;
        });
        return { underruns, stretches: stretches(heard) };""")
    assert found["underruns"] == 1
    (first, second, *_) = found["stretches"]
    assert first[2] == 10000
    assert second[0] > first[0] + first[1] + 48000, "silence meanwhile"
    assert 0 <= second[2] - (first[2] + first[1]) < 500, "then what would have come next, faded in"


def test_a_switch_waits_for_its_sound_while_the_other_side_plays_on(play):
    found = play("""
        const { heard, underruns, wanted } = await played(3, 4800, ({ step, show, chunks }) => {
            if (step === 0) { chunks.ready = name => name === "original"; show({ side: "original" }, 20000); }
            if (step === 5) show({ side: "take" });
            if (step === 15) chunks.ready = () => true;
        });
        const minus = heard.findIndex(one => one < 0);
        return { underruns, minus, stretches: stretches(heard) };""")
    assert found["underruns"] == 0
    assert 15 * 4800 < found["minus"] < 17 * 4800
    assert {position - frame for frame, _, position in found["stretches"]} == {20000 - 2400}


def test_a_switch_to_what_cannot_be_fetched_leaves_what_plays_alone(play):
    found = play("""
        const { events, heard } = await played(3, 4800, ({ step, show, chunks }) => {
            if (step === 0) { chunks.ready = name => name === "original"; show({ side: "original" }, 20000); }
            if (step === 5) { chunks.broken = new Error("The bridge cannot be reached."); show({ side: "take" }); }
        });
        return { events, stretches: stretches(heard) };""")
    assert found["events"] == [["began", None], ["failed", "The bridge cannot be reached."]]
    assert found["stretches"] == [[2400, 3 * 48000 - 2400, 20000]]


def test_what_cannot_be_fetched_any_more_ends_playback_with_the_reason(play):
    found = play("""
        const { events, heard } = await played(4, 4800, ({ step, show, chunks }) => {
            if (step === 0) {
                chunks.ready = (name, number) => name === "original" && number < 2;
                chunks.broken = new Error("The bridge cannot be reached.");
                show({ side: "original" }, 20000);
            }
        });
        return { events, stretches: stretches(heard) };""")
    assert found["events"] == [["began", None], ["failed", "The bridge cannot be reached."]]
    ((_, frames, position),) = found["stretches"]
    assert 2 * 65536 - 16384 <= position + frames <= 2 * 65536, "all there was has played"


def test_a_range_that_does_not_loop_ends_and_says_so(play):
    found = play("""
        const work = ({ step, show }) => step || show({ loops: false, side: "original" }, 150000);
        const { heard, events } = await played(4, 4800, work);
        return { events, stretches: stretches(heard), rest: heard.slice(2400 + 52000).filter(one => one).length };""")
    assert found["events"] == [["began", None], ["ended", None]]
    assert found["stretches"] == [[2400, 52000 - 240, 150000]]
    assert found["rest"] == 0


def test_a_browser_that_waits_for_a_gesture_is_noticed(play):
    events = play("""
        const { events } = await played(2, 4800, ({ step, show, context, player }) => {
            if (step === 0) { context.resume = async () => undefined; context.state = "suspended"; show({}, null); }
            if (context.state === "suspended") context.frame = 0;
            if (step === 10) { delete context.resume; player.unlock(RATE); }
        });
        return events;""")
    assert events == [["began", None], ["blocked", True], ["blocked", False]]


def test_takes_next_to_the_one_that_plays_are_fetched_after_it(play):
    wanted = play("""
        let wanted;
        await played(1, 4800, ({ step, show, player, chunks }) => {
            if (step === 0) { player.also = [{ key: "other/0" }]; show({ side: "original" }, null); }
            if (step === 5) wanted = chunks.wanted;
        });
        return wanted;""")
    assert wanted[-1] == "other/0"
    assert "original/3" in wanted
    assert "original/4" not in wanted, "the passage ends before"


def test_a_stem_with_another_number_of_channels_continues_at_the_same_position(play):
    found = play("""
        const { heard, late, underruns } = await played(3, 4800, ({ step, show, player, chunks }) => {
            if (step === 0) show({ side: "original" }, 20000);
            const stereo = () => new Scene({ ...passage("t2"), channels: 2 }, chunks);
            if (step === 10) void player.show(stereo(), { ...OPTIONS, side: "original" });
        });
        return { late, underruns, stretches: stretches(heard) };""")
    assert (found["late"], found["underruns"]) == (0, 0)
    assert {position - frame for frame, _, position in found["stretches"]} == {20000 - 2400}
    assert sum(frames for _, frames, _ in found["stretches"]) > 3 * 48000 - 2400 - 1000
