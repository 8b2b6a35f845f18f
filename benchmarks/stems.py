"""What separation by network costs on this machine: seconds of a song's second, memory, and how soon it stops.

    python -m benchmarks.stems                    # the published network's sizes with random weights: no download
    python -m benchmarks.stems --models FOLDER    # what is in a folder of models
    python -m benchmarks.stems --seconds 60 --device cuda

Weights do not change the work. Needs the extra `stems`.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from model.engine import Grid, RenderRequest, Song, Task
from model.errors import RenderStopped
from model.stems.engine import StemsConfig, StemsEngine
from tests.model.stems.networks import SOURCES, write_weights

RATE = 48_000
PUBLISHED = {
    "sources": list(SOURCES), "bottom_channels": 512, "t_layers": 5, "dconv_mode": 3, "segment": Fraction(39, 5),
}  # fmt: skip
"""41,984,456 parameters in 533 tensors, as the published weights have them."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=Path)
    parser.add_argument("--seconds", type=float, default=24.0)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        models = arguments.models or Path(folder)
        if arguments.models is None:
            write_weights(models, 0, PUBLISHED)
        measure(StemsEngine(StemsConfig(str(models), arguments.device)), arguments.seconds)
    return 0


def measure(engine: StemsEngine, seconds: float) -> None:
    """Prints the figures."""
    noise = np.random.default_rng(0).normal(0.0, 0.1, (round(seconds * RATE), 2)).astype(np.float32)
    beats = np.arange(5)
    grid = Grid(beats / 2.0, beats % 4, np.full(5, 4), beats // 4 + 1, np.full(5, 120.0))
    asked = RenderRequest(Task.EXTRACT, Song(noise, RATE, "noise"), RATE, 2, 0, len(noise), grid, seed=0)
    began = time.monotonic()
    engine.load(lambda _: None)
    print(f"loaded in {time.monotonic() - began:.1f} s")
    began, worked = time.monotonic(), time.process_time()
    first = None
    for _ in engine.render(asked, lambda _: None, lambda: False):
        first = first or time.monotonic() - began
    took, worked = time.monotonic() - began, time.process_time() - worked
    print(
        f"{seconds:.0f} s of song: {took:.1f} s, {worked:.1f} s of processor time; the first piece after {first:.1f} s"
    )
    print(f"a second of song: {took / seconds:.2f} s, {worked / seconds:.2f} s of processor time")
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB at most")
    cancelled = time.monotonic() + 1.0
    try:
        list(engine.render(asked, lambda _: None, lambda: time.monotonic() > cancelled))
    except RenderStopped:
        print(f"stopped {1000 * (time.monotonic() - cancelled):.0f} ms after it was cancelled")


if __name__ == "__main__":
    sys.exit(main())
