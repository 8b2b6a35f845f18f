"""The watched folder, end to end: a real server, the sketch engine where sound matters, files as DAWs write them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import sys
import time

import mido
import numpy as np
import pytest
import soundfile
from wavinfo import WavInfoReader

from bridge_server.endpoints.watch_folder.folder import MAX_TEXT_BYTES, _is_ours, _wanted
from bridge_server.endpoints.watch_folder.scan import DroppedFile
from bridge_server.server import DATABASE
from bridge_server.settings import WatchSettings
from clip_store.audio.audio import Encoding, quantise
from clip_store.audio.audio_file import write_wav
from clip_store.audio.broadcast_wav import Bext
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.peers import PATIENCE, ServerThread, band_song
from tests.bridge_server.servers import settings_in

RATE = 44_100
QUICK = {"poll_seconds": 0.05, "settle_seconds": 0.2, "patience_seconds": 1.0}


def bwf(path, stamp=0, bars=4, seconds=None):
    """The band's song at 120 BPM as a Broadcast WAV that says it begins at sample `stamp`; appears at once, whole."""
    plain = path.with_name("plain.tmp")
    band_song(plain.with_suffix(".wav"), bars)
    samples, rate = soundfile.read(plain.with_suffix(".wav"), dtype="float32", always_2d=True)
    plain.with_suffix(".wav").unlink()
    part = path.with_name("bwf.tmp")
    write_wav(part, quantise(samples[: seconds and round(seconds * rate)], rate, Encoding.PCM_24).audio,
              Bext(description="a DAW's", originator="DAW", time_reference=stamp))  # fmt: skip
    part.rename(path)
    return path


def wait_for(condition, what):
    """What the condition gives once it gives something."""
    end = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come")


def text_of(folder, ending):
    """The one text with this ending, once it is there."""

    def found():
        texts = [path.read_text(encoding="utf-8") for path in folder.glob(f"*{ending}")]
        return texts[0] if len(texts) == 1 and texts[0] else None

    return wait_for(found, ending)


def finished(folder, count=1, errors=0):
    def found():
        wrong = [path.read_text(encoding="utf-8") for path in folder.glob("*.error.txt")]
        assert sum("done since" not in text for text in wrong) <= errors, wrong
        texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.progress.txt")]
        return [text for text in texts if "Finished" in text][count - 1 :]

    wait_for(found, f"{count} finished")
    return sorted((folder / "Takes").iterdir())


@pytest.fixture
def drops(tmp_path):
    folder = tmp_path / "Bounces"
    folder.mkdir()
    return folder


@pytest.fixture
def serve(tmp_path, drops):
    """`with serve(): ...`: a server that watches the folder."""

    def start(engine="noise", roots=None, **changes):
        dropped = WatchSettings(drops, **{**QUICK, **changes})
        given = {} if roots is None else {"roots": roots}
        return ServerThread(settings_in(tmp_path, engine=engine, watch=dropped, **given))

    return start


def slow(drops, seconds):
    """A song that takes so long to render."""
    path = bwf(drops / "song.wav")
    words = {"task": "repaint", "bars": "1", "bpm": 120, "engine": "slow", "options": {"seconds": seconds}}
    (drops / "song.ace.json").write_text(json.dumps(words))
    return path


def rendering(folder):
    """Waits until the text says so."""
    wait_for(
        lambda: "rendering" in "".join(text.read_text() for text in folder.glob("*.progress.txt")), "progress"
    )


def same(folder, before):
    """Whether every file of the producer's is as it was."""
    return all((folder / name).read_bytes() == data for name, data in before.items())


