"""What each system is told: read back by systemd itself, and by readers of property lists and XML."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bridge_server.login_start import (
    MARK,
    LoginProgram,
    agent_content,
    decoded,
    login_start,
    task_text,
    unit_text,
)

ODD = ("--root", '/home/me/Größe "50 %" $HOME\\n & <b>', "--lan")
PROGRAM = LoginProgram(
    (sys.executable, "-P", "-m", "bridge_server", "serve", *ODD), Path("/home/me/my 100% songs")
)
SYSTEMS = ("linux", "darwin", "win32")


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_file_says_whose_it_is(system):
    way = login_start(system, PROGRAM, "STUDIO\\me")
    assert MARK in way.text == decoded(way.content)
    assert way.file.is_absolute()
    assert way.disable
    assert way.start


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="SKIPPED: systemd-analyze is not installed")
def test_systemd_reads_the_unit_as_it_is_meant(tmp_path):
    (tmp_path / "my 100% songs").mkdir()
    program = LoginProgram(PROGRAM.words, tmp_path / "my 100% songs")
    assert verified(unit_text(program), tmp_path) == (0, "")
    wrong = unit_text(program).replace("Restart=on-failure", "Restart=perhaps")
    assert "perhaps" in verified(wrong, tmp_path)[1], "it reads them at all"


def verified(unit: str, folder: Path) -> tuple[int, str]:
    """What systemd says of a user's unit: exit status and complaints."""
    file = folder / "takebridge.service"
    file.write_text(unit)
    checked = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(file)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return checked.returncode, checked.stderr


def test_the_units_command_line_is_quoted_for_systemd():
    (line,) = (line for line in unit_text(PROGRAM).splitlines() if line.startswith("ExecStart="))
    assert line.endswith('"serve" "--root" "/home/me/Größe \\"50 %%\\" $$HOME\\\\n & <b>" "--lan"')
    assert "WorkingDirectory=/home/me/my 100%% songs\n" in unit_text(PROGRAM)


def test_launchd_gets_the_words_as_they_are():
    values = plistlib.loads(agent_content(PROGRAM))
    assert values["ProgramArguments"] == list(PROGRAM.words)
    assert values["WorkingDirectory"] == str(PROGRAM.folder)
    assert values["RunAtLoad"]
    assert values["KeepAlive"] == {"SuccessfulExit": False}, "who stops it in order wants it stopped"


def test_windows_gets_one_task_for_this_user_without_a_time_limit():
    root = ET.fromstring(task_text(PROGRAM, "STUDIO\\Jo & Co").split("\n", 1)[1])
    values = {
        node.tag.partition("}")[2]: node.text for node in root.iter() if node.text and node.text.strip()
    }
    assert values["Command"] == sys.executable
    assert values["Arguments"] == subprocess.list2cmdline(PROGRAM.words[1:])
    assert values["WorkingDirectory"] == str(PROGRAM.folder)
    assert {node.text for node in root.iter() if node.tag.endswith("UserId")} == {"STUDIO\\Jo & Co"}
    assert (values["MultipleInstancesPolicy"], values["ExecutionTimeLimit"]) == ("IgnoreNew", "PT0S")
    assert (values["RunLevel"], values["DisallowStartIfOnBatteries"]) == ("LeastPrivilege", "false")
    content = login_start("win32", PROGRAM, "me").content
    assert content.startswith((b"\xff\xfe", b"\xfe\xff")), "schtasks reads UTF-16"


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_line_break_in_a_path_is_refused(system):
    with pytest.raises(ValueError, match="control character"):
        login_start(system, LoginProgram(("python", "a\nExecStartPre=/bin/rm"), Path("/tmp")))
