"""Audio and files that were sent: checked, found under their names, and no more of them than there is room for."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from bridge_server.engines.messages import OptionFile, RenderCommand, StackedTrack
from bridge_server.studio.host_files import HostFiles, ReceivedFiles, files_of
from bridge_server.studio.link_messages import AUDIO, BYTES, SharedFile
from clip_store.audio.audio import Audio, Encoding
from clip_store.blobs import BlobStore
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.engines.test_messages import REQUEST


def host_files(folder, most_bytes: int = 10**6, most_each: int = 10**6) -> HostFiles:
    return HostFiles(folder / "host", most_bytes, most_each)


def stored_song(folder, seed: int = 0) -> tuple[SharedFile, bytes]:
    """A song in a laptop's store, and the bytes of its file."""
    samples = np.random.default_rng(seed).uniform(-0.3, 0.3, (1000, 2)).astype(np.float32)
    blobs = BlobStore(folder / "laptop")
    digest = blobs.put(Audio(samples, 48000, Encoding.FLOAT))
    data = blobs.path(digest).read_bytes()
    return SharedFile(digest, AUDIO, len(data)), data


def plain_file(data: bytes) -> SharedFile:
    return SharedFile(hashlib.sha256(data).hexdigest(), BYTES, len(data))


def send(files: HostFiles, file: SharedFile, data: bytes, in_use=()) -> None:
    part = files.begin(file, "bridge")
    assert files.grow(part, data) == len(data)
    files.keep(part, file, in_use)


def test_a_song_comes_whole_and_is_not_asked_for_again(tmp_path):
    files, (song, data) = host_files(tmp_path), stored_song(tmp_path)
    assert files.missing([song]) == (song.digest,)
    send(files, song, data)
    assert files.missing([song]) == ()
    assert files.blobs.get(song.digest).digest == song.digest


@pytest.mark.parametrize("kind", [AUDIO, BYTES])
def test_what_is_not_what_it_is_called_is_not_kept(tmp_path, kind):
    files, (song, data) = host_files(tmp_path), stored_song(tmp_path)
    file = SharedFile(song.digest, kind, song.size)
    with pytest.raises(ProtocolError) as caught:
        send(files, file, data[:-1] + b"!")
    assert caught.value.code is ErrorCode.BAD_UPLOAD
    assert files.missing([file]) == (file.digest,)
    assert not [path for path in (tmp_path / "host").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "file",
    [
        SharedFile("../../etc/passwd", BYTES, 1),
        SharedFile("AB" * 32, BYTES, 1),
        SharedFile("ab" * 32, "code", 1),
        SharedFile("ab" * 32, BYTES, -1),
    ],
)
def test_what_cannot_be_a_file_is_refused(tmp_path, file):
    for use in (lambda files: files.missing([file]), lambda files: files.begin(file, "bridge")):
        with pytest.raises(ProtocolError) as caught:
            use(host_files(tmp_path))
        assert caught.value.code is ErrorCode.BAD_MESSAGE


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(tmp_path):
    with pytest.raises(ProtocolError, match=r"0\.0 GB") as caught:
        host_files(tmp_path, most_each=10).missing([SharedFile("ab" * 32, BYTES, 11)])
    assert caught.value.code is ErrorCode.TOO_LARGE


def test_what_was_not_used_for_longest_goes_first_and_what_is_in_use_stays(tmp_path):
    files = host_files(tmp_path, most_bytes=250)
    sent = [(plain_file(bytes([number]) * 100), bytes([number]) * 100) for number in range(4)]
    for age, (file, data) in zip((40, 30, 20), sent, strict=False):
        send(files, file, data, in_use=[sent[0][0].digest])
        os.utime(files.blobs.path(file.digest), (age, -age + 1000))
    # Of the three, the first is in use and the second was used last but one.
    send(files, *sent[3], in_use=[sent[0][0].digest])
    there = [not files.missing([file]) for file, _ in sent]
    assert there == [True, False, False, True]


