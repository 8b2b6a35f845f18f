"""Lines of everybody's jobs: which are before ours, how far ours is, and why it failed."""

import time

from model.remote.ace_server_log import AceServerLog

OURS, OTHER, DONE = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"
BEFORE = [
    "[Server] FATAL: of long ago",
    f"[Server] Job {DONE} created (1 requests)",
    f"[Server] Job {OTHER} created (1 requests)",
    f"[Server] Job {DONE} done (1 tracks)",
    f"[Server] Job {OURS} created (1 requests)",
]


class Lines:
    """A link whose server writes these lines."""

    def __init__(self, *lines: str) -> None:
        self.given = lines

    def lines(self, path: str):
        assert path == "/logs"
        yield from self.given


def log_of(*lines: str) -> AceServerLog:
    log = AceServerLog(Lines(*lines))
    while log.now() < len(lines):
        time.sleep(0.001)
    return log


def test_who_is_before():
    assert log_of(*BEFORE).before(OURS) == (OTHER,)
    assert log_of(*BEFORE, f"[Server] Job {OTHER} done (1 tracks)").before(OURS) == (OTHER,), (
        "the server is asked"
    )
    assert log_of().before(OURS) == ()


def test_how_far_it_is():
    log = log_of(*BEFORE, "[DiT] Step 3/8 t=0.500 [Euler]")
    assert log.step(log.begun(OURS)) == (3, 8)
    assert log.step(log.now()) is None
    decoding = log_of(*BEFORE, "[DiT] step 8/8 t=0.1", "[VAE] Tiled decode: 12 tiles (chunk=256)")
    assert decoding.step(decoding.begun(OURS)) == (8, 8)
    assert log_of(*BEFORE, "[DiT] Step 3/0 t=1").step(0) == (3, 1)


def test_why_it_failed():
    log = log_of(*BEFORE, "[Server] DiT not found: x", "[Server] idle")
    assert log.trouble(log.begun(OURS)) == "[Server] DiT not found: x"
    assert log_of(*BEFORE).trouble(len(BEFORE)) == ""


def test_a_very_long_log_keeps_its_marks():
    log = log_of(*BEFORE, *(["x"] * 5000), "[DiT] Step 1/8 t=1")
    assert log.step(0) == (1, 8)
    assert log.begun(OURS) == 0, "forgotten"
