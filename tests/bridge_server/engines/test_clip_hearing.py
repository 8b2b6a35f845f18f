"""Stored clips, heard by the real library with random weights, in the process it is meant for."""

import pytest

from bridge_server.engines.aside import run_aside
from bridge_server.engines.clip_hearing import hear_clips
from clip_store.audio.audio_file import write_wav
from daw_protocol.errors import ErrorCode, ProtocolError
from model.word_hearing import WORD_MODELS
from tests.clip_store.sounds import song
from tests.model.tiny_whisper import tiny_whisper


def test_clips_are_heard_in_a_process_of_its_own(tmp_path, tmp_path_factory):
    for name in ("torch", "transformers", "faster_whisper"):
        pytest.importorskip(name, reason=f"SKIPPED: {name} is not installed (extra ears)")
    clip = tmp_path / "clip.wav"
    write_wav(clip, song(96_000, 2, 48_000))
    tiny_whisper(tmp_path / WORD_MODELS[0].folder, tmp_path_factory.mktemp("scratch"))
    one, other = run_aside(hear_clips, tmp_path, [(clip, "la la la", "en"), (clip, "[Verse]", "en")])
    assert (one.words, one.language) == (3, "en")
    assert one.text == other.text
    assert (other.words, other.match) == (0, 0.0)
    with pytest.raises(ProtocolError, match="not here") as caught:
        run_aside(hear_clips, tmp_path / "nothing", [])
    assert caught.value.code is ErrorCode.ENGINE_NOT_READY
