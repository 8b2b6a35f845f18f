"""Following a render from the browser, run by Node: what is asked, and what is made of the answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.panel.scripts import NODE, run_modules

pytestmark = pytest.mark.skipif(NODE is None, reason="SKIPPED: Node is not installed (apt install nodejs)")

PROGRAM = """
import { RenderFollowing } from "./render_following.js";
import { Scene } from "./scene.js";

const side = (name, start, end, around) =>
    ({ side: name, url: `/${name}?`, start, end, around, sound: name, match_db: 0 });
const passage = (ready, rendered) => ({
    take: "", job: "j", number: 2, song: "s", stems: [], place: "p", rate: 48000, channels: 1, origin: 0,
    start: 100000, end: 500000, ready, loops: true,
    sides: [side("take", 200000, 200000 + rendered, "original"), side("original", 0, 600000, "silence")] });
const refused = Object.assign(new Error("Job j has no take: it failed."), { code: "unknown_take" });

/** What is asked and said, the answers given one after the other. under: whether the job may still get a take. */
async function followed(answers, under = () => true) {
    const asked = [], said = [];
    const following = new RenderFollowing(
        async params => {
            asked.push(params);
            const next = answers.shift();
            if (next instanceof Error) throw next;
            return next;
        },
        under,
        { grown: found => said.push(["grown", found.ready]), finished: found => said.push(["finished", found.take]),
          failed: error => said.push(["failed", error.message]) },
        async () => answers.length || following.end());
    await following.begin("j", () => ({ before: 1, after: 2 }));
    return { asked, said, job: following.job };
}

/** [position, frames] of what plays from a position on, and the chunks fetched for it. */
function played(ready, rendered, position, options = {}) {
    const scene = new Scene(passage(ready, rendered), { get: () => null });
    const reader = scene.reader({ side: "take", loops: false, match: true, gain_db: 0, ...options }, 0, position);
    return { runs: reader.clock.runs(0, 500000).map(({ position, frames }) => [position, frames]),
        keys: scene.all().map(({ key }) => key), waits: scene.waits, silent: scene.silent };
}
"""


@pytest.fixture
def run(tmp_path: Path):
    return lambda body: run_modules(tmp_path, f"{PROGRAM}\nexport async function run() {{ return {body}; }}")


def test_it_asks_until_the_take_is_there_and_says_only_what_is_new(run):
    """Nothing yet, a lost connection, no more than before: all of that passes. It stays with the take it began with."""
    found = run(
        """followed([refused, new Error("lost"), passage(200000, 5), passage(200000, 900), passage(300000, 99999),
            passage(null, 200000), { take: "t7" }, { take: "never asked for" }])"""
    )
    assert found["said"] == [["grown", 200000], ["grown", 300000], ["grown", None], ["finished", "t7"]]
    assert found["job"] == ""
    assert found["asked"][2] == {"job": "j", "before": 1, "after": 2}
    assert [one.get("number") for one in found["asked"]] == [None] * 3 + [2] * 4


def test_a_job_that_gets_no_take_any_more_ends_it(run):
    found = run("followed([passage(200000, 5), refused, passage(1, 1)], () => false)")
    assert found["said"] == [["grown", 200000], ["failed", "Job j has no take: it failed."]]


def test_it_loops_up_to_the_last_bar_line_there_is_whatever_is_wanted(run):
    waiting, first, whole = run(
        "[played(200000, 70000, 100000), played(250000, 70000, 150000), played(null, 200000, 150000)]"
    )
    assert waiting["runs"] == [[100000, 100000]] * 5
    assert (waiting["waits"], first["waits"], whole["waits"]) == (True, False, False)
    assert first["runs"][:2] == [[150000, 100000], [100000, 150000]]
    assert whole["runs"] == [[150000, 500000]], "then as the listener wants it: here without the loop"
    assert run("played(100000, 9, 100000).silent") is True
    # Whole chunks keep their name while it grows; the last one has its length in its own.
    assert [key for key in first["keys"] if key.startswith("take")] == ["take/0"]
    growing = run("played(300000, 100000, 150000).keys")
    assert [key for key in growing if key.startswith("take")] == ["take/0", "take/1/34464"]
