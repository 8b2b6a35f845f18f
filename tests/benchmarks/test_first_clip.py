"""The benchmark of the first clip, which .ci/run times: without packages it says so, and fails nothing."""

import os
import sys

from benchmarks import first_clip


def test_without_a_package_index_it_is_skipped_aloud(monkeypatch, capsys):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setattr(sys, "argv", ["first_clip"])
    assert first_clip.main() == 0
    assert capsys.readouterr().out.startswith("SKIPPED: the first clip is not timed")
