"""Cue points as an independent reader and libsndfile find them."""

import io
import struct

import soundfile
from wavinfo import WavInfoReader

from clip_store.audio.broadcast_wav import metadata_chunks
from clip_store.audio.cue_points import CuePoint, cue_chunks
from clip_store.audio.riff import wave_parts
from tests.clip_store.sounds import song

POINTS = [CuePoint(0, "first"), CuePoint(417, "ça va, über héllo 曲"), CuePoint(999, "")]


def test_by_hand():
    (name, cues), (list_name, labels) = cue_chunks([CuePoint(417, "ab")])
    assert (name, list_name) == (b"cue ", b"LIST")
    assert cues == struct.pack("<III4sIII", 1, 1, 417, b"data", 0, 0, 417)
    assert labels == b"adtl" + b"labl" + struct.pack("<II", 7, 1) + b"ab\0" + b"\0"


def test_an_independent_reader_finds_places_and_texts_and_the_sound_is_whole():
    audio = song(1000)
    data = b"".join(wave_parts(audio, metadata_chunks(None, None, "", audio.rate, cues=POINTS)))
    info = WavInfoReader(io.BytesIO(data))
    # It reads letters of one byte, as the specification of 1991 has no others.
    labels = [
        (info.cues.label_and_note(cue.name)[0] or "").encode("latin-1").decode() for cue in info.cues.cues
    ]
    found = list(zip([cue.position for cue in info.cues.cues], labels, strict=True))
    assert found == [(point.sample, point.text) for point in POINTS]
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)
    assert rate == audio.rate
    assert len(samples) == 1000


def test_places_that_the_chunk_cannot_hold_and_ends_in_texts():
    assert cue_chunks([]) == []
    assert cue_chunks([CuePoint(-1, "x"), CuePoint(2**32, "y")]) == []
    assert b"a b\0" in cue_chunks([CuePoint(0, "a\0b")])[1][1]
