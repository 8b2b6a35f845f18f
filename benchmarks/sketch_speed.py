"""How fast Sketch repaints: a new server's first request against its second, and four bars of a known song.

    python -m benchmarks.sketch_speed

Two made songs of equal length, so that neither request of the server finds anything analysed. The engine alone is timed
by the processor's time, the server by the clock: what a producer waits for.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.figures import Aim, Figure, table
from benchmarks.sketch_songs import song
from model.sketch.engine import SketchEngine
from tests.bridge_server.peers import OscPeer, ServerProcess
from tests.model.sketch.songs import Generated, request_for

SECTION = "Sketch, four bars"
FIRST, SECOND = "pop120", "pop92"
BARS = 8, 12
AIM_SECONDS, AIM_FIRST = 0.5, 0.8
SEEDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    print(table(figures()))


def figures(seeds: int = SEEDS) -> list[Figure]:
    """seeds: takes of the known song."""
    made = [song(name) for name in (FIRST, SECOND)]
    first, second = of_a_server(made)
    analysed, repaint = of_the_engine(made[0], seeds)
    figure = partial(Figure, SECTION)
    return [
        figure(
            "first request of a server, song not analysed",
            first,
            "s",
            second,
            "its second, another song",
            Aim(AIM_FIRST, at_least=True),
            True,
        ),
        figure("analysis of a song, for each minute", analysed, "s of processor time"),
        figure("repaint of a known song", repaint, "s of processor time", aim=Aim(AIM_SECONDS)),
    ]


def of_a_server(songs: list[Generated]) -> list[float]:
    """Seconds from a new server's first requests to their takes, one for each song, of equal work."""
    shortest = min(len(made.song.samples) for made in songs)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, made in enumerate(songs):
            soundfile.write(folder / f"{number}.wav", made.song.samples[:shortest], made.song.rate)
        server = ServerProcess(folder / "store", folder).start()
        peer = OscPeer(server.osc_port)
        try:
            return [_repaint(peer, number, made) for number, made in enumerate(songs)]
        finally:
            peer.close()
            server.stop()


def _repaint(peer: OscPeer, number: int, made: Generated) -> float:
    rate = made.song.rate
    asked = ("source", f"{number}.wav", "bpm", 120.0, "start", 16 * rate, "end", 24 * rate)
    began = time.perf_counter()
    last = peer.render("/bridge/repaint", f"speed-{number}", *asked)[-1]
    assert last.name == "done", last
    return time.perf_counter() - began


def of_the_engine(made: Generated, seeds: int) -> tuple[float, float]:
    """Seconds of processor time: to analyse a minute, and for a repaint of the analysed song, the median."""
    engine = SketchEngine()
    engine.load(lambda _: None)
    start, end = (made.bar_frame(bar, int(made.grid.bar_beats[0])) for bar in BARS)
    times = []
    for seed in range(seeds + 1):
        began = time.process_time()
        list(engine.render(request_for(made, start, end, seed=seed), lambda _: None, lambda: False))
        times.append(time.process_time() - began)
    repaint = float(np.median(times[1:]))
    return (times[0] - repaint) * 60 * made.song.rate / made.song.frames, repaint


if __name__ == "__main__":
    main()
