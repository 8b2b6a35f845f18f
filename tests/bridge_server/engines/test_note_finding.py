"""Notes of a stored clip, found in a process of its own."""

import importlib.util

import pytest

from bridge_server.engines.aside import run_aside
from bridge_server.engines.note_finding import notes_of
from clip_store.audio.audio import Audio, Encoding
from clip_store.audio.audio_file import write_wav
from daw_protocol.errors import ErrorCode, ProtocolError
from model.notes.transcriber import HeardNote
from tests.model.notes.synthesis import f_score, synthesised


def test_they_are_found_or_the_package_is_named(tmp_path):
    known = [HeardNote(0.3, 0.8, 60, 90)]
    samples = synthesised(known, 1.2, 22_050)[:, None]
    write_wav(tmp_path / "clip.wav", Audio(samples, 22_050, Encoding.FLOAT))
    if importlib.util.find_spec("onnxruntime") is None:
        with pytest.raises(ProtocolError, match="onnxruntime") as caught:
            run_aside(notes_of, tmp_path / "clip.wav")
        assert caught.value.code is ErrorCode.ENGINE_NOT_READY
        return
    assert f_score(run_aside(notes_of, tmp_path / "clip.wav"), known) == 1.0
