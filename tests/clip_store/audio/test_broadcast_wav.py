import json
import shutil
import struct
import subprocess
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wavinfo import WavInfoReader

from clip_store.audio.audio import Encoding
from clip_store.audio.audio_file import read_audio, write_wav
from clip_store.audio.broadcast_wav import Bext, decode_bext, encode_bext, encode_ixml, read_bext, read_recipe
from tests.clip_store.audio import odd_files as odd
from tests.clip_store.sounds import song

BEXT = Bext(
    description="Machine-generated or machine-assisted audio: repaint",
    originator="Takebridge",
    originator_reference="1a2b3c4d",
    date="2026-02-28",
    time="23:59:58",
    time_reference=5_000_000_123,
    coding_history="A=PCM,F=48000,W=24,M=stereo,T=Takebridge\r\n",
)
RECIPE = {
    "seed": 7,
    "engine": "sketch",
    "caption": "Größe 🎵 \x00 </x> ]]>",
    "weights": None,
    "nested": {"a": [1, 2.5]},
}

ASCII = st.text(st.characters(min_codepoint=1, max_codepoint=127))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "take.wav"
    write_wav(path, song(1000), BEXT, RECIPE, "Größe 🎵")
    return path


def test_bext_by_hand():
    """EBU Tech 3285 v2, 2.3: the fields at their fixed places."""
    body = encode_bext(BEXT)
    assert body[:52] == BEXT.description.encode()
    assert body[256:266] == b"Takebridge"
    assert body[288:296] == b"1a2b3c4d"
    assert body[320:338] == b"2026-02-2823:59:58"
    assert struct.unpack("<IIH", body[338:348]) == (5_000_000_123 % 2**32, 5_000_000_123 >> 32, 2)
    assert body[348:412] == bytes(64)
    assert body[412:422] == b"\xff\x7f" * 5
    assert body[422:602] == bytes(180)
    assert body[602:] == BEXT.coding_history.encode()


@given(
    st.builds(
        Bext,
        ASCII.map(lambda text: text[:256]),
        ASCII.map(lambda text: text[:32]),
        ASCII.map(lambda text: text[:32]),
        st.dates().map(str),
        st.times().map(lambda time: time.strftime("%H:%M:%S")),
        st.integers(0, 2**64 - 1),
        ASCII,
    )
)
def test_bext_round_trip(bext):
    assert decode_bext(encode_bext(bext)) == bext


def test_other_letters_become_plain_ones():
    bext = Bext("Größe – é 曲", "Łódź", "x" * 40)
    read = decode_bext(encode_bext(bext))
    assert (read.description, read.originator) == ("Grosse - e ?", "Lodz")
    assert read.originator_reference == "x" * 32


