"""What a training costs renders: how long one takes with a training under way and without, in turns.

    python -m benchmarks.training_yield [--renders 8]

A real server with untrained models in its process, and a real training with 64 examples in each step: one step
takes many seconds, so that a training that only looked between two steps would be seen. In turns the training is
stopped and gone on with; each time the Sketch engine renders a repaint, and the time from the request to its end is
taken. Needs the extra acestep.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.bridge_server.peers import ServerThread, WebSocketPeer, band_song
from tests.bridge_server.training.songs_to_learn import write_song
from tests.bridge_server.training.training_peer import following, training_settings, until, until_state


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--renders", type=int, default=8, metavar="N", help="of each kind (default: 8)")
    renders: int = parser.parse_args().renders
    os.environ["OMP_NUM_THREADS"] = "2"
    from tests.model.acestep.tiny_folder import write_models

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_models(folder / "models", "acestep-v15-turbo")
        settings = training_settings(folder, engine="sketch")
        band_song(settings.roots[0] / "band.wav")
        (settings.roots[0] / "mine").mkdir()
        for number in range(3):
            write_song(settings.roots[0] / "mine" / f"{number}.wav", 110.0 * (number + 2), 30.0)
        with ServerThread(settings) as server, following(server) as peer:
            timed(peer)  # the engine is loaded
            begin(peer)
            alone, beside = [], []
            for _ in range(renders):
                beside.append(timed(peer))
                peer.call("training.stop")
                until_state(peer, "stopped")
                alone.append(timed(peer))
                peer.call("training.resume", name="slow")
                until_phase(peer, "training", "going on")
    ratio = statistics.median(beside) / statistics.median(alone)
    print(f"alone  {statistics.median(alone):6.2f} s  (median of {len(alone)})")
    print(f"beside {statistics.median(beside):6.2f} s  ratio {ratio:.2f}")


def begin(peer: WebSocketPeer) -> None:
    peer.call(
        "training.start", name="slow", songs="mine", consent=True, device="cpu", memory=8, seconds=28.0,
        accumulation=64, steps=100_000, preview_every=0,
    )  # fmt: skip
    until_phase(peer, "prepared", "training")


def until_phase(peer: WebSocketPeer, *phases: str) -> None:
    """Until the training says one of these words. A process of low priority takes long to start on a busy machine."""
    while True:
        try:
            until(peer, lambda moved: any(phase in moved.get("phase", "") for phase in phases))
        except TimeoutError:
            continue
        return


def timed(peer: WebSocketPeer) -> float:
    """Seconds of a repaint of four bars."""
    begun = time.monotonic()
    replies = peer.render("repaint", source="band.wav", bars="3-6", bpm=120, engine="sketch")
    assert replies[-1].name == "done", replies[-1]
    return replies[-1].at - begun


if __name__ == "__main__":
    main()
