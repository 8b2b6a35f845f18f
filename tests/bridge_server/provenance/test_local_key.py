import os

import pytest

from bridge_server.provenance.local_key import CERTIFICATES, KEY, YEARS, local_key

pytest.importorskip("cryptography", reason="the extra provenance is not installed")

NOW = 1_790_000_000.0


def test_it_is_made_once_and_for_this_user_alone(tmp_path):
    folder = tmp_path / "signing"
    made = local_key(folder, NOW)
    assert local_key(folder, NOW + 60) == made
    if os.name == "posix":
        assert (folder / KEY).stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700
    assert b"PRIVATE KEY" not in made.certificates
    assert made.certificates.count(b"BEGIN CERTIFICATE") == 2


def test_one_that_has_expired_or_is_damaged_is_made_anew(tmp_path):
    made = local_key(tmp_path, NOW)
    assert local_key(tmp_path, NOW + YEARS * 366 * 86_400) != made
    (tmp_path / CERTIFICATES).write_bytes(b"damaged")
    again = local_key(tmp_path, NOW)
    assert again.certificates != b"damaged"
    (tmp_path / KEY).unlink()
    assert local_key(tmp_path, NOW) != again


def test_two_machines_have_two_keys(tmp_path):
    assert local_key(tmp_path / "a", NOW) != local_key(tmp_path / "b", NOW)
