"""The user's own sounds through fluidsynth: what can be checked without it, and with it where it is installed."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest

from model.errors import CannotRender, RenderStopped
from model.sketch.band import soundfont
from model.sketch.band.synth import Note
from tests.model.sketch import folk_songs
from tests.model.sketch.band.test_accompany import collect
from tests.model.sketch.singing_machine import perform, request_for

# Where Debian's packages put a SoundFont; any General MIDI one will do.
PLACES = tuple(Path("/usr/share").glob("sound*/*sf2/*.sf2")) + tuple(
    Path("/usr/share").glob("soundfonts/*.sf2")
)
NEEDS_PLAYER = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not PLACES,
    reason="fluidsynth or a SoundFont to play is not installed",
)
NOTES = [Note("pluck", 60.2, 0.5, 0.4, 0.8), Note("pluck", 64.2, 1.25, 0.4, 0.5)]


def test_the_parts_midi_says_when_what_and_how_tuned():
    file = mido.MidiFile(file=io.BytesIO(soundfont.part_midi(NOTES, 24, False, 0.2)))
    seconds, starts, controls = 0.0, [], {}
    for message in file:
        seconds += message.time
        if message.type == "note_on":
            starts.append((round(seconds, 4), message.note, message.velocity))
        elif message.type == "control_change":
            controls[message.control] = message.value
    assert starts == [(0.5, 60, 102), (1.25, 64, 64)]
    assert ((controls[6] << 7) + controls[38] - 8192) / 8192 == pytest.approx(0.2, abs=1e-3)


def test_drums_go_to_channel_ten():
    file = mido.MidiFile(file=io.BytesIO(soundfont.part_midi([Note("snare", 0, 0, 0.1, 1)], 0, True, 0.0)))
    assert [(m.channel, m.note) for m in file if m.type == "note_on"] == [(9, 38)]


def test_a_file_that_is_no_soundfont_is_refused(tmp_path):
    wrong = tmp_path / "song.sf2"
    wrong.write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
    with pytest.raises(CannotRender, match="not a SoundFont"):
        soundfont.check_file(wrong)
    with pytest.raises(CannotRender, match="cannot be read"):
        soundfont.check_file(tmp_path / "missing.sf2")


def test_a_missing_player_is_reported_with_a_remedy():
    with pytest.raises(CannotRender, match="not installed") as refusal:
        soundfont.run_player(["no-such-fluidsynth-anywhere"], lambda: None)
    assert refusal.value.remedy


def test_a_failing_player_is_reported():
    with pytest.raises(CannotRender, match="status 3"):
        soundfont.run_player(["sh", "-c", "exit 3"], lambda: None)


def test_a_player_is_ended_when_the_render_stops(tmp_path):
    def stop():
        raise RenderStopped

    with pytest.raises(RenderStopped):
        soundfont.run_player(["sh", "-c", f"sleep 5; touch {tmp_path}/late"], stop)
    assert not (tmp_path / "late").exists()


@NEEDS_PLAYER
def test_notes_sound_where_they_are_written():
    track = soundfont.play_part(
        PLACES[0], soundfont.part_midi(NOTES, 24, False, 0.2), 96000, 48000, lambda: None
    )
    level = np.abs(track).max(axis=1)
    first = int(np.argmax(level > 0.05 * level.max()))
    assert 24000 - 64 <= first < 24000 + 480
    assert level[60000 : 60000 + 2400].max() > 3 * level[59000:59900].max()


@NEEDS_PLAYER
def test_a_whole_backing_from_a_soundfont():
    voice, grid = perform(folk_songs.TWINKLE, 16000)
    asked = request_for(voice, grid, key="C major", end=6 * 16000, stems=("bass", "keys", "drums"))
    asked = replace(asked, options={"soundfont": str(PLACES[0])})
    stems, _, _, _ = collect(asked)
    assert set(stems) == {"mix", "drums", "bass", "keys"}
    assert np.abs(stems["drums"] + stems["bass"] + stems["keys"] - stems["mix"]).max() <= 1e-6
    assert all(np.abs(samples).max() > 0.01 for samples in stems.values())
    assert len(stems["mix"]) == 6 * 16000
