"""The benchmark of the first clip, which .ci/run times: without packages or uv it says so, and fails nothing."""

import os
import sys

import pytest

from benchmarks import first_clip


@pytest.fixture
def no_package_index(monkeypatch):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")


def test_without_a_package_index_it_is_skipped_aloud(no_package_index, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["first_clip"])
    assert first_clip.main() == 0
    assert capsys.readouterr().out.startswith("SKIPPED: the first clip is not timed")


def test_uv_is_the_machines_own_or_none_where_it_cannot_be_fetched(no_package_index, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert first_clip.uv_command(tmp_path) is None
    name = "uv.exe" if sys.platform == "win32" else "uv"
    (tmp_path / name).write_bytes(b"")
    (tmp_path / name).chmod(0o755)
    assert first_clip.uv_command(tmp_path) == tmp_path / name
