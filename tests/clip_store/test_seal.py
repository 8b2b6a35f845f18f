"""Signing while a file is written: the whole file first, nothing left behind."""

import pytest

from clip_store.seal import signed


def test_without_a_seal_the_pieces_pass(tmp_path):
    assert list(signed([b"a", b"b"], None, "x.wav", (), tmp_path)) == [b"a", b"b"]


def test_the_whole_file_is_sealed_before_any_of_it_goes_on(tmp_path):
    seen = []

    def seal(path, name, takes):
        assert path.parent == tmp_path  # the disk it goes to has room for it
        seen.append((path.read_bytes(), name, takes))
        path.write_bytes(path.read_bytes() + b"!")

    assert b"".join(signed([b"a", b"b"], seal, "x.wav", ["t"], tmp_path)) == b"ab!"
    assert seen == [(b"ab", "x.wav", ["t"])]
    assert list(tmp_path.iterdir()) == []

    def refuse(path, name, takes):
        raise ValueError("no key")

    with pytest.raises(ValueError, match="no key"):
        list(signed([b"a"], refuse, "x.wav", ["t"], tmp_path))
    assert list(tmp_path.iterdir()) == []
