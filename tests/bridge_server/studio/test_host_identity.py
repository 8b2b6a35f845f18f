"""A host's token and certificate: made once, kept for this user alone."""

from __future__ import annotations

import hashlib
import os
import ssl
import stat

import pytest

from bridge_server.studio import host_identity
from bridge_server.studio.host_identity import kept_certificate, kept_token
from bridge_server.studio.join_string import JoinString
from daw_protocol.errors import ProtocolError

NOW = 1_800_000_000.0


def test_the_token_is_made_once_and_has_256_bits(tmp_path):
    first, again = kept_token(tmp_path / "host"), kept_token(tmp_path / "host")
    assert (first.new, again.new) == (True, False)
    assert first.text == again.text != kept_token(tmp_path / "other").text
    JoinString.parse(f"ws://127.0.0.1#{first.text}")


def test_a_spoilt_token_is_made_anew(tmp_path):
    kept_token(tmp_path)
    (tmp_path / host_identity.TOKEN).write_text("abc")
    assert kept_token(tmp_path).new


def test_the_certificate_is_made_once_and_its_fingerprint_is_what_others_see(tmp_path):
    pytest.importorskip("cryptography", reason="the extra studio is not installed")
    made, again = kept_certificate(tmp_path, NOW), kept_certificate(tmp_path, NOW)
    pem = (tmp_path / host_identity.CERTIFICATE).read_text()
    assert made.fingerprint == again.fingerprint == hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    (tmp_path / host_identity.KEY).write_text("no key")
    assert kept_certificate(tmp_path, NOW).fingerprint != made.fingerprint


@pytest.mark.skipif(os.name != "posix", reason="rights as POSIX has them")
def test_nobody_else_may_read_them(tmp_path):
    pytest.importorskip("cryptography", reason="the extra studio is not installed")
    folder = tmp_path / "host"
    kept_token(folder)
    kept_certificate(folder, NOW)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in (host_identity.TOKEN, host_identity.KEY):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_without_the_package_the_error_names_two_ways(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cryptography", None)
    with pytest.raises(ProtocolError, match=r"takebridge\[studio\].*ssh -L"):
        kept_certificate(tmp_path, NOW)
