"""How each system starts a program when its user logs in: what is written where, and what tells the system.

Only texts, paths and command lines; bridge_server/cli/autostart.py writes and runs them.
"""

from __future__ import annotations

import os
import plistlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import platformdirs

from bridge_server.platforms import APP, store_folder

MARK = "Written by `takebridge autostart on`; `takebridge autostart off` removes it."
"""In every file of ours, and in none of somebody else's."""

UNIT = f"{APP}.service"
AGENT = f"{APP}.server"
TASK = "Takebridge"

CommandLine = tuple[str, ...]


@dataclass(frozen=True)
class LoginProgram:
    """What is started. words: the program and its arguments; folder: where, since relative paths count from there."""

    words: CommandLine
    folder: Path


@dataclass(frozen=True)
class LoginStart:
    """One system's way.

    file, content: what is written. Everything else are command lines.
    possible: fails where the system cannot do it.
    enable:   after the file is written: from the next login on.
    start:    now.
    disable:  before the file is removed; ends what was started. Those that failed have nothing to end.
    forget:   after it is removed.
    """

    file: Path
    content: bytes
    possible: tuple[CommandLine, ...] = ()
    enable: tuple[CommandLine, ...] = ()
    start: tuple[CommandLine, ...] = ()
    disable: tuple[CommandLine, ...] = ()
    forget: tuple[CommandLine, ...] = ()

    @property
    def text(self) -> str:
        return decoded(self.content)


def decoded(content: bytes) -> str:
    """A file of ours as text; another's as far as it is text."""
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    return content.decode(encoding, "replace")


def login_start(system: str, program: LoginProgram, user: str = "") -> LoginStart:
    """system: as `sys.platform`; user: on Windows, DOMAIN\\name. Raises ValueError for paths no such file can hold."""
    if any(letter < " " for word in (*program.words, str(program.folder)) for letter in word):
        raise ValueError("a path with a line break or another control character cannot be started at login")
    if system == "win32":
        return _task(program, user)
    return _agent(program) if system == "darwin" else _unit(program)


def _unit(program: LoginProgram) -> LoginStart:
    """A unit of the user's systemd; see systemd.service(5)."""
    control = ("systemctl", "--user")
    return LoginStart(
        Path(platformdirs.user_config_dir()) / "systemd" / "user" / UNIT,
        unit_text(program).encode(),
        possible=((*control, "show-environment"),),
        enable=((*control, "daemon-reload"), (*control, "enable", UNIT)),
        start=((*control, "restart", UNIT),),
        disable=((*control, "disable", "--now", UNIT),),
        forget=((*control, "daemon-reload"),),
    )


def unit_text(program: LoginProgram) -> str:
    """A server that ends by a mistake is started again, five times in five minutes at most."""
    return f"""\
# {MARK}
[Unit]
Description=Takebridge
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
ExecStart={" ".join(map(_unit_word, program.words))}
WorkingDirectory={_unit_specifiers(str(program.folder))}
Restart=on-failure
RestartSec=5

[Install]
WantedBy=default.target
"""


def _unit_word(word: str) -> str:
    """One argument of a command line; systemd reads quotes, backslashes, variables and specifiers in it."""
    quoted = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{_unit_specifiers(quoted)}"'


def _unit_specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _agent(program: LoginProgram) -> LoginStart:
    """An agent of the user's launchd; see launchd.plist(5). A file in its folder is loaded at login."""
    file = Path("~/Library/LaunchAgents").expanduser() / f"{AGENT}.plist"
    domain = f"gui/{os.getuid()}" if hasattr(os, "getuid") else "gui/0"
    return LoginStart(
        file,
        agent_content(program),
        start=(("launchctl", "bootstrap", domain, str(file)),),
        disable=(("launchctl", "bootout", f"{domain}/{AGENT}"),),
    )


def agent_content(program: LoginProgram) -> bytes:
    values = {
        "Label": AGENT,
        "ProgramArguments": list(program.words),
        "WorkingDirectory": str(program.folder),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 30,  # seconds between two starts, if it ends by a mistake
        "ProcessType": "Interactive",  # others are slowed down, and this one plays sound
    }
    head, body = plistlib.dumps(values, sort_keys=False).split(b"<plist", 1)
    return head + f"<!-- {MARK} -->\n".encode() + b"<plist" + body


def _task(program: LoginProgram, user: str) -> LoginStart:
    """A task of Windows' scheduler. The file is only read by schtasks; it stays, to show what was registered."""
    file = store_folder() / "autostart.xml"
    named = ("/TN", TASK)
    return LoginStart(
        file,
        task_text(program, user).encode("utf-16"),
        enable=(("schtasks", "/Create", *named, "/XML", str(file), "/F"),),
        start=(("schtasks", "/Run", *named),),
        disable=(("schtasks", "/End", *named), ("schtasks", "/Delete", *named, "/F")),
    )


def task_text(program: LoginProgram, user: str) -> str:
    """As XML and not as options of schtasks: those end a task after three days, start none on battery power, and
    want an administrator for a start at login."""
    command, *words = program.words
    return f"""\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>{escape(MARK)}</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <UserId>{escape(user)}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{escape(user)}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>5</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{escape(command)}</Command>
      <Arguments>{escape(subprocess.list2cmdline(words))}</Arguments>
      <WorkingDirectory>{escape(str(program.folder))}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""
