"""Marks in XMP: written into WAV, RF64 and FLAC, beside what was there, and read in every form RDF has."""

import json
import shutil
import struct
import subprocess

import numpy as np
import pytest
import soundfile
import wavinfo

from clip_store.audio.audio import Encoding, quantise
from clip_store.audio.audio_file import probe_audio, read_audio, write_wav
from clip_store.audio.flac_file import write_flac
from clip_store.audio.riff import WaveForm
from clip_store.audio.xml_text import without_entities
from clip_store.audio.xmp import (
    CHUNK,
    IPTC,
    MAX_XMP,
    RDF,
    SourceMark,
    decode_xmp,
    encode_xmp,
    flac_block,
    read_xmp,
)
from tests.clip_store.sounds import noise

TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
MARK = SourceMark(f"{TYPE}compositeSynthetic", "ACE-Step <1.5> & more", "Takebridge")
FOREIGN = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    f'<r:RDF xmlns:r="{RDF}"><r:Description r:about="uuid:7" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    f'xmlns:ie="{IPTC}" ie:DigitalSourceType="{TYPE}digitalCapture">'
    "<dc:creator><r:Seq><r:li>Zoë &amp; 윤</r:li></r:Seq></dc:creator></r:Description></r:RDF></x:xmpmeta>"
    '<?xpacket end="r"?>'
)
SOUND = quantise(noise(999, 2, 0.5, 3), 44_100, Encoding.PCM_24).audio


def test_what_is_written_is_read():
    packet = encode_xmp(MARK)
    assert decode_xmp(packet.decode()) == MARK
    assert packet == encode_xmp(MARK)
    assert packet.startswith(b'<?xpacket begin="\xef\xbb\xbf"')
    assert packet.endswith(b'<?xpacket end="w"?>')


FORMS = [
    f'<r:Description xmlns:q="{IPTC}" q:DigitalSourceType="{TYPE}composite"/>',
    f'<r:Description xmlns:q="{IPTC}"><q:DigitalSourceType>\n {TYPE}composite </q:DigitalSourceType></r:Description>',
    f'<r:Description xmlns:q="{IPTC}"><q:DigitalSourceType r:resource="{TYPE}composite"/></r:Description>',
]


@pytest.mark.parametrize("form", FORMS, ids=["attribute", "element", "resource"])
@pytest.mark.parametrize(
    "wrapper", ["{}", '<?xpacket begin=""?>{}<?xpacket end="w"?>   ', "<x:m xmlns:x='y'>{}</x:m>"]
)
def test_every_form_of_rdf_is_read(form, wrapper):
    packet = wrapper.format(f'<r:RDF xmlns:r="{RDF}">{form}</r:RDF>')
    assert decode_xmp(packet).source_type == f"{TYPE}composite"
    again = encode_xmp(MARK, packet).decode()
    assert decode_xmp(again).source_type == MARK.source_type
    assert again.count("DigitalSourceType>") == 2  # one element, opened and closed


def test_a_foreign_packet_keeps_all_else_it_says():
    packet = encode_xmp(MARK, FOREIGN).decode()
    root = without_entities(packet[packet.index("?>") + 2 : packet.rindex("<?")])
    assert root.findtext(f".//{{{RDF}}}li") == "Zoë & 윤"
    abouts = {element.get(f"{{{RDF}}}about") for element in root.iter(f"{{{RDF}}}Description")}
    assert abouts == {"uuid:7"}  # descriptions of one packet are about one thing
    assert decode_xmp(packet) == MARK
    assert encode_xmp(MARK, packet) == encode_xmp(MARK, encode_xmp(MARK, packet).decode())  # does not grow


def test_other_systems_that_made_the_song_stay_named():
    before = encode_xmp(SourceMark(f"{TYPE}trainedAlgorithmicMedia", "Another AI", "Its program")).decode()
    found = decode_xmp(encode_xmp(SourceMark(f"{TYPE}compositeSynthetic", "ACE-Step", ""), before).decode())
    assert (found.system, found.tool) == ("Another AI, ACE-Step", "Its program")


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "junk",
        "<x/>",
        "<?xpacket begin",
        FOREIGN[:300],
        FOREIGN.replace("<x:xmpmeta", '<!DOCTYPE x [<!ENTITY a "b">]><x:xmpmeta'),
    ],
)
def test_what_is_no_packet_is_left_out(junk):
    assert decode_xmp(junk) == SourceMark()
    assert encode_xmp(MARK, junk) == encode_xmp(MARK)


def test_a_wav_with_a_packet_is_the_same_sound_to_every_reader(tmp_path):
    path = tmp_path / "a.wav"
    write_wav(path, SOUND, xmp=encode_xmp(MARK))
    assert decode_xmp(read_xmp(path)) == MARK
    assert read_audio(path, 10).digest == SOUND.digest
    assert np.array_equal(soundfile.read(path, dtype="float32")[0], SOUND.samples)
    assert wavinfo.WavInfoReader(str(path)).fmt.sample_rate == 44_100
    assert probe_audio(path).tags.xmp == encode_xmp(MARK).decode()


def test_rf64_has_it_in_the_same_chunk(tmp_path):
    path, packet = tmp_path / "a.wav", encode_xmp(MARK)
    sound = struct.pack("<hh", 5, -5)
    chunks = b"ds64" + struct.pack("<IQQQI", 28, 0, len(sound), 2, 0)
    chunks += b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16_000, 2, 16)
    chunks += CHUNK + struct.pack("<I", len(packet)) + packet + b"\0" * (len(packet) & 1)
    path.write_bytes(b"RF64\xff\xff\xff\xffWAVE" + chunks + b"data\xff\xff\xff\xff" + sound)
    assert decode_xmp(read_xmp(path)) == MARK


def test_flac_has_it_in_an_application_block(tmp_path):
    path = tmp_path / "a.flac"
    form = WaveForm(SOUND.frames, SOUND.rate, 2, SOUND.encoding)
    write_flac(path, form, [SOUND.samples], {"TITLE": "x"}, encode_xmp(MARK))
    assert decode_xmp(read_xmp(path)) == MARK
    assert np.array_equal(soundfile.read(path, dtype="float32")[0], SOUND.samples)
    assert flac_block(b"odd") == b"riff_PMX\x03\0\0\0odd\0"


@pytest.mark.parametrize("data", [b"", b"RIFF", b"fLaC", b"fLaC\x82\0\0\x04riff"])
def test_a_broken_file_has_none(tmp_path, data):
    path = tmp_path / "a"
    path.write_bytes(data)
    assert read_xmp(path) == ""


def test_a_packet_too_long_to_keep_is_left_in_its_file(tmp_path):
    write_wav(tmp_path / "a.wav", SOUND, xmp=b" " * (MAX_XMP + 1))
    assert read_xmp(tmp_path / "a.wav") == ""


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="no ffprobe")
def test_ffprobe_opens_both(tmp_path):
    write_wav(tmp_path / "a.wav", SOUND, xmp=encode_xmp(MARK))
    form = WaveForm(SOUND.frames, SOUND.rate, 2, SOUND.encoding)
    write_flac(
        tmp_path / "a.flac", form, [SOUND.samples], {"DIGITALSOURCETYPE": MARK.source_type}, encode_xmp(MARK)
    )
    for name in ("a.wav", "a.flac"):
        command = [
            "ffprobe",
            "-v",
            "warning",
            "-show_streams",
            "-show_format",
            "-of",
            "json",
            str(tmp_path / name),
        ]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        assert json.loads(found.stdout)["streams"][0]["sample_rate"] == "44100"
        assert found.stderr == ""
