"""Sound behind headers that are not true: all that is there is read, exactly, and the producer learns why."""

import io
import struct

import numpy as np
import pytest

from clip_store.audio.audio_file import probe_audio, read_audio
from clip_store.audio.layout import NEVER_FINISHED, SHORT_PROMISE, Layout, layout_of
from clip_store.audio.riff import MAX_CHUNKS
from clip_store.audio.time_stamp import read_stamp
from clip_store.errors import AudioFileError
from tests.clip_store.audio import odd_files as odd
from tests.clip_store.audio.odd_files import SOUND, chunk, codes, ds64, fmt, long_wave, wave, wave_with_size

LIST = chunk(b"LIST", b"INFOIART\4\0\0\0me\0\0")
HALF = len(SOUND) // 2
OTHER_FORM = "The file changes its format in the middle; only the sound in its first format was read."
JOINED = "The file has 2 data chunks; they were joined in order."
BIG = codes().astype(">i2").tobytes()

_LONG = struct.pack("<QQQ", 0, len(SOUND), 0)
TABLE_OF_ALL = chunk(b"ds64", _LONG + struct.pack("<I", 0xFFFFFFFF))
TABLE_OF_ONE = chunk(b"ds64", _LONG + struct.pack("<I4sQ", 1, b"levl", 9))
FMT, BIG_FMT = chunk(b"fmt ", fmt()), chunk(b"fmt ", fmt(order=">"), order=">")

