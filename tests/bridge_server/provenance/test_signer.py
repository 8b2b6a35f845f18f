"""Signed files, read back by C2PA's own reader."""

import builtins
import json
import os

import pytest

from bridge_server.provenance.signer import GET_IT, Claim, ProvenanceSigner, manifest
from clip_store.audio.audio_file import read_audio, write_wav
from clip_store.audio.broadcast_wav import Bext, read_recipe
from clip_store.audio.riff import walk
from clip_store.audio.xmp import SourceMark, encode_xmp
from clip_store.source_type import SourceType
from daw_protocol.errors import ProtocolError
from tests.clip_store.sounds import song

EDITED = SourceType.EDITED_BY_TRAINED.address
SOUND, ORIGINAL = song(4801, 1, 48_000, seed=1), song(4801, 1, 48_000, seed=2)


def chunks_of(path):
    with path.open("rb") as file:
        found = list(walk(file))
        return {chunk.name: (file.seek(chunk.start), file.read(chunk.present))[1] for chunk in found}


@pytest.fixture
def files(tmp_path):
    made, original = tmp_path / "clip.wav", tmp_path / "original.wav"
    write_wav(made, SOUND, Bext("about"), {"take": "t1"}, "note", encode_xmp(SourceMark(EDITED)))
    write_wav(original, ORIGINAL)
    return made, original


def test_a_reader_calls_it_valid_and_all_else_is_bit_equal(files, tmp_path):
    c2pa = pytest.importorskip("c2pa", reason="the extra provenance is not installed")
    made, original = files
    before = chunks_of(made)
    signer = ProvenanceSigner(tmp_path / "signing")
    signer.sign(made, Claim("clip.wav", EDITED, original, (("ACE-Step", "repaint"),)))
    after = chunks_of(made)
    assert after.pop(b"C2PA")
    assert after == before
    assert read_audio(made, 10).digest == SOUND.digest
    assert read_recipe(made) == {"take": "t1"}
    assert signer.state(made) == "Valid"  # and not "Trusted": nobody vouched for the certificate
    with made.open("rb") as file, c2pa.Reader("audio/wav", file) as reader:
        report = json.loads(reader.json())
    assert [one["code"] for one in report["validation_status"]] == ["signingCredential.untrusted"]
    active = report["manifests"][report["active_manifest"]]
    (ingredient,) = active["ingredients"]
    assert ingredient["relationship"] == "parentOf"
    actions = active["assertions"][0]["data"]["actions"]
    assert [one["action"] for one in actions] == ["c2pa.opened", "c2pa.edited"]
    assert actions[1]["digitalSourceType"] == EDITED
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.wav", "original.wav", "signing"]


def test_one_changed_sample_makes_it_invalid(files, tmp_path):
    pytest.importorskip("c2pa", reason="the extra provenance is not installed")
    signer = ProvenanceSigner(tmp_path / "signing")
    signer.sign(files[0], Claim("clip.wav", EDITED, files[1], (("ACE-Step", "repaint"),)))
    data = bytearray(files[0].read_bytes())
    data[data.index(b"data") + 100] ^= 1
    files[0].write_bytes(data)
    assert signer.state(files[0]) == "Invalid"


def test_a_failure_leaves_the_plain_file(files, tmp_path, monkeypatch):
    pytest.importorskip("c2pa", reason="the extra provenance is not installed")
    before = files[0].read_bytes()
    monkeypatch.setattr(ProvenanceSigner, "state", lambda self, path: "Invalid")
    with pytest.raises(ProtocolError, match=r"clip\.wav could not be signed"):
        ProvenanceSigner(tmp_path / "signing").sign(files[0], Claim("clip.wav"))
    assert files[0].read_bytes() == before
    assert len(os.listdir(tmp_path)) == 3


def test_a_song_made_from_nothing_was_created(tmp_path):
    found = manifest(
        Claim("new.wav", SourceType.TRAINED.address, None, (("A", "generate"), ("B", "repaint")))
    )
    assert [one["action"] for one in found["assertions"][0]["data"]["actions"]] == [
        "c2pa.created",
        "c2pa.edited",
    ]


def test_without_the_package_it_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "c2pa":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ProtocolError) as caught:
        ProvenanceSigner(tmp_path)
    assert caught.value.remedy == GET_IT
