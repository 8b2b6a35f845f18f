"""What the audit of dependencies says, and that it never takes silence for good news."""

from __future__ import annotations

import importlib.util
import json
import subprocess

import pytest

from tests.places import PROJECT

spec = importlib.util.spec_from_file_location("audit", PROJECT / ".ci" / "audit.py")
audit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(audit)

SOUND = {"name": "numpy", "version": "2.4.6", "vulns": []}
KNOWN = {"name": "pillow", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
SKIPPED = {"name": "torch", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("found", "words", "status"),
    [
        ([SOUND], "1 packages audited, no known vulnerability.", 0),
        ([SOUND, SKIPPED], "NOT AUDITED: torch.", 0),
        ([SKIPPED], "NOT AUDITED: no database", 0),
        ([], "NOT AUDITED: no database", 0),
        ([SOUND, KNOWN, SKIPPED], "pillow 1.0: PYSEC-1, fixed in 1.1", 1),
    ],
)
def test_the_verdict(found, words, status):
    text, given = audit.verdict(found)
    assert (words in text, given) == (True, status)


@pytest.mark.parametrize("printed", ["", "Traceback", "{}", "[]"])
def test_an_audit_that_could_not_be_made_says_so(monkeypatch, capsys, printed):
    monkeypatch.setattr(
        audit.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess((), 1, printed, "")
    )
    assert audit.main() == 0
    assert "NOT AUDITED" in capsys.readouterr().out


def test_a_vulnerability_fails_the_audit(monkeypatch, capsys):
    printed = json.dumps({"dependencies": [KNOWN]})
    monkeypatch.setattr(
        audit.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess((), 1, printed, "")
    )
    assert audit.main() == 1
    assert "PYSEC-1" in capsys.readouterr().out


def test_every_version_is_pinned_to_be_audited():
    for line in (PROJECT / "constraints.txt").read_text().splitlines():
        assert line.startswith("#") or line.count("==") == 1, line
