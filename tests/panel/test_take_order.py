"""What sets takes apart, and their order: the panel's modules for them, run by Node."""

import shutil

import pytest

from bridge_server.bundled import PANEL
from tests.panel.scripts import NODE, run_modules

pytestmark = pytest.mark.skipif(NODE is None, reason="SKIPPED: Node is not installed")

PLACE = {"position": 0, "length": 100, "stem": "mix", "song": "s", "task": "repaint", "engine": ""}


def take(name, /, **more):
    return {**PLACE, "take": name, "number": 1, **more}


def ran(folder, module, program, *given):
    for name in ("differences.js", "take_order.js", "words.js"):
        shutil.copy(PANEL / name, folder / name)
    return run_modules(folder, f"import * as m from './{module}.js';\n{program}", *given)


def told_apart(folder, takes):
    program = "const run = (takes) => takes.map((one) => m.differences(one, m.siblingsOf(one, takes)));"
    return ran(folder, "differences", program, takes)


def test_only_what_differs_is_said(tmp_path):
    found = told_apart(
        tmp_path,
        [
            take("a", prompt="warm, no drums", seed=1, strength=0.5,
                 receipt={"correlation": 0.91, "loudness_lufs": -14.0}),
            take("b", prompt="Warm no drums", seed=1, strength=0.5,
                 receipt={"correlation": 0.4, "loudness_lufs": -16.0}),
            take("c", prompt="warm", seed="18446744073709551615", strength=0.8, engine="acestep",
                 receipt={"correlation": 0.9, "loudness_lufs": -16.0}),
            take("elsewhere", position=5, prompt="other", seed=7),
            take("stem", stem="vocals", prompt="other", seed=7),
        ],
    )  # fmt: skip
    assert found[0] == [
        "default engine", "“no drums”", "strength 50 %", "likeness 0.91", "2.0 dB louder", "seed 1",
    ]  # fmt: skip
    assert found[1][-2:] == ["1.0 dB quieter", "seed 1"]
    assert found[2][:4] == ["acestep", "without “no drums”", "strength 80 %", "likeness 0.90"]
    assert found[3:] == [[], []]


def test_equal_takes_have_nothing_to_tell(tmp_path):
    one = {"prompt": "warm", "seed": 1, "receipt": {"correlation": 0.9, "loudness_lufs": -14.0}}
    other = {"prompt": "warm", "seed": 1, "receipt": {"correlation": 0.905, "loudness_lufs": -14.3}}
    assert told_apart(tmp_path, [take("a", **one), take("b", **other)]) == [[], []]


def test_a_prompt_that_lacks_words_says_so(tmp_path):
    found = told_apart(tmp_path, [take("a", prompt="warm pad"), take("b", prompt="warm"), take("c")])
    assert found == [["“warm pad”"], ["“warm”"], ["no prompt"]]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("newest", "abcd"),
        ("stars", "cabd"),
        ("likeness", "bacd"),
        ("name", "dbac"),
        ("match", "cabd"),
        ("unknown", "abcd"),
    ],
)
def test_orders(tmp_path, order, expected):
    takes = [
        take("a", stars=2, receipt={"correlation": 0.1}),
        take("b", name="take 10", receipt={"correlation": 0.9}),
        take("c", stars=5, receipt={}),
        take("d", name="take 9"),
    ]
    program = (
        "const run = (takes, order) => m.inOrder(takes, order, { c: 0.3, a: -0.1 }).map((one) => one.take);"
    )
    assert "".join(ran(tmp_path, "take_order", program, takes, order)) == expected


def test_hidden_takes_are_out_of_sight_unless_they_play(tmp_path):
    takes = [take("a", hidden=True), take("b", hidden=True, chosen=True), take("c")]
    program = "const run = (takes) => takes.map(m.outOfSight);"
    assert ran(tmp_path, "take_order", program, takes) == [True, False, False]
