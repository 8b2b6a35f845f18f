"""What a bug report lets through."""

import time

import pytest

from bridge_server.cli.known_words import known, redacted, redacted_frame


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("job j0a1b2c3d4e is done", "job j0a1b2c3d4e is done"),
        ("job j0a1b2c3d4e failed: out_of_range (bpm)", "job j0a1b2c3d4e failed: out_of_range (bpm)"),
        ("OSError: No space left on device", "OSError: No space left on device"),
        ("the engine did not stop within 2.0 s", "the engine did not stop within 2.0 s"),
        ("zanzibar", "…"),
        ("job zanzibar zanzibar-zanzibar failed", "job … failed"),
        ("OSC from 10.1.2.3:9000", "OSC from …:9000"),
        ("OSC from 127.0.0.1:9000", "OSC from 127.0.0.1:9000"),
        ("4917012345678", "…"),
        ("", ""),
    ],
)
def test_our_words_stay_and_others_go(text, shown):
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "text", ["zanzibar " * 9000, "…" * 90_000, "a:" * 50_000, "\u202e" * 9000, '"' * 90_000]
)
def test_long_lines_take_no_time(text):
    began = time.perf_counter()
    assert len(redacted(text)) <= 1000
    assert time.perf_counter() - began < 1


def test_frames_of_ours_are_named_by_their_place_in_the_packages():
    ours = '  File "/home/zanzibar/env/lib/bridge_server/logs.py", line 12, in logged_to'
    assert redacted_frame(ours) == '  File "bridge_server/logs.py", line 12, in logged_to'
    for path, name in (
        ("/home/zanzibar/model/zanzibar.py", "main"), ("/x/bridge_server/logs.py", "zanzibar"),
        ("/x/bridge_server/../zanzibar.py", "main"),
    ):  # fmt: skip
        assert redacted_frame(f'  File "{path}", line 1, in {name}') == '  File "…"'
    assert redacted_frame("ValueError") is None


def test_a_single_word():
    assert known("bpm") == "bpm"
    assert known("zanzibar") == "…"
