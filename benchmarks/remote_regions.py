"""Random regions through the engines that ask other servers, against doubles of those: in time, outside, in level.

    python -m benchmarks.remote_regions              # 200 through each
    python -m benchmarks.remote_regions --count 25

Rates from 44.1 to 192 kHz, mono and stereo, with and without pre- and post-roll. The doubles play a tone at a known
time. Every fifth region is asked of doubles that shift by a frame or touch the outside as well: each must be caught.
Then renders are cancelled while the server works.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from model.engine import Engine, RenderRequest
from model.errors import RenderRejected, RenderStopped
from model.remote.acestep_api import AcestepApiEngine
from model.remote.acestep_cpp import AcestepCppEngine
from model.remote.remote_engine import RemoteConfig
from tests.model.remote.ace_double import AceDouble, tone
from tests.model.remote.requests import Stopper, render, request, song
from tests.model.remote.rest_double import RestDouble

RATES = (44_100, 48_000, 88_200, 96_000, 176_400, 192_000)
FAULTS = ("shifts", "touches")
KINDS: dict[str, tuple[Callable[..., Any], Callable[[RemoteConfig], Engine]]] = {
    "acestep-cpp": (AceDouble, AcestepCppEngine),
    "acestep-api": (RestDouble, AcestepApiEngine),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=200)
    count = parser.parse_args().count
    wrong = sum(measure(name, count) for name in KINDS)
    for name in KINDS:
        waits = sorted(1000 * cancelled(name) for _ in range(min(count, 20)))
        print(
            f"{name}: a cancel ends the render after {waits[len(waits) // 2]:.0f} ms, at most {waits[-1]:.0f}"
        )
    return wrong


def measure(name: str, count: int) -> int:
    """Prints the figures; returns how many regions came out wrong."""
    make, engine = KINDS[name]
    wrong, caught, faulty, worst, gains, began = 0, 0, 0, 0.0, [], time.process_time()
    with make() as double:
        one = engine(RemoteConfig(double.address))
        for number in range(count):
            asked = random_request(number)
            heard = render(one, asked)
            right = heard.starts["mix"] == asked.start and heard.stems["mix"].shape == (
                asked.length,
                asked.channels,
            )
            difference = heard.report.figures["outside_difference"][0]
            worst = max(worst, difference or 0.0)
            gains.append(heard.report.figures["server_gain"][0])
            if name == "acestep-cpp":
                right &= in_time(asked, heard.stems["mix"], heard.report.figures)
            wrong += not right
            if number % 5 == 0 and difference is not None:
                for fault in FAULTS:
                    faulty += 1
                    caught += refuses(make, engine, fault, asked)
        unknown = double.unknown_fields
    print(
        f"{name}: {count - wrong} of {count} to the sample; beside the region at most {worst:.1e} of its peak; gains "
        f"{min(gains):.3f} to {max(gains):.3f}; {caught} of {faulty} misbehaving servers caught; fields the server "
        f"does not know: {len(unknown)}; {(time.process_time() - began) / count:.2f} s of processor time each"
    )
    return wrong + (faulty - caught) + len(unknown)


def cancelled(name: str) -> float:
    """Seconds from a cancel, while the server works, to the end of the render."""
    make, engine = KINDS[name]
    with make() as double:
        double.gate.clear()
        stopper = Stopper("server")
        with contextlib.suppress(RenderStopped):
            render(
                engine(RemoteConfig(double.address)),
                request(song(6), 96_000, 144_000),
                stopper.stop.is_set,
                stopper,
            )
        return time.monotonic() - stopper.at


def random_request(number: int) -> RenderRequest:
    """A region somewhere in a song of six to nine seconds."""
    random = np.random.default_rng((20, number))
    rate, channels = int(random.choice(RATES)), int(random.integers(1, 3))
    given = song(float(random.uniform(6, 9)), rate, channels, seed=number)
    start = int(random.integers(0, given.frames - rate))
    end = int(random.integers(start + rate // 4, given.frames))
    handle = int(random.integers(0, 2)) * int(random.integers(1, rate // 3))
    return request(given, start, end, handle=handle, seed=number)


def in_time(asked: RenderRequest, heard: Any, figures: Any) -> bool:
    """Whether the tone is where it was played, but for where it begins and ends: there a filter rings."""
    begins = asked.start / asked.rate - figures["window"][0]
    wanted = tone(figures["server_seed"], asked.length, asked.rate, begins)
    wanted = wanted if asked.channels == 2 else wanted.mean(axis=1, keepdims=True)
    edge = asked.rate // 20
    return bool(np.abs(heard - wanted)[edge:-edge].max(initial=0.0) < 2e-4)


def refuses(
    make: Callable[..., Any], engine: Callable[[RemoteConfig], Engine], fault: str, asked: RenderRequest
) -> bool:
    """Whether a server with this fault is caught."""
    with make(fault) as double:
        try:
            render(engine(RemoteConfig(double.address)), asked)
        except RenderRejected:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
