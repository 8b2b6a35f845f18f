"""Odd songs through every door: the same take or the same words at each, and never a mistake of our own."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import soundfile

from bridge_server.settings import WatchSettings
from clip_store.audio.layout import NEVER_FINISHED
from tests.bridge_server.odd_songs import DOORS, END, START, of_take, status_text
from tests.bridge_server.peers import ServerThread, noise_song, run_bridge
from tests.bridge_server.servers import settings_in
from tests.clip_store.audio import odd_files as odd
from tests.clip_store.audio.odd_files import SOUND, chunk, fmt, wave
from tests.clip_store.audio.test_lead_in import id3
from tests.daw_protocol.timeline.midi_bytes import key, meta, meter, midi, tempo, track

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


TWO_CHUNKS = wave(chunk(b"fmt ", fmt()), chunk(b"data", SOUND[:9600]), chunk(b"data", SOUND[9600:]))

READ = {
    # name: (bytes, ending, the project's rate, what a note says)
    "never finished": (odd.wave_with_size(0), ".wav", 48_000, NEVER_FINISHED),
    "two data chunks": (TWO_CHUNKS, ".wav", 48_000, "2 data chunks"),
    "FLAC from a pipe": (odd.flac_stating(0), ".flac", 48_000, NEVER_FINISHED),
    "GSM": (odd.encoded("WAV", "GSM610", 44_100, odd.codes(channels=1)), ".wav", 44_100, ""),
    "32 kHz": (at_rate(32_000), ".wav", 48_000, CONVERTED.format(32_000, 48_000)),
    "22.05 kHz": (at_rate(22_050), ".wav", 44_100, CONVERTED.format(22_050, 44_100)),
    "176.4 kHz": (at_rate(176_400), ".wav", 176_400, ""),
    "chained Ogg": (odd.encoded("OGG", "VORBIS") * 2, ".ogg", 48_000, "holds 2 streams"),
    "joined FLAC, another rate behind": (
        odd.encoded("FLAC", "PCM_16") + odd.encoded("FLAC", "PCM_16", 44_100), ".flac", 48_000, "(44100 Hz, stereo)",
    ),
    "a format of 14 bytes": (wave(chunk(b"fmt ", fmt()[:14]), chunk(b"data", SOUND)), ".wav", 48_000, ""),
    "the format behind the sound": (wave(chunk(b"data", SOUND), chunk(b"fmt ", fmt())), ".wav", 48_000, ""),
    "MP3 behind a tag with a footer": (id3(footer=True) + odd.encoded("MP3", "MPEG_LAYER_III"), ".mp3", 48_000, ""),
    "Ogg behind a server's answer": (
        b"HTTP/1.1 200 OK\r\n\r\n" + odd.encoded("OGG", "VORBIS"), ".ogg", 48_000, "has 19 bytes in front of its sound",
    ),
    "an offset of 50": (floats(lambda samples: samples + 50), ".wav", 48_000, ""),
    "an offset that drifts": (
        floats(lambda samples: samples + np.linspace([0, 3], [9, 3], len(samples))), ".wav", 48_000, "",
    ),
    "one loud sample": (floats(with_one(80.0)), ".wav", 48_000, ""),
    "an offset": (floats(lambda samples: samples + 0.4), ".wav", 48_000, ""),
}  # fmt: skip
REFUSED = {
    "not numbers": (floats(with_one(math.nan)), ".wav", "values that are not numbers"),
    "far beyond": (floats(lambda samples: samples * 1e300), ".wav", "far beyond full scale"),
    "one sample far beyond": (floats(with_one(1e20)), ".wav", "(1e+20), the first at sample 5000."),
    "an unknown encoding": (
        wave(chunk(b"fmt ", fmt(tag=0xFF)), chunk(b"data", SOUND)), ".wav", "(its sound is in an unknown encoding). ",
    ),
    "a rate beyond all": (
        wave(chunk(b"fmt ", fmt()[:4] + b"\xff" * 4 + fmt()[8:]), chunk(b"data", SOUND)),
        ".wav", "(its header says 4294967295 Hz). ",
    ),
    "no sound behind the header": (wave(chunk(b"fmt ", fmt())), ".wav", "has a header, but no sound"),
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


MAPS = {
    # name: (bytes, words; bpm: what the request says besides) -> where bar 2 begins, or what is said
    "one bad key": (
        midi(track(tempo(100), key(8))),
        "",
        115_200,
        "A key signature of the MIDI file, in bar 1,",
    ),
    "no tempo": (midi(track(meter(3, 2))), "", None, " has no tempo"),
    "a tempo of 0": (midi(track(meta(0x51, bytes(3)))), "", None, "A tempo of the MIDI file, in bar 1,"),
    "cut within its tempo": (midi(track(tempo(100)))[:-6], "", None, "A track of the MIDI file ends early"),
    "a meter of 0 in 4": (
        midi(track(tempo(100), meta(0x58, b"\0\2\x18\x08"))),
        "",
        115_200,
        "A time signature of the MIDI",
    ),
    "no tempo, but bpm": (midi(track(meter(3, 2))), "100", 86_400, ""),
    "not MIDI": (b"la la la", "", None, "cannot be used as a tempo map: it is not a Standard MIDI File."),
    "SMPTE": (midi(track(tempo(100)), division=0xE728), "", None, "SMPTE"),
}


@pytest.mark.parametrize("name", MAPS)
def test_a_midi_file_next_to_the_song_in_the_watched_folder(server, name):
    data, bpm, position, words = MAPS[name]
    folder = server.settings.watch.folder
    title = f"map {name}"
    (folder / f"{title}.mid").write_bytes(data)
    noise_song(folder / "part.tmp.wav", frames=6 * odd.RATE)
    extra = f", {bpm} bpm" if bpm else ""
    before = {take.id for take in server.takes()}
    (folder / "part.tmp.wav").rename(folder / f"{title} [repaint 2{extra}].wav")
    text = status_text(folder, title)
    assert words in " ".join(text.split())
    found = [take.position for take in server.takes() if take.id not in before]
    assert found == ([position] if position is not None else [])


@pytest.mark.parametrize(
    "name", [name for name in MAPS if name not in ("cut within its tempo", "a meter of 0 in 4")]
)
def test_a_midi_file_on_the_command_line(server, name):
    data, bpm, position, words = MAPS[name]
    folder = server.settings.roots[0]
    (folder / "map.mid").write_bytes(data)
    noise_song(folder / "map.wav", frames=6 * odd.RATE)
    extra = ("--bpm", bpm) if bpm else ()
    words_typed = (
        "repaint",
        str(folder / "map.wav"),
        "--bars",
        "2",
        *extra,
        "--tempo-map",
        str(folder / "map.mid"),
    )
    done = run_bridge(server.settings.store, *words_typed, "-o", str(folder / "out"))
    said = " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in said
    assert words in said
    assert (done.returncode == 0) == (position is not None), said
    assert position is None or f"at sample {position}," in said
