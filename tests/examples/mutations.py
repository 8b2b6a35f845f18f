"""Faults put into the example scripts on purpose: the tests must catch every one of them.

    python -m tests.examples.mutations [FOLDER_OR_TEST ...]

runs all of them, or those whose file or test has one of these texts in its name, on a copy of the project. It takes
minutes. tests/examples/test_mutations.py sees to it that the table below fits the scripts.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.places import EXAMPLES, PROJECT

IN_A_COPY = "in-a-copy"


@dataclass(frozen=True)
class Mutation:
    """One fault.

    file:    of the script, in examples/.
    right:   a text that is there exactly once.
    wrong:   what stands there instead.
    test:    FILE::TEST in tests/examples that must fail then.
    """

    file: str
    right: str
    wrong: str
    test: str


REAPER, ROUTING = "test_reaper.py::", "test_reaper_routing.py::"
LIVE, BITWIG, ARDOUR, OSC = (
    "test_ableton.py::",
    "test_bitwig.py::",
    "test_ardour.py::",
    "test_osc_clients.py::",
)
EXACT = "test_a_plain_selection_comes_back_as_takes_on_the_exact_sample"

MUTATIONS = (
    # REAPER: wrong sample, wrong value, wrong order, no undo.
    Mutation(
        "reaper/lib/tempo.lua",
        "math.floor(seconds * rate + 0.5)",
        "math.floor(seconds * rate)",
        REAPER + EXACT,
    ),
    Mutation(
        "reaper/lib/place.lua",
        "'D_LENGTH', tempo.seconds(first.length, first.rate)",
        "'D_LENGTH', tempo.seconds(first.length - 1, first.rate)",
        REAPER + EXACT,
    ),
    Mutation("reaper/lib/place.lua", "  reaper.Undo_BeginBlock2(project)\n", "", REAPER + EXACT),
    Mutation("reaper/lib/place.lua", "local NO_FADE = -1 ", "local NO_FADE = 0.01 ", REAPER + EXACT),
    Mutation(
        "reaper/lib/place.lua",
        "offset + (seconds - from) * speed",
        "offset",
        REAPER + "test_automatic_crossfades_on_splits_do_not_move_anything",
    ),
    Mutation(
        "reaper/lib/place.lua",
        "return a.number < b.number end",
        "return a.number > b.number end",
        REAPER + EXACT,
    ),
    Mutation(
        "reaper/lib/place.lua",
        "local number = take.region or 1",
        "local number = 1",
        REAPER + "test_several_razor_edits_are_regions_of_one_request",
    ),
    Mutation(
        "reaper/lib/place.lua",
        "'I_FIXEDLANE', lanes + number - 1)",
        "'I_FIXEDLANE', lanes)",
        REAPER + "test_a_track_with_fixed_lanes_gets_a_lane_for_each_take",
    ),
    Mutation(
        "reaper/lib/render.lua",
        "MASTER_MIX, STEMS = 0, 3",
        "MASTER_MIX, STEMS = 0, 2",
        ROUTING + "test_a_stem_is_the_track_before_its_effects_and_without_the_masters",
    ),
    Mutation(
        "reaper/lib/render.lua",
        "  put_settings(project, settings)\n  if not ok",
        "  if not ok",
        REAPER + "test_a_stretched_item_is_rendered_and_every_setting_put_back",
    ),
    Mutation(
        "reaper/lib/tempo.lua",
        "ramp = linear}",
        "ramp = false}",
        REAPER + "test_the_whole_tempo_map_goes_along",
    ),
    # Ableton Live, the control surface.
    Mutation(
        "ableton/Takebridge/placement.py",
        "    song.begin_undo_step()\n    try:\n        return _place",
        "    try:\n        return _place",
        LIVE + "test_a_clip_is_repainted_into_take_lanes",
    ),
    Mutation(
        "ableton/Takebridge/placement.py",
        "clip.warping = False",
        "clip.warping = True",
        LIVE + "test_a_clip_is_repainted_into_take_lanes",
    ),
    Mutation(
        "ableton/Takebridge/selection.py",
        "time.sample_at(clip_start) - file_start",
        "time.sample_at(clip_start)",
        LIVE + "test_a_trimmed_clip_between_samples_keeps_its_takes_on_its_own_samples",
    ),
    Mutation(
        "ableton/Takebridge/song_time.py",
        "math.floor(seconds * rate + HALF)",
        "math.floor(seconds * rate)",
        LIVE + "test_a_trimmed_clip_between_samples_keeps_its_takes_on_its_own_samples",
    ),
    Mutation(
        "ableton/Takebridge/placement.py",
        "for take in reversed(takes):",
        "for take in takes:",
        LIVE + "test_copies_of_the_track_can_be_switched",
    ),
    Mutation(
        "ableton/Takebridge/placement.py",
        "(placed.number + 1) %",
        "(placed.number + 2) %",
        LIVE + "test_lanes_are_stepped_through_on_a_copy_of_the_track",
    ),
    Mutation(
        "ableton/Takebridge/selection.py",
        'if not getattr(song, "scale_mode", False):\n        return ""',
        'if False:\n        return ""',
        LIVE + "test_a_scale_that_is_switched_off_is_not_sent",
    ),
    # Bitwig.
    Mutation(
        "bitwig/Takebridge.control.js",
        "decimal(start + length) +",
        "decimal(length) +",
        BITWIG + "test_the_loop_is_repainted_into_launcher_slots",
    ),
    Mutation(
        "bitwig/Takebridge.control.js",
        "(songStart.getRaw() - 1) * barLength",
        "songStart.getRaw() * barLength",
        BITWIG + "test_a_file_that_starts_later_in_the_song",
    ),
    Mutation(
        "bitwig/Takebridge.control.js",
        "numerator * 4 / denominator",
        "numerator",
        BITWIG + "test_tempo_and_meter_go_along",
    ),
    Mutation(
        "bitwig/Takebridge.control.js",
        " && !slots[n].hasContent().get()",
        "",
        BITWIG + "test_slots_that_hold_something_are_left_alone",
    ),
    # Ardour, the real one.
    Mutation(
        "ardour/takebridge/placing.lua",
        "playlist:add_region (region, Temporal.timepos_t (take.position)",
        "playlist:add_region (region, Temporal.timepos_t (take.position + 1)",
        ARDOUR + "test_a_repaint_lands_on_the_exact_sample",
    ),
    Mutation(
        "ardour/takebridge/placing.lua",
        "\tSession:add_stateful_diff_command (playlist:to_statefuldestructible ())\n",
        "",
        ARDOUR + "test_the_self_test_finds_what_the_scripts_rely_on",
    ),
    Mutation(
        "ardour/takebridge/placing.lua",
        "set_fade_in_active (false)",
        "set_fade_in_active (true)",
        ARDOUR + "test_the_self_test_finds_what_the_scripts_rely_on",
    ),
    Mutation(
        "ardour/takebridge/placing.lua",
        "return (take.number - 1) % job.takes + 1",
        "return take.number",
        ARDOUR + "test_ranges_on_two_tracks_are_one_request_and_undone_in_one_step",
    ),
    Mutation(
        "ardour/takebridge/tempo_map.lua",
        "unit = meter:note_value () }",
        "unit = 4 }",
        ARDOUR + "test_a_selection_across_a_tempo_ramp_and_odd_meters_is_sent_with_them",
    ),
    Mutation(
        "ardour/takebridge/tempo_map.lua",
        "map:quarters_per_minute_at (at (stop))",
        "map:quarters_per_minute_at (at (tick))",
        ARDOUR + "test_a_selection_across_a_tempo_ramp_and_odd_meters_is_sent_with_them",
    ),
    Mutation(
        "ardour/takebridge/selection.lua",
        "if last and span.start <= last.stop then",
        "if last then",
        ARDOUR + "test_selected_regions_are_spans_that_touch_or_not",
    ),
    Mutation(
        "ardour/takebridge/placing.lua",
        "\tfor own, of_track in pairs (copies) do placing.use",
        "\tSession:request_stop (false, false, "
        "ARDOUR.TransportRequestSource.TRS_UI)\n\tfor own, of_track in pairs (copies) do placing.use",
        ARDOUR + "test_takes_are_placed_while_the_transport_rolls",
    ),
    # OSC: the shell, Max, surfaces.
    Mutation(
        "osc/bridge.maxpat",
        '"/bridge/complete takes 2 reply_port 9126"',
        '"/bridge/complete take 2 reply_port 9126"',
        OSC + "test_each_message_of_the_max_patch_is_understood",
    ),
    Mutation(
        "osc/repaint.sh",
        'takebridge jobs" >&2\n        exit 1',
        'takebridge jobs" >&2\n        exit 0',
        OSC + "test_a_shell_gives_up_when_the_server_falls_silent",
    ),
    Mutation("osc/repaint.sh", 'bars "$bars"', "bars 1-2", OSC + "test_a_shell"),
)


@dataclass(frozen=True)
class Outcome:
    """How a test went. failed: whether the test itself did, not a fixture of it; words: why, its first line."""

    passed: bool
    failed: bool
    words: str


class Listener:
    """A plugin of pytest's that keeps what it hears of its tests."""

    def __init__(self) -> None:
        self.reports: list[pytest.TestReport] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.reports.append(report)

    def outcome(self) -> Outcome:
        failed = [one for one in self.reports if one.failed]
        calls = [one for one in self.reports if one.when == "call"]
        words = failed[0].longreprtext if failed else f"{len(calls)} tests called"
        reasons = [line for line in words.splitlines() if line.startswith("E  ")] or words.splitlines()[-1:]
        return Outcome(
            bool(calls) and all(one.passed for one in self.reports),
            any(one.failed for one in calls),
            reasons[0][:200],
        )