def test_a_dropped_file_gets_takes_that_land_by_their_stamps(serve, drops):
    """The whole way, with the sketch engine: bars 3-4 of a song that begins at bar 2."""
    stamp = 4 * RATE // 2
    bwf(drops / "song [repaint 3-4, 120 bpm, 2 takes, seed 4].wav", stamp, bars=8)
    before = {path.name: path.read_bytes() for path in drops.iterdir()}
    with serve("sketch"):
        takes = finished(drops)
    assert [take.name for take in takes] == ["song.repaint.1.wav", "song.repaint.2.wav"]
    source, _ = soundfile.read(next(drops.glob("*.wav")), dtype="float32")
    for take in takes:
        info = WavInfoReader(str(take))
        assert info.bext.time_reference == 2 * 4 * RATE // 2
        clip, rate = soundfile.read(take, dtype="float32")
        assert (len(clip), rate) == (2 * 4 * RATE // 2, RATE)
        begin = info.bext.time_reference - stamp
        assert not np.array_equal(clip, source[begin : begin + len(clip)])
    assert same(drops, before)
    assert "Takes/song.repaint.1.wav" in text_of(drops, ".progress.txt")


def test_a_restart_does_nothing_twice(serve, drops):
    bwf(drops / "song [repaint 1, 120 bpm].wav")
    with serve() as server:
        finished(drops)
        jobs = server.server.worker._queue.newest
        assert len(server.on_loop(jobs)) == 1
    shutil.rmtree(drops / "Takes")  # the producer has no use for it
    bwf(drops / "other [repaint 2, 120 bpm].wav")
    with serve() as server:
        takes = finished(drops, 2)
        assert len(server.on_loop(server.server.worker._queue.newest)) == 2
    assert [take.name for take in takes] == ["other.repaint.1.wav"]


def test_what_was_interrupted_goes_on_after_a_restart(serve, drops):
    slow(drops, 3)
    with serve() as server:
        rendering(drops)
        (job,) = server.on_loop(server.server.worker._queue.newest)
    assert not (drops / "Takes").exists()
    with serve() as server:
        (take,) = finished(drops)
        (again,) = server.on_loop(server.server.worker._queue.newest)
    assert again.id == job.id
    assert take.name == "song.repaint.1.wav"


def test_words_beside_and_a_tempo_map(serve, drops):
    tempo = mido.MidiFile(
        ticks_per_beat=480, tracks=[mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=400_000)])]
    )
    tempo.save(drops / "song.mid")
    (drops / "song.txt").write_text("repaint 2\nseed 3\n", encoding="utf-8-sig")
    (drops / "json.ace.json").write_text(json.dumps({"task": "extract", "stems": ["vocals", "residual"]}))
    bwf(drops / "song.wav")
    bwf(drops / "json.wav", 1234)
    bwf(drops / "nothing asked.wav")
    with serve():
        takes = finished(drops, 2)
    assert [take.name for take in takes] == [
        "json.extract.1.residual.wav",
        "json.extract.1.vocals.wav",
        "song.repaint.1.wav",
    ]
    stamps = [WavInfoReader(str(take)).bext.time_reference for take in takes]
    assert stamps == [1234, 1234, 4 * 60 * RATE // 150]
    assert not list(drops.glob("nothing asked.*.txt"))


def test_a_bounce_of_some_bars_with_the_songs_tempo_map(serve, drops):
    """As docs/any-daw.md says it: words in the name, `song.mid` beside; the map changes before the region."""
    quarters = 16  # at 100 BPM, then 160
    changes = [(0, 600_000), (quarters * 480, 375_000)]
    track = [mido.MetaMessage("set_tempo", tempo=tempo, time=time) for time, tempo in changes]
    mido.MidiFile(ticks_per_beat=480, tracks=[mido.MidiTrack(track)]).save(drops / "song.mid")
    stamp = round(8 * 0.6 * RATE)  # the bounce begins at bar 3
    bwf(drops / "song [repaint 5-6, 2 takes].wav", stamp, bars=8)
    with serve():
        takes = finished(drops)
    assert [WavInfoReader(str(take)).bext.time_reference for take in takes] == [round(16 * 0.6 * RATE)] * 2
    assert [soundfile.info(take).frames for take in takes] == [round(8 * 0.375 * RATE)] * 2


def test_what_was_assumed_is_noted(serve, drops):
    bwf(drops / "song [extract].wav")
    with serve():
        finished(drops)
    assert "No tempo was sent" in text_of(drops, ".progress.txt")


def test_our_own_takes_are_not_rendered_again(serve, drops):
    bwf(drops / "song [repaint 1, 120 bpm].wav")
    with serve() as server:
        (take,) = finished(drops)
        shutil.copy(take, drops / "song [repaint 1, 120 bpm] copy [repaint 1, 120 bpm].wav")
        bwf(drops / "next [repaint 1, 120 bpm].wav")
        finished(drops, 2)
        assert len(server.on_loop(server.server.worker._queue.newest)) == 2


def test_a_file_that_is_still_being_copied_is_waited_for(serve, drops, tmp_path):
    whole = bwf(tmp_path / "whole.wav").read_bytes()
    target = drops / "song [repaint 1, 120 bpm].wav"
    with serve(patience_seconds=PATIENCE) as server:
        with open(target, "wb") as copy:
            for begin in range(0, len(whole), len(whole) // 8 + 1):
                copy.write(whole[begin : begin + len(whole) // 8 + 1])
                copy.flush()
                assert not server.takes()
                time.sleep(0.3)  # longer than it takes to settle: the network has paused
        (take,) = finished(drops)
    assert not list(drops.glob("*.error.txt"))
    assert target.read_bytes() == whole
    assert take.name == "song.repaint.1.wav"


def test_a_file_that_stays_cut_off_is_reported_and_tried_again_when_it_is_whole(serve, drops, tmp_path):
    whole = bwf(tmp_path / "whole.wav").read_bytes()
    target = drops / "song [repaint 1, 120 bpm].wav"
    target.write_bytes(whole[:-1000])
    with serve():
        text = text_of(drops, ".error.txt")
        assert "cut off" in text
        assert "What to do: Wait until the DAW has finished" in text
        target.write_bytes(whole)
        assert len(finished(drops, errors=1)) == 1
    assert "done since" in text_of(drops, ".error.txt")


def test_two_files_at_once(serve, drops):
    for name in ("one", "two", "three"):
        bwf(drops / f"{name} [repaint 1, 120 bpm].wav")
    with serve():
        takes = finished(drops, 3)
    assert [take.name for take in takes] == ["one.repaint.1.wav", "three.repaint.1.wav", "two.repaint.1.wav"]


def test_two_files_of_one_title_get_a_number_each(serve, drops):
    bwf(drops / "song [repaint 1, 120 bpm].wav")
    bwf(drops / "song [repaint 2, 120 bpm].wav")
    (drops / "Takes").mkdir()
    (drops / "Takes" / "song.repaint.1.wav").write_text("mine")
    with serve():
        takes = finished(drops, 2)
    assert [take.name for take in takes] == [f"song.repaint.{n}.wav" for n in (1, 2, 3)]
    assert takes[0].read_text() == "mine"


def test_a_file_that_is_taken_away_is_rendered_all_the_same(serve, drops):
    path = slow(drops, 2)
    with serve():
        rendering(drops)
        path.unlink()
        (take,) = finished(drops)
    assert WavInfoReader(str(take)).bext.time_reference == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("song [repiant 1, 120 bpm].wav", "Did you mean repaint?"),
        ("song [repaint 99, 120 bpm].wav", "after the song's end"),
        ("song [repaint 1, 120 bpm, louder].wav", "'louder' is not understood"),
        ("song [repaint 1, takes 99].wav", "takes"),
        ("song [repaint 1].wav", "tempo is not known"),
    ],
)
def test_what_cannot_be_done_is_reported_next_to_the_file(serve, drops, name, said):
    bwf(drops / name)
    with serve() as server:
        text = text_of(drops, ".error.txt")
        assert not server.takes()
    assert said in text
    assert "What to do:" in text


def test_a_stamp_that_counts_from_an_hour_is_explained(serve, drops):
    hour = 3600 * RATE
    bwf(drops / "song [repaint 2, 120 bpm].wav", hour)
    with serve():
        assert "bar1 3600s" in text_of(drops, ".error.txt")
        bwf(drops / "song [repaint 2, 120 bpm, bar1 3600s].wav", hour)
        (take,) = finished(drops, errors=1)
    assert WavInfoReader(str(take)).bext.time_reference == hour + 2 * RATE


def test_a_stamp_counts_the_files_samples_whatever_the_projects_rate(serve, drops):
    bwf(drops / "song [repaint 2, 120 bpm, rate 48000].wav", RATE)  # begins at one second
    with serve():
        (take,) = finished(drops)
    assert soundfile.info(take).samplerate == 48_000
    assert WavInfoReader(str(take)).bext.time_reference == 2 * 48_000


def test_a_failure_is_not_repeated_until_its_text_is_removed(serve, drops):
    bwf(drops / "song [repaint 1, 120 bpm].wav")
    (drops / "song [repaint 1, 120 bpm].ace.json").write_text(
        json.dumps(
            {"task": "repaint", "bars": "1", "bpm": 120, "engine": "faulty", "options": {"fault": "silence"}}
        )
    )
    with serve() as server:
        assert "silent" in text_of(drops, ".error.txt")
    bwf(drops / "next [repaint 1, 120 bpm].wav")
    with serve() as server:
        finished(drops, errors=1)
        assert len(server.on_loop(server.server.worker._queue.newest)) == 2
        next(drops.glob("*.error.txt")).unlink()
        text_of(drops, ".error.txt")
        assert len(server.on_loop(server.server.worker._queue.newest)) == 3


@pytest.mark.parametrize("how", ["given up", "cancelled"])
def test_an_end_that_a_killed_server_did_not_write_is_written_and_nothing_rendered_again(
    serve, drops, tmp_path, how
):
    slow(drops, 60)
    with serve():
        text_of(drops, ".progress.txt")
    change = {"given up": "state = 'running', attempts = 3", "cancelled": "state = 'cancelled', ended = 1"}[
        how
    ]
    with contextlib.closing(sqlite3.connect(tmp_path / "store" / DATABASE, isolation_level=None)) as database:
        database.execute(f"UPDATE jobs SET {change}")
    with serve() as server:
        assert {"given up": "stopped 3 times", "cancelled": "cancelled"}[how] in text_of(drops, ".error.txt")
        assert len(server.on_loop(server.server.worker._queue.newest)) == 1


NASTY = ["ünï 曲 🎵", "a & b's <song> #1; 100%", "x" * 180, "dots...", "-rf", "Cafe\u0301"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such file names")
@pytest.mark.parametrize("title", [*NASTY, "line\nbreak", 'quote"|?*', os.fsdecode(b"caf\xe9")])
def test_nasty_names(serve, drops, title):
    path = drops / f"{title} [repaint 1, 120 bpm].wav"
    bwf(path)
    with serve():
        (take,) = finished(drops)
    assert WavInfoReader(str(take)).bext.time_reference == 0
    assert path.is_file()


def test_a_folder_that_goes_away_and_comes_back(serve, drops):
    with serve() as server, server.osc() as osc:
        away = drops.rename(drops.with_name("away"))
        wait_for(lambda: "cannot be read" in osc.ask("/bridge/status", "s")["text"], "the problem")
        away.rename(drops)
        bwf(drops / "song [repaint 1, 120 bpm].wav")
        finished(drops)
        assert "cannot be read" not in osc.ask("/bridge/status", "t")["text"]


def test_a_folder_that_is_not_there_is_refused_at_the_start(serve, drops):
    drops.rmdir()
    with pytest.raises(ProtocolError) as raised, serve():
        pass
    assert raised.value.code is ErrorCode.FILE_MISSING
    assert str(drops) in raised.value.sentence


def test_takes_that_cannot_be_written_are_kept_and_written_later(serve, drops):
    (drops / "Takes").write_text("in the way")
    bwf(drops / "song [repaint 1, 120 bpm].wav")
    with serve() as server, server.websocket() as ws:
        wait_for(lambda: "in the way" in ws.call("status")["watching"]["problem"], "the problem")
        assert len(server.takes()) == 1
        (drops / "Takes").rename(drops / "not takes")
        (take,) = finished(drops)
        assert ws.call("status")["watching"]["problem"] == ""
        assert len(server.on_loop(server.server.worker._queue.newest)) == 1
    assert take.name == "song.repaint.1.wav"


def test_status_shows_what_is_in_work(serve, drops):
    slow(drops, 60)
    with serve() as server, server.websocket() as ws:
        assert wait_for(lambda: ws.call("status")["watching"]["busy"], "work") == ["song.wav"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right of their own on Windows")
def test_a_link_is_read_only_where_requests_may_read(tmp_path, drops, serve):
    """It is refused like a request's; nothing of what it leads to is told."""
    elsewhere, readable = tmp_path / "elsewhere", tmp_path / "readable"
    for folder in (elsewhere, readable):
        folder.mkdir()
    song = bwf(elsewhere / "song.wav")
    (elsewhere / "secret.txt").write_text("the words of somebody")
    within = bwf(readable / "song.wav")
    with serve(roots=(readable,)):
        bwf(drops / "words.wav")
        for name, target in (
            ("sound [repaint 1, 120 bpm].wav", song),
            ("words.txt", elsewhere / "secret.txt"),
            ("nothing asked.wav", song),
        ):
            (drops / name).symlink_to(target)

        def refusals():
            found = {path.name: path.read_text(encoding="utf-8") for path in drops.glob("*.error.txt")}
            return found if len(found) == 2 else None

        told = wait_for(refusals, "two refusals")
        assert set(told) == {"sound [repaint 1, 120 bpm].error.txt", "words.error.txt"}
        for text in told.values():
            assert "is a link that leads out of the folders the server may read" in text
            assert "somebody" not in text
        (drops / "inside [repaint 1, 120 bpm].wav").symlink_to(within)
        files = finished(drops, errors=2)
    assert [path.name for path in files] == ["inside.repaint.1.wav"]


@pytest.mark.parametrize("name", ["song.txt", "song.ace.json"])
def test_a_text_that_is_no_request_is_not_read_whole(tmp_path, name):
    with (tmp_path / name).open("wb") as file:
        file.truncate(1 << 40)  # a hole: nobody has that much memory
    dropped = DroppedFile(tmp_path / "song.wav", (1, 1), words=tmp_path / name)
    with pytest.raises(ProtocolError, match=f"{name} is larger than 1 MB") as caught:
        _wanted(dropped, (tmp_path,))
    assert caught.value.code is ErrorCode.TOO_LARGE
    (tmp_path / name).write_bytes(b" " * MAX_TEXT_BYTES)
    with pytest.raises(ProtocolError, match=r"empty|letters|JSON"):
        _wanted(dropped, (tmp_path,))


@pytest.mark.parametrize(
    ("recipe", "is_ours"),
    [(None, False), ({"original": True}, False), ({"take": "t1"}, True), ({"accepted": []}, True)],
)
def test_a_song_that_came_out_of_a_project_is_no_take(tmp_path, recipe, is_ours):
    sound = quantise(np.zeros((100, 1)), RATE, Encoding.PCM_16).audio
    write_wav(tmp_path / "a.wav", sound, recipe=recipe)
    assert _is_ours(tmp_path / "a.wav") is is_ours
