"""Odd songs through every door: the same take or the same words at each, and never a mistake of our own."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import soundfile

from bridge_server.settings import WatchSettings
from clip_store.audio.layout import NEVER_FINISHED
from tests.bridge_server.odd_songs import DOORS, END, START, of_take
from tests.bridge_server.peers import ServerThread
from tests.bridge_server.servers import settings_in
from tests.clip_store.audio import odd_files as odd
from tests.clip_store.audio.odd_files import SOUND, chunk, fmt, wave

CONVERTED = "converted from {} to {} Hz"


def at_rate(rate: int) -> bytes:
    return odd.encoded("WAV", "PCM_16", rate, odd.codes(rate // 5))


def floats(change) -> bytes:
    samples = np.random.default_rng(3).uniform(-0.5, 0.5, (odd.FRAMES, 2))
    out = io.BytesIO()
    soundfile.write(out, change(samples), odd.RATE, format="WAV", subtype="DOUBLE")
    return out.getvalue()


def with_one(value: float):
    def change(samples: np.ndarray) -> np.ndarray:
        samples[5_000, 1] = value
        return samples

    return change


READ = {
    # name: (bytes, ending, the project's rate, what a note says)
    "never finished": (odd.wave_with_size(0), ".wav", 48_000, NEVER_FINISHED),
    "two data chunks": (
        wave(chunk(b"fmt ", fmt()), chunk(b"data", SOUND[:9600]), chunk(b"data", SOUND[9600:])), ".wav", 48_000, "2 data chunks",
    ),
    "FLAC from a pipe": (odd.flac_stating(0), ".flac", 48_000, NEVER_FINISHED),
    "GSM": (odd.encoded("WAV", "GSM610", 44_100, odd.codes(channels=1)), ".wav", 44_100, ""),
    "32 kHz": (at_rate(32_000), ".wav", 48_000, CONVERTED.format(32_000, 48_000)),
    "22.05 kHz": (at_rate(22_050), ".wav", 44_100, CONVERTED.format(22_050, 44_100)),
    "176.4 kHz": (at_rate(176_400), ".wav", 176_400, ""),
    "one loud sample": (floats(with_one(80.0)), ".wav", 48_000, ""),
    "an offset": (floats(lambda samples: samples + 0.4), ".wav", 48_000, ""),
}  # fmt: skip
REFUSED = {
    "not numbers": (floats(with_one(math.nan)), ".wav", "values that are not numbers"),
    "far beyond": (floats(lambda samples: samples * 1e300), ".wav", "far beyond full scale"),
    "one sample far beyond": (floats(with_one(1e20)), ".wav", "far beyond full scale (1e+20), the first at sample 5000."),
    "a cut file": (odd.wave_with_size(len(SOUND) * 2), ".wav", "is cut off"),
    "one sample": (odd.encoded("WAV", "PCM_16", samples=odd.codes(1)), ".wav", "after the song's end"),
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    (folder / "Bounces").mkdir()
    watch = WatchSettings(folder / "Bounces", poll_seconds=0.05, settle_seconds=0.1, patience_seconds=0.1)
    with ServerThread(settings_in(folder, watch=watch)) as running:
        yield running


def song(server, door: str, name: str, data: bytes, ending: str):
    path = server.settings.roots[0] / f"{name} {door}{ending}"
    path.write_bytes(data)
    return path


def at_each_door(names):
    """Every name at every door; on the command line, where each takes seconds, the first three."""
    names = list(names)
    return [(name, door) for name in names for door in DOORS if door != "command line" or name in names[:3]]


@pytest.mark.parametrize(("name", "door"), at_each_door(READ))
def test_the_same_take_at_every_door(server, door, name):
    data, ending, rate, note = READ[name]
    found = DOORS[door](server, song(server, door, name, data, ending))
    assert found.rate == rate, found.text
    assert (found.position, found.position + found.length) == (round(START * rate), round(END * rate))
    assert found.identical
    assert note in found.text


@pytest.mark.parametrize(("name", "door"), at_each_door(REFUSED))
def test_the_same_words_at_every_door(server, door, name):
    data, ending, words = REFUSED[name]
    found = DOORS[door](server, song(server, door, name, data, ending))
    assert words in " ".join(found.text.split())
    assert found.rate is None
    assert "nternal error" not in found.text


@pytest.mark.parametrize("rate", [22_050, 24_000, 32_000])
def test_a_low_rate_is_kept_where_it_is_asked_for(server, rate):
    path = song(server, "kept", str(rate), at_rate(rate), ".wav")
    with server.osc() as osc:
        replies = osc.render(
            "/bridge/repaint", f"keep {rate}", "source", path.name, "start", 10, "end", 1000, "rate", rate
        )
    take = next(reply for reply in replies if reply.name == "take")
    assert (take["rate"], take["position"], take["length"]) == (rate, 10, 990)
    assert "converted" not in replies[0].values.get("note", "")


@pytest.mark.parametrize("frames", [1, 2, 3, 17])
def test_songs_and_regions_of_a_few_samples(server, frames):
    path = song(server, "short", str(frames), odd.encoded("WAV", "PCM_16", samples=odd.codes(frames)), ".wav")
    with server.osc() as osc:
        replies = osc.render(
            "/bridge/repaint", f"short {frames}", "source", path.name, "start", 0, "end", frames
        )
    assert replies[-1].name == "done", replies[-1]
    found = of_take(server, next(reply["take"] for reply in replies if reply.name == "take"))
    assert (found.position, found.length, found.identical) == (0, frames, True)