def main(words: list[str]) -> int:
    """Tries the mutations in a copy of the project, in one process; returns its exit status."""
    if words[:1] == [IN_A_COPY]:
        return in_a_copy(words[1:])
    with project_copy() as copy:
        command = [sys.executable, "-B", "-m", "tests.examples.mutations", IN_A_COPY, *words]
        return subprocess.run(command, cwd=copy, check=False).returncode


def in_a_copy(words: list[str]) -> int:
    """Prints a line for each mutation; returns how many were not caught. Changes the scripts of this very project."""
    wanted = [
        one for one in MUTATIONS if not words or any(word in f"{one.file} {one.test}" for word in words)
    ]
    for test in dict.fromkeys(one.test for one in wanted):
        if not (found := run(test)).passed:
            print(f"WITHOUT A FAULT {test} does not pass, so it proves nothing: {found.words}", flush=True)
    left = [one for one in wanted if not tried(EXAMPLES, one, run)]
    print(f"{len(wanted) - len(left)} of {len(wanted)} caught")
    return len(left)


def tried(scripts: Path, mutation: Mutation, run: Callable[[str], Outcome]) -> bool:
    """Whether the test fails with the fault in place; prints which, and how it failed."""
    began = time.monotonic()
    with mutated(scripts, mutation):
        found = run(mutation.test)
    took = time.monotonic() - began
    print(f"{'caught' if found.failed else 'NOT CAUGHT'}  {mutation.file}: {mutation.wrong!r}, {took:.0f} s")
    print(f"    {mutation.test}: {found.words}", flush=True)
    return found.failed


@contextmanager
def mutated(scripts: Path, mutation: Mutation) -> Iterator[None]:
    """The fault in place, in a folder of scripts. Raises ValueError for a text that is not there exactly once."""
    file = scripts / mutation.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutation.right) != 1:
        raise ValueError(f"{mutation.file} has {mutation.right!r} {text.count(mutation.right)} times")
    file.write_text(text.replace(mutation.right, mutation.wrong), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(text, encoding="utf-8")


@contextmanager
def project_copy() -> Iterator[Path]:
    """The project's files without what git ignores, in a temporary folder."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "project"
        for path in filter(None, listed.stdout.split("\0")):
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / path, copy / path)
        yield copy


def run(test: str) -> Outcome:
    """One test, or those that a parametrized one is, by a pytest in this process: what it imports is there already."""
    listener = Listener()
    with redirect_stdout(io.StringIO()):
        pytest.main(["-x", "-p", "no:cacheprovider", f"tests/examples/{test}"], plugins=[listener])
    return listener.outcome()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
