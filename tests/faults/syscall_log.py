"""Whether what a process acknowledged was on the disk by then, from its system calls as strace logs them. Pure.

A power cut keeps what was synced and nothing else: the bytes of a file after fsync or fdatasync of it, its name after
fsync of its folder. So, in the order of the log:

- a file is synced before it is renamed, else its new name may lead to nothing;
- when an acknowledgement is sent, every file of the store that matters is synced, and every folder with a new name;
- a request file goes only after its answer is synced.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

TRACED = (
    "openat,creat,write,pwrite64,writev,pwritev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat,"
    "unlink,unlinkat,sendto,sendmsg"
)
"""What strace has to log."""

WRITES = frozenset({"write", "pwrite64", "writev", "pwritev", "ftruncate"})
SYNCS = frozenset({"fsync", "fdatasync"})

_WHOLE = re.compile(r"(\d+) +(\w+)\((.*)\) += +(-?\d+)")
_BEGUN = re.compile(r"(\d+) +(\w+)\((.*?) *<unfinished \.\.\.>")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)\) += +(-?\d+)")
_FILE = re.compile(r"\d+<(/[^>]*)>")
_PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class SystemCall:
    """One call. begun: whether this is its beginning; a call that others interrupt has a line for each end."""

    name: str
    arguments: str
    begun: bool
    ended: bool
    result: int = 0

    @property
    def file(self) -> str:
        """The path of the file it is about, "" for a socket or a pipe."""
        found = _FILE.match(self.arguments)
        return found[1] if found else ""

    @property
    def paths(self) -> list[str]:
        """The names it is given."""
        return _PATH.findall(self.arguments)


def calls_in(lines: Iterable[str]) -> Iterator[SystemCall]:
    """The calls of a log made with `strace -f -y`."""
    unfinished: dict[tuple[str, str], str] = {}
    for line in lines:
        if found := _WHOLE.match(line):
            yield SystemCall(found[2], found[3], True, True, int(found[4]))
        elif found := _BEGUN.match(line):
            unfinished[found[1], found[2]] = found[3]
            yield SystemCall(found[2], found[3], True, False)
        elif found := _RESUMED.match(line):
            arguments = unfinished.pop((found[1], found[2]), "") + found[3]
            yield SystemCall(found[2], arguments, False, True, int(found[4]))


def _makes_a_name(call: SystemCall) -> bool:
    return call.name in ("mkdir", "mkdirat", "creat") or (
        call.name == "openat" and "O_CREAT" in call.arguments
    )


@dataclass
class DurabilityCheck:
    """Follows a log. matters: whether a path has to survive; acknowledgement: what is sent when something is accepted.

    problems: every acknowledgement or rename that came too early. acknowledged: how many there were.
    """

    matters: Callable[[str], bool]
    acknowledgement: re.Pattern[str]
    problems: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    _unsynced: set[str] = field(default_factory=set)  # files with bytes that a power cut loses
    _unnamed: dict[str, set[str]] = field(
        default_factory=dict
    )  # folder -> names in it that a power cut loses
    _known: set[str] = field(default_factory=set)

    def follow(self, lines: Iterable[str]) -> None:
        for call in calls_in(lines):
            self._take_in(call)

    def _take_in(self, call: SystemCall) -> None:
        if call.ended and call.result < 0:
            return
        if call.name in WRITES and call.begun and call.file:
            self._unsynced.add(call.file)
        elif call.name in SYNCS and call.ended:
            self._unsynced.discard(call.file)
            self._unnamed.pop(call.file, None)
        elif call.ended and _makes_a_name(call):
            self._create(call.paths[0])
        elif call.name.startswith("rename") and call.begun:
            self._rename(*call.paths[:2])
        elif call.name.startswith("unlink") and call.begun:
            self._remove(call.paths[0])
        elif call.name.startswith("send") and call.begun:
            self._send(call.arguments)

    def _create(self, path: str) -> None:
        if path not in self._known:
            self._known.add(path)
            self._unnamed.setdefault(os.path.dirname(path), set()).add(path)

    def _rename(self, before: str, after: str) -> None:
        if before in self._unsynced and self.matters(after):
            self.problems.append(f"{after} got its name before its bytes were on the disk")
        self._unsynced.discard(before)
        self._unnamed.get(os.path.dirname(before), set()).discard(before)
        self._known.discard(after)
        self._create(after)

    def _remove(self, path: str) -> None:
        for names in self._unnamed.values():
            names.discard(path)
        self._unsynced.discard(path)
        self._known.discard(path)
        if path.endswith(".taken"):
            answer = path.removesuffix(".taken").replace("/mailbox/in/", "/mailbox/out/") + ".jsonl"
            if lost := self._lost(lambda lost: lost == answer):
                self.problems.append(f"{path} was removed before its answer was on the disk: {lost}")
            self.acknowledged.append(answer)

    def _send(self, arguments: str) -> None:
        if found := self.acknowledgement.search(arguments):
            self.acknowledged.append(found[0])
            if lost := self._lost(self.matters):
                self.problems.append(f"{found[0]!r} was sent before these were on the disk: {lost}")

    def _lost(self, wanted: Callable[[str], bool]) -> list[str]:
        """What a power cut would lose now."""
        names = {name for found in self._unnamed.values() for name in found}
        return sorted(filter(wanted, self._unsynced | names))
