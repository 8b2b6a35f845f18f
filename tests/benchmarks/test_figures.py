"""Figures beside their peers and aims: as a table, kept and compared, and as a picture."""

from __future__ import annotations

import dataclasses

import pytest
from PIL import Image

from benchmarks.figures import Aim, Figure, compared, number, picture, read_json, table, write_json
from bridge_server.songs.take_picture import AFTER, WARNING

SLOW = Figure("Renders", "another take", 4.0, "s", 20.0, "the peer", Aim(6, at_least=True), ratio_aim=True)
FAST = dataclasses.replace(SLOW, ours=2.0)
RATE = Figure("Audio", "upload", 300.0, "MB/s", 400.0, "raw streams", Aim(0.5, at_least=True), True, True)
ALONE = Figure("Server", "ready", 0.5, "s", aim=Aim(1))


def test_ratios_say_how_many_times_better_of_times_and_of_rates():
    assert (SLOW.ratio, FAST.ratio, RATE.ratio, ALONE.ratio) == (5.0, 10.0, 0.75, None)


@pytest.mark.parametrize(("figure", "reach"), [(SLOW, 5 / 6), (FAST, 10 / 6), (RATE, 1.5), (ALONE, 2.0)])
def test_reach_is_how_far_beyond_the_aim(figure, reach):
    assert figure.reach == pytest.approx(reach)


def test_the_table_names_what_is_missed():
    rows = table([SLOW, FAST, ALONE]).splitlines()
    assert rows[2:] == [
        "| **Renders** | | | | |",
        "| another take | 4.00 s | 20.0 s, the peer | 5.00 | >= 6 times: missed |",
        "| another take | 2.00 s | 20.0 s, the peer | 10.0 | >= 6 times |",
        "| **Server** | | | | |",
        "| ready | 0.500 s |  |  | <= 1 s |",
    ]


def test_a_kept_run_is_read_as_it_was(tmp_path):
    write_json([SLOW, RATE, ALONE], tmp_path / "run.json")
    assert read_json(tmp_path / "run.json") == [SLOW, RATE, ALONE]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"figures": [{"name": "x"}]}', '{"figures": 5}'])
def test_another_file_is_no_kept_run(tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(ValueError, match=r"other\.json is no kept run"):
        read_json(tmp_path / "other.json")


def test_two_runs_are_compared_by_ratio_where_there_is_a_peer():
    slower_machine = dataclasses.replace(FAST, ours=6.0, theirs=60.0)
    rows = compared([FAST, ALONE, RATE], [slower_machine, dataclasses.replace(ALONE, ours=1.5)]).splitlines()[
        2:
    ]
    assert rows == [
        "| Renders: another take, ratio | 10.0 | 10.0 | as before |",
        "| Server: ready | 0.500 s | 1.50 s | 3.00 times worse |",
        "| Audio: upload | 300 MB/s | | not measured |",
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.01234, "0.0123"), (9.876, "9.88"), (1234.5, "1234")]
)
def test_numbers_have_three_figures_that_count(value, text):
    assert number(value) == text


def test_the_picture_shows_reached_and_missed_aims(tmp_path):
    picture([SLOW, FAST], tmp_path / "both.png")
    picture([FAST], tmp_path / "reached.png")
    both, reached = (Image.open(tmp_path / name).convert("RGB") for name in ("both.png", "reached.png"))
    bars = [
        {color for _, color in image.getcolors(1 << 20)} for image in (both, reached.crop((0, 92, 1500, 200)))
    ]
    assert {AFTER, WARNING} <= bars[0]
    assert AFTER in bars[1]
    assert WARNING not in bars[1]
