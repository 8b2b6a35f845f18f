"""Sounds with a recipe, wherever they lie, compared with what they were."""

import pytest

from clip_store.audio.audio import Audio, Encoding, quantise
from clip_store.audio.audio_file import write_wav
from clip_store.exports.found_sounds import found_sound, holds, sounds_in
from tests.clip_store.sounds import noise, song

SOUND = song(900, 2, 8_000, Encoding.PCM_16)


@pytest.mark.parametrize("encoding", [Encoding.PCM_16, Encoding.PCM_24, Encoding.FLOAT, Encoding.DOUBLE])
def test_the_same_samples_in_another_encoding_are_the_same_sound(encoding):
    other = Audio(SOUND.samples.astype(encoding.dtype), SOUND.rate, encoding)
    assert holds(other, SOUND.digest)
    changed = other.samples.copy()
    changed[5, 0] = 0.5 if changed[5, 0] != 0.5 else 0.25
    assert not holds(Audio(changed, SOUND.rate, encoding), SOUND.digest)


def test_rounded_samples_are_others():
    deep = quantise(noise(500, 1, 0.5, 1), 8_000, Encoding.FLOAT).audio
    assert not holds(quantise(deep.samples, 8_000, Encoding.PCM_16).audio, deep.digest)


def test_only_whole_songs_stay_in_memory():
    assert found_sound("a", {"take": "t1", "audio": SOUND.digest}, SOUND).audio is None
    assert found_sound("a", {"original": True, "audio": SOUND.digest}, SOUND).audio is SOUND
    assert found_sound("a", {"accepted": [], "audio": SOUND.digest}, SOUND).is_as_written


def test_what_cannot_be_read_is_not_as_written():
    found = found_sound("a", {"original": True, "audio": SOUND.digest}, None)
    assert (found.is_as_written, found.is_readable) == (False, False)


def test_files_without_a_recipe_are_passed_over(tmp_path):
    write_wav(tmp_path / "plain.wav", SOUND)
    (tmp_path / "deep").mkdir()
    write_wav(tmp_path / "deep" / "take.wav", SOUND, recipe={"take": "t1", "audio": SOUND.digest})
    (tmp_path / "notes.txt").write_text("none", encoding="utf-8")
    cut = tmp_path / "deep" / "cut.wav"
    cut.write_bytes((tmp_path / "deep" / "take.wav").read_bytes()[:-9])
    found = {sound.name: sound.is_as_written for sound in sounds_in(tmp_path)}
    assert found == {"deep/take.wav": True, "deep/cut.wav": False}