WHOLE = {
    # name: (bytes, notes); each holds the same 9,600 frames
    "true": (wave_with_size(len(SOUND)), ()),
    "true, a chunk behind": (wave_with_size(len(SOUND), LIST), ()),
    "true, rubbish behind": (wave_with_size(len(SOUND), b"trailing rubbish"), ()),
    "true, an ID3 tag behind": (wave_with_size(len(SOUND), b"TAG" + b"x" * 125 * 60), ()),
    "true, zeros behind": (wave_with_size(len(SOUND), bytes(9000)), ()),
    "true, a cut chunk behind": (wave_with_size(len(SOUND), chunk(b"LIST", bytes(9000), 10**6)), ()),
    "size 0": (wave_with_size(0), (NEVER_FINISHED,)),
    "size 0, RIFF size 0": (wave(chunk(b"fmt ", fmt()), chunk(b"data", SOUND, 0), size=0), (NEVER_FINISHED,)),
    "SoX to a pipe": (wave_with_size(0x7FFFF000), (NEVER_FINISHED,)),
    "7FFFFFFF": (wave_with_size(0x7FFFFFFF), (NEVER_FINISHED,)),
    "7FFFFFDB": (wave_with_size(0x7FFFFFDB), (NEVER_FINISHED,)),
    "80000000": (wave_with_size(0x80000000), (NEVER_FINISHED,)),
    "FFFFFFFF": (wave_with_size(0xFFFFFFFF), (NEVER_FINISHED,)),
    "FFFFFF00": (wave_with_size(0xFFFFFF00), (NEVER_FINISHED,)),
    "half is stated": (wave_with_size(HALF), (SHORT_PROMISE,)),
    "one second less is stated": (wave_with_size(len(SOUND) - 8000), (SHORT_PROMISE,)),
    "two data chunks": (wave(FMT, chunk(b"data", SOUND[:HALF]), LIST, chunk(b"data", SOUND[HALF:])), (JOINED,)),
    "sound in another format behind": (
        wave(FMT, chunk(b"data", SOUND), chunk(b"fmt ", fmt(channels=1)), chunk(b"data", SOUND[:HALF])), (OTHER_FORM,),
    ),
    "the same format again": (
        wave(FMT, chunk(b"data", SOUND[:HALF]), FMT, chunk(b"data", SOUND[HALF:])), (JOINED,),
    ),
    "two files joined byte by byte": (
        wave(FMT, chunk(b"data", SOUND[:HALF])) + wave(FMT, LIST, chunk(b"data", SOUND[HALF:])), (JOINED,),
    ),
    "a file of another format joined to it": (
        wave(FMT, chunk(b"data", SOUND)) + wave(chunk(b"fmt ", fmt(channels=1)), chunk(b"data", SOUND)),
        (OTHER_FORM,),
    ),
    "another format again, before the sound": (
        wave(FMT, chunk(b"fmt ", fmt(channels=1)), chunk(b"data", SOUND)), (),
    ),
    "an empty data chunk before": (wave(chunk(b"fmt ", fmt()), chunk(b"data", b""), chunk(b"data", SOUND)), ()),
    "RF64": (long_wave(b"RF64", ds64(0, len(SOUND), odd.FRAMES)), ()),
    "BW64": (long_wave(b"BW64", ds64(0, len(SOUND), odd.FRAMES)), ()),
    "RF64 without ds64": (long_wave(b"RF64"), (NEVER_FINISHED,)),
    "RF64, ds64 of 0": (long_wave(b"RF64", ds64(0, 0, 0)), (NEVER_FINISHED,)),
    "RF64, ds64 of FF": (long_wave(b"RF64", ds64(2**64 - 1, 2**64 - 1, 2**64 - 1)), (NEVER_FINISHED,)),
    "RF64, ds64 too short": (long_wave(b"RF64", chunk(b"ds64", bytes(8))), (NEVER_FINISHED,)),
    "BW64, ds64 of 12 bytes": (long_wave(b"BW64", chunk(b"ds64", bytes(12))), (NEVER_FINISHED,)),
    "RF64, a table of FFFFFFFF entries that are not there": (long_wave(b"RF64", TABLE_OF_ALL), ()),
    "BW64, the same": (long_wave(b"BW64", TABLE_OF_ALL), ()),
    "RF64, a table that is there": (long_wave(b"RF64", TABLE_OF_ONE), ()),
    "RF64, half stated": (long_wave(b"RF64", ds64(0, HALF, 0)), (SHORT_PROMISE,)),
    "Wave64": (odd.wave64(len(SOUND)), ()),
    "Wave64, a chunk behind": (odd.wave64(len(SOUND), LIST), ()),
    "Wave64, size 0": (odd.wave64(-24), (NEVER_FINISHED,)),
    "Wave64, size FF": (odd.wave64(2**64 - 25), (NEVER_FINISHED,)),
    "Wave64, half stated": (odd.wave64(HALF), (SHORT_PROMISE,)),
    "RIFX": (wave(BIG_FMT, chunk(b"data", BIG, order=">"), kind=b"RIFX"), ()),
    "RIFX, size 0": (wave(BIG_FMT, chunk(b"data", BIG, 0, ">"), kind=b"RIFX"), (NEVER_FINISHED,)),
    "AIFF": (odd.aiff(odd.aiff_common(), BIG), ()),
    "AIFF, size 0": (odd.aiff(odd.aiff_common(0), BIG, size=0), (NEVER_FINISHED,)),
    "AIFF, size of the head": (odd.aiff(odd.aiff_common(0), BIG, size=8), (SHORT_PROMISE,)),
    "AIFF, FFFFFFFF": (odd.aiff(odd.aiff_common(0), BIG, size=0xFFFFFFFF), (NEVER_FINISHED,)),
    "AIFF, half": (odd.aiff(odd.aiff_common(), BIG, size=8 + HALF), (SHORT_PROMISE,)),
    "AIFC sowt, size 0": (odd.aiff(odd.aiff_common(0, code=b"sowt\0\0"), SOUND, b"AIFC", 0), (NEVER_FINISHED,)),
    "AU": (odd.au(len(SOUND)), ()),
    "AU, FFFFFFFF": (odd.au(0xFFFFFFFF), ()),
    "AU, size 0": (odd.au(0), (NEVER_FINISHED,)),
    "AU, half": (odd.au(HALF), (SHORT_PROMISE,)),
    "AU, a header below its least size": (
        odd.au(HALF).replace((24).to_bytes(4, "big"), (8).to_bytes(4, "big"), 1), (SHORT_PROMISE,),
    ),
    "AU, little-endian, size 0": (odd.au(0, "<"), (NEVER_FINISHED,)),
    "CAF": (odd.caf(4 + len(SOUND)), ()),
    "CAF, -1": (odd.caf(-1), ()),
    "CAF, size 0": (odd.caf(0), (NEVER_FINISHED,)),
    "CAF, far too large": (odd.caf(1 << 45), (NEVER_FINISHED,)),
    "FLAC": (odd.flac_stating(odd.FRAMES), ()),
    "FLAC, 0": (odd.flac_stating(0), (NEVER_FINISHED,)),
    "FLAC, too few": (odd.flac_stating(1000), (SHORT_PROMISE,)),
    "FLAC, 0, an ID3v1 tag behind": (odd.flac_stating(0, b"TAG" + bytes(125)), (NEVER_FINISHED,)),
    "FLAC, behind an ID3v2 tag": (b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + odd.flac_stating(odd.FRAMES), ()),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_all_the_sound_that_is_there_is_read(tmp_path, name):
    data, notes = WHOLE[name]
    path = tmp_path / "song"
    path.write_bytes(data)
    info = probe_audio(path)
    assert (info.frames, info.rate, info.channels, info.counted) == (odd.FRAMES, odd.RATE, 2, True)
    assert tuple(note for note in info.notes if "data chunks" not in note) == tuple(
        n for n in notes if n != JOINED
    )
    assert (JOINED in info.notes) == (JOINED in notes)
    audio = read_audio(path, 60)
    assert np.array_equal(audio.samples * 32768, codes())


@pytest.mark.parametrize("container", ["WAV", "AIFF"])
def test_a_recording_that_was_never_finished_may_begin_with_silence(tmp_path, container):
    """Silence is zeros, as padding is; a size of 0 says nothing about where the sound ends."""
    silence = bytes(9000)
    files = {
        "WAV": wave(FMT, chunk(b"data", silence + SOUND, 0)),
        "AIFF": odd.aiff(odd.aiff_common(0), silence + BIG, size=0),
    }
    path = tmp_path / "song"
    path.write_bytes(files[container])
    info = probe_audio(path)
    assert (info.frames, info.notes) == (9000 // 4 + odd.FRAMES, (NEVER_FINISHED,))
    assert np.array_equal(read_audio(path, 60).samples[9000 // 4 :] * 32768, codes())


CUT = {
    "Wave64": odd.wave64(len(SOUND) + 9000),
    "CAF": odd.caf(4 + len(SOUND) + 4),
    "WAV": wave_with_size(len(SOUND) + 4),
    "WAV, half": wave_with_size(2 * len(SOUND)),
    "RF64": long_wave(b"RF64", ds64(0, 2 * len(SOUND), 0)),
    "FLAC": odd.flac_stating(odd.FRAMES + 4096),
    "second data chunk": wave(
        chunk(b"fmt ", fmt()), chunk(b"data", SOUND), chunk(b"data", SOUND, 2 * len(SOUND))
    ),
}


@pytest.mark.parametrize("name", CUT)
def test_what_a_header_promises_in_earnest_must_be_there(tmp_path, name):
    path = tmp_path / "song.wav"
    path.write_bytes(CUT[name])
    for read in (probe_audio, lambda path: read_audio(path, 60)):
        with pytest.raises(AudioFileError, match=r"song\.wav is cut off"):
            read(path)


def test_an_empty_data_chunk_before_others_is_no_sound(tmp_path):
    path = tmp_path / "song.wav"
    path.write_bytes(wave(chunk(b"fmt ", fmt()), chunk(b"data", b""), LIST))
    with pytest.raises(AudioFileError, match="no sound"):
        probe_audio(path)


@pytest.mark.parametrize(
    "pieces",
    [
        (chunk(b"data", SOUND),),
        (chunk(b"slnt", bytes(4)), chunk(b"data", SOUND)),
        (chunk(b"data", SOUND[:HALF]), chunk(b"slnt", bytes(4)), chunk(b"data", SOUND[HALF:])),
    ],
    ids=["sound", "silence first", "silence between"],
)
def test_wave_lists_are_refused_by_name(tmp_path, pieces):
    """Neither ffmpeg nor libsndfile reads them."""
    path = tmp_path / "song.wav"
    path.write_bytes(wave(FMT, LIST, chunk(b"LIST", b"wavl" + b"".join(pieces))))
    with pytest.raises(AudioFileError, match="in a wave list, which other programs do not read"):
        probe_audio(path)


UNUSUAL = [
    ("WAV", "IMA_ADPCM", 2), ("WAV", "MS_ADPCM", 2), ("WAV", "GSM610", 1), ("WAV", "NMS_ADPCM_32", 1),
    ("WAV", "ULAW", 2), ("AU", "G721_32", 1), ("AU", "G723_24", 1), ("CAF", "ALAC_16", 2), ("W64", "PCM_16", 2),
    ("VOC", "PCM_16", 2), ("NIST", "PCM_16", 2), ("IRCAM", "PCM_16", 2), ("XI", "DPCM_16", 1),
]  # fmt: skip


@pytest.mark.parametrize(("form", "subtype", "channels"), UNUSUAL)
def test_formats_in_which_nothing_can_be_sought_are_read_to_the_end(tmp_path, form, subtype, channels):
    path = tmp_path / "song"
    path.write_bytes(odd.encoded(form, subtype, 44_100, codes(channels=channels)))
    audio = read_audio(path, 60)
    assert odd.FRAMES <= audio.frames <= odd.FRAMES + 2048  # coded sound ends with its last block
    assert np.abs(audio.samples).max() > 0.1


@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM", "GSM610"])
def test_coded_sound_of_unknown_length_is_read_as_with_a_true_header(tmp_path, subtype):
    data = odd.encoded("WAV", subtype, 44_100, codes(channels=1))
    (tmp_path / "true.wav").write_bytes(data)
    at = data.index(b"data") + 4
    (tmp_path / "open.wav").write_bytes(data[:at] + b"\xff\xff\xff\x7f" + data[at + 4 :])
    true, found = (read_audio(tmp_path / f"{name}.wav", 60) for name in ("true", "open"))
    assert np.array_equal(found.samples[: true.frames], true.samples)
    assert found.frames - true.frames < 1100  # the rest of a block of coded sound


PIPES = [
    "-f wav",
    "-f flac",
    "-f au",
    "-f caf",
    "-f aiff",
    "-f w64",
    "-c:a pcm_s24le -f wav",
    "-rf64 always -f wav",
]


@pytest.mark.parametrize("options", PIPES)
def test_what_ffmpeg_writes_to_a_pipe(tmp_path, options):
    path = tmp_path / "song"
    path.write_bytes(odd.ffmpeg("-i", "-", *options.split(), "-", data=wave_with_size(len(SOUND))))
    audio = read_audio(path, 60)
    assert np.array_equal(audio.samples * 32768, codes())


@pytest.mark.parametrize(
    ("options", "scale"),
    [("", 32768), ("-sample_fmt s32p", 32768), ("-ac 1", None), ("-ar 44100", None)],
)
def test_apple_lossless_as_ffmpeg_writes_it(tmp_path, options, scale):
    """Without the flags that say how deep it is."""
    path = tmp_path / "song.caf"
    how = ("-i", "-", "-c:a", "alac", *options.split(), "-f", "caf")
    odd.ffmpeg(*how, str(path), data=wave_with_size(len(SOUND)))
    audio = read_audio(path, 60)
    assert audio.encoding.value == ("PCM_24" if "s32p" in options else "PCM_16")
    theirs = odd.ffmpeg_samples(path, audio.channels)
    assert np.array_equal(audio.samples, theirs)
    assert scale is None or np.array_equal(audio.samples * scale, codes())


@pytest.mark.parametrize("code", ["pcm_f32le", "pcm_f64le", "pcm_s24le", "pcm_s16le"])
def test_wave64_as_ffmpeg_writes_it(tmp_path, code):
    """libsndfile takes floats of the extensible format for integers: noise."""
    path = tmp_path / "song.w64"
    odd.ffmpeg("-i", "-", "-c:a", code, "-f", "w64", str(path), data=wave_with_size(len(SOUND)))
    assert np.array_equal(read_audio(path, 60).samples * 32768, codes())


def test_bytes_that_make_no_sense_are_left_to_the_decoder():
    for data in (
        b"",
        b"RIFF",
        b"FORM",
        b"FORM\0\0\0\1AIFFCOMM",
        b"caff",
        b".snd\0",
        b"fLaC",
        b"fLaC\0\0\0\x22" + bytes(34),
    ):
        try:
            found = layout_of(io.BytesIO(data))
        except (ValueError, struct.error):
            continue
        assert found == Layout()


class CountedFile(io.BytesIO):
    """Counts how often it is read."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        return super().read(size)


MANY = 20 * MAX_CHUNKS
FLAC_HEAD = b"fLaC\0\0\0\x22" + bytes(34)


@pytest.mark.parametrize(
    "data",
    [
        wave(chunk(b"fmt ", fmt()), chunk(b"junk", b"") * MANY, chunk(b"data", SOUND[:40])),
        wave(chunk(b"fmt ", fmt()), chunk(b"data", SOUND[:4]) * MANY),
        b"FORM" + struct.pack(">I", 8 * MANY) + b"AIFF" + b"junk\0\0\0\0" * MANY,
        b"caff\0\1\0\0" + (b"free" + bytes(8)) * MANY,
        FLAC_HEAD + b"\1\0\0\0" * MANY,
    ],
    ids=["wave", "wave of sounds", "aiff", "caf", "flac"],
)
def test_a_file_of_endless_chunks_is_given_up(data):
    """Its reader would be kept for as long as the file is large."""
    for look in (layout_of, read_stamp):
        file = CountedFile(data)
        look(file)
        assert file.reads < 8 * MAX_CHUNKS