@pytest.mark.parametrize(
    "wrong", [{"time_reference": -1}, {"time_reference": 2**64}, {"date": "1.1.2026"}, {"time": ""}]
)
def test_bext_checks_itself(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Bext(**wrong)


def test_an_independent_reader_finds_everything(path):
    info = WavInfoReader(str(path))
    assert info.bext.time_reference == BEXT.time_reference
    assert info.bext.description == BEXT.description
    assert info.bext.originator == BEXT.originator
    assert info.bext.originator_ref == BEXT.originator_reference
    assert (info.bext.originator_date, info.bext.originator_time) == (BEXT.date, BEXT.time)
    assert info.bext.coding_history == BEXT.coding_history
    assert info.bext.version == 2
    assert (info.fmt.sample_rate, info.fmt.bits_per_sample, info.data.frame_count) == (48000, 24, 1000)
    xml = info.ixml.parsed
    assert xml.findtext("NOTE") == "Größe 🎵"
    assert json.loads(xml.findtext("TAKEBRIDGE_RECIPE")) == RECIPE
    high, low = (int(xml.findtext(f"SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_{half}")) for half in ("HI", "LO"))
    assert (high << 32) + low == BEXT.time_reference


def test_ffprobe_finds_the_position(path):
    if not shutil.which("ffprobe"):
        pytest.skip("ffprobe is not installed (Debian: apt install ffmpeg)")
    command = ["ffprobe", "-v", "error", "-show_entries", "format_tags", "-of", "json", str(path)]
    tags = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["format"]["tags"]
    assert tags["time_reference"] == str(BEXT.time_reference)
    # Older versions (5.1 of Debian 12) show the same field under the general name for it, comment.
    assert tags.get("description", tags.get("comment")) == BEXT.description


def test_sndfile_metadata_finds_the_description(path):
    if not shutil.which("sndfile-metadata-get"):
        pytest.skip("sndfile-metadata-get is not installed (Debian: apt install sndfile-programs)")
    command = ["sndfile-metadata-get", "--bext-description", "--bext-orig-date", str(path)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert BEXT.date in printed
    assert BEXT.description in printed


def test_recipe_and_bext_are_read_back(path):
    assert read_recipe(path) == RECIPE
    assert read_bext(path) == BEXT
    assert read_audio(path, 10).digest == song(1000).digest


@pytest.mark.parametrize("dropped", [b"tkbr", b"iXML"])
def test_recipe_survives_a_program_that_drops_one_chunk(path, dropped):
    path.write_bytes(path.read_bytes().replace(dropped, b"junk"))
    assert read_recipe(path) == RECIPE


@pytest.mark.parametrize("dropped", [b"aceb", b"iXML", None])
def test_a_recipe_under_the_products_old_names_is_read(path, dropped):
    data = path.read_bytes().replace(b"tkbr", b"aceb").replace(b"TAKEBRIDGE_RECIPE", b"ACE_BRIDGE_RECIPE")
    path.write_bytes(data.replace(dropped, b"junk") if dropped else data)
    assert read_recipe(path) == RECIPE


def test_a_file_without_notes_has_none(tmp_path):
    write_wav(tmp_path / "plain.wav", song(10, encoding=Encoding.PCM_16))
    assert read_recipe(tmp_path / "plain.wav") is None
    assert read_bext(tmp_path / "plain.wav") is None
    data = (tmp_path / "plain.wav").read_bytes()
    assert b"bext" not in data
    assert b"iXML" not in data


@pytest.mark.parametrize(
    "body",
    [
        b"", b"not json", b"[1]", b"\xff\xfe", b'<?xml version="1.0" encoding="klingon"?><BWFXML/>',
        b'<?xml version="1.0" encoding="utf-7"?><BWFXML/>',
    ],
)  # fmt: skip
def test_a_broken_recipe_is_no_recipe(path, body):
    data = path.read_bytes()
    for name in (b"tkbr", b"iXML"):
        at = data.index(name) + 8
        size = struct.unpack("<I", data[at - 4 : at])[0]
        data = data[:at] + body.ljust(size, b" ") + data[at + size :]
    path.write_bytes(data)
    assert read_recipe(path) is None
    assert read_audio(path, 10).frames == 1000


def test_a_recipe_nested_without_end_is_no_recipe(tmp_path):
    path = tmp_path / "take.wav"
    path.write_bytes(odd.wave(odd.chunk(b"fmt ", odd.fmt()), odd.chunk(b"tkbr", b"[" * 100_000)))
    assert read_recipe(path) is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_expanding_entities_are_not_followed(path, encoding):
    text = '<!DOCTYPE x [<!ENTITY a "{}">]><BWFXML><TAKEBRIDGE_RECIPE>&a;</TAKEBRIDGE_RECIPE></BWFXML>'
    bomb = text.encode(encoding)
    data = path.read_bytes().replace(b"tkbr", b"junk")
    at = data.index(b"iXML") + 8
    size = struct.unpack("<I", data[at - 4 : at])[0]
    path.write_bytes(data[:at] + bomb.ljust(size, b"\0") + data[at + size :])
    assert read_recipe(path) is None


@settings(max_examples=30)
@given(st.text(), st.text())
def test_ixml_is_readable_whatever_is_typed(note, title):
    ET.fromstring(encode_ixml(Bext(), {"title": title}, note, 48000))


def test_infinity_in_a_recipe_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_wav(tmp_path / "x.wav", song(10), None, {"gain": float("inf")})
    assert list(tmp_path.iterdir()) == []
