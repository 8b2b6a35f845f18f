"""The command itself: what it prints and its exit status, for what was done, for errors and for Ctrl-C."""

from __future__ import annotations

import sys

import pytest

from bridge_server.__main__ import MODELS_VARIABLE, STORE_VARIABLE, main
from bridge_server.cli import docs
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.places import DOCS


def run(monkeypatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["takebridge", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_what_was_asked_for_was_done(monkeypatch, tmp_path):
    assert run(monkeypatch, "docs", str(tmp_path)) == 0
    assert (tmp_path / "protocol.md").read_bytes() == (DOCS / "protocol.md").read_bytes()


def test_an_error_is_a_sentence_and_a_remedy(monkeypatch, capsys):
    def refuse(_):
        raise ProtocolError(ErrorCode.STORE_FAILED, "The disk is full.", "Free some space.")

    monkeypatch.setattr(docs, "write_documents", refuse)
    assert run(monkeypatch, "docs") == 1
    assert capsys.readouterr().err == "takebridge: The disk is full.\n  Free some space.\n"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_the_system_refuses_this_user_is_no_bug(monkeypatch, capsys, language):
    def look(_):
        raise PermissionError(13, "Permission denied", "/home/her/store")

    monkeypatch.setattr(docs, "write_documents", look)
    assert run(monkeypatch, "--language", language, "docs") == 1
    sentence, remedy = capsys.readouterr().err.splitlines()
    assert "/home/her/store" in sentence
    assert ("permissions" in remedy) == (language == "en")


def test_what_is_refused_about_no_file_keeps_its_trace(monkeypatch):
    def start(_):
        raise PermissionError(5, "Access is denied")

    monkeypatch.setattr(docs, "write_documents", start)
    monkeypatch.setattr(sys, "argv", ["takebridge", "docs"])
    with pytest.raises(PermissionError):
        main()


def test_ctrl_c_ends_it_as_shells_expect(monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(docs, "write_documents", interrupted)
    assert run(monkeypatch, "docs") == 130


def test_the_environment_names_the_default_folders(monkeypatch, capsys):
    monkeypatch.setenv(STORE_VARIABLE, "/my/store")
    monkeypatch.setenv(MODELS_VARIABLE, "/my/models")
    assert run(monkeypatch, "--help") == 0
    printed = "".join(capsys.readouterr().out.split())
    assert "(default:/my/store)" in printed
    assert "(default:/my/models)" in printed