def test_what_cannot_be_removed_stays_and_nothing_fails(tmp_path, monkeypatch):
    files = host_files(tmp_path, most_bytes=150)
    first, second = bytes(100), bytes([1]) * 100
    send(files, plain_file(first), first)
    kept, unlink = files.blobs.path(plain_file(first).digest), Path.unlink

    def refused(path, missing_ok=False):
        if path == kept:
            raise PermissionError(13, "it is open")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    send(files, plain_file(second), second)
    assert files.missing([plain_file(first), plain_file(second)]) == ()


@pytest.mark.parametrize("kind", [AUDIO, BYTES])
def test_a_damaged_file_has_to_be_sent_again(tmp_path, kind):
    files, (file, data) = host_files(tmp_path), stored_song(tmp_path)
    if kind == BYTES:
        file = plain_file(data)
    send(files, file, data)
    files.remove_damaged([file.digest, "ab" * 32])
    assert files.missing([file]) == ()
    files.blobs.path(file.digest).write_bytes(data[:-100])
    files.remove_damaged([file.digest])
    assert files.missing([file]) == (file.digest,)


def test_a_file_of_an_option_that_has_gone_is_said_to_have_gone(tmp_path):
    with pytest.raises(ProtocolError) as caught:
        ReceivedFiles(host_files(tmp_path)).path("sounds", OptionFile("brushes", "ab" * 32, 5))
    assert (caught.value.code, caught.value.field) == (ErrorCode.FILE_MISSING, "sounds")


def test_a_file_of_an_option_lies_under_its_name_with_its_companion(tmp_path):
    files, main, near = host_files(tmp_path), b"swish", b"{}"
    for data in (main, near):
        send(files, plain_file(data), data)
    companion = OptionFile("kits/sounds.json", plain_file(near).digest, 2)
    file = OptionFile("kits/brushes", plain_file(main).digest, 5, (companion,))
    path = ReceivedFiles(files).path("sounds", file)
    assert (path.name, path.read_bytes()) == ("brushes", main)
    assert path.with_name("sounds.json").read_bytes() == near
    assert (tmp_path / "host") in path.parents
    assert ReceivedFiles(files).path("sounds", file) == path


@pytest.mark.parametrize("name", ["..", ".", "", "a\0b", "CON", "nul.txt", "a" * 200, "a\\b", "c:d", "end."])
def test_a_name_that_could_lead_elsewhere_is_refused(tmp_path, name):
    files, data = host_files(tmp_path), b"swish"
    send(files, plain_file(data), data)
    with pytest.raises(ProtocolError) as caught:
        ReceivedFiles(files).path("sounds", OptionFile(name, plain_file(data).digest, 5))
    assert caught.value.field == "sounds"


def test_a_file_that_goes_takes_its_other_names_along(tmp_path):
    files = host_files(tmp_path, most_bytes=150)
    first, second = bytes(100), bytes([1]) * 100
    send(files, plain_file(first), first)
    path = files.option_file(OptionFile("brushes", plain_file(first).digest, 100))
    send(files, plain_file(second), second)
    assert not path.exists()


def test_what_an_order_names(tmp_path):
    near = OptionFile("b", "5", 1)
    command = RenderCommand(
        REQUEST, "1", "2", "j1", files={"sounds": OptionFile("a", "4", 1, (near,))},
        stack=(StackedTrack("3", 0),), kept="6",
    )  # fmt: skip
    assert files_of(command) == {"1": AUDIO, "2": AUDIO, "3": AUDIO, "4": BYTES, "5": BYTES, "6": BYTES}
    assert files_of(RenderCommand(REQUEST, "", "", "j1")) == {}


def test_what_a_killed_host_had_half_is_gone(tmp_path):
    files = host_files(tmp_path)
    part = files.begin(plain_file(b"abc"), "bridge")
    assert part.exists()
    host_files(tmp_path)
    assert not part.exists()
