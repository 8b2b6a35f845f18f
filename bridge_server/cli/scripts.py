"""`takebridge scripts`: copies the scripts for a DAW to where it looks for them; files somebody changed stay."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

from bridge_server.bundled import scripts_folder
from bridge_server.cli.commands import DONE, Screen
from bridge_server.daws import Daw, folder_for, wanted_in
from clip_store.atomic_file import make_folder, write_whole
from daw_protocol.errors import ErrorCode, ProtocolError

MAX_NAMED = 5
"""Files that a sentence names; of more it says how many there are."""


@dataclass(frozen=True)
class CopyPlan:
    """What copying would do to each file, by its name in the folder.

    new: not there yet; outdated: ours, of another version; same: there already; changed: there, and not as we wrote it.
    """

    new: tuple[str, ...]
    outdated: tuple[str, ...]
    same: tuple[str, ...]
    changed: tuple[str, ...]

    def in_words(self) -> str:
        counts = {
            "new": self.new,
            "brought up to date": self.outdated,
            "already there": self.same,
            "with changes, overwritten": self.changed,
        }
        return ", ".join(f"{len(names)} {words}" for words, names in counts.items() if names)


def scripts(screen: Screen, daw: Daw, to: Path | None, force: bool, system: str = sys.platform) -> int:
    """Copies them to `to`, or without it to the DAW's own folder. Returns the exit status.

    Raises ProtocolError when that folder is not known, when files in it were changed (unless `force`), and when it
    cannot be written. Then nothing has been copied.
    """
    folder = to if to is not None else _own_folder(daw, system)
    files = bundled_files(daw)
    try:
        plan = plan_copy(files, folder, _record(folder, daw))
        if plan.changed and not force:
            raise _changed(plan.changed, folder)
        for name in (*plan.new, *plan.outdated, *plan.changed):
            make_folder((folder / name).parent)
            write_whole(folder / name, [files[name]])
        write_whole(_record(folder, daw), [_digests_as_text(files)])
    except OSError as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"The scripts cannot be written to {folder}: {error.strerror}.",
            "Choose another folder with --to.",
        ) from error
    _tell(screen, daw, folder, plan, system)
    return DONE


def bundled_files(daw: Daw) -> dict[str, bytes]:
    """Name -> content of every file the DAW needs; names have slashes."""
    source = scripts_folder(daw.example)
    if daw.made is not None:
        return daw.made(source)
    paths = sorted(path for pattern in daw.files for path in source.glob(pattern))
    return {(Path(daw.inside) / path.relative_to(source)).as_posix(): path.read_bytes() for path in paths}


def plan_copy(files: dict[str, bytes], folder: Path, record: Path) -> CopyPlan:
    """What is to be done, from what is there and what an earlier copy wrote. Raises OSError."""
    ours = _read_digests(record)
    found: dict[str, list[str]] = {"new": [], "outdated": [], "same": [], "changed": []}
    for name, content in files.items():
        path = folder / name
        if not path.exists():
            found["new"].append(name)
            continue
        there = path.read_bytes()
        if there == content:
            found["same"].append(name)
        else:
            found["outdated" if _digest(there) == ours.get(name) else "changed"].append(name)
    return CopyPlan(**{kind: tuple(names) for kind, names in found.items()})


def _record(folder: Path, daw: Daw) -> Path:
    """The file that says what was copied, so that a later version knows its own files from changed ones."""
    return folder / f".takebridge-{daw.name}.json"


def _read_digests(record: Path) -> dict[str, str]:
    try:
        return dict(json.loads(record.read_text(encoding="utf-8")))
    except (
        OSError,
        ValueError,
        TypeError,
    ):  # none, or not as we wrote it: then every other file counts as changed
        return {}


def _digests_as_text(files: dict[str, bytes]) -> bytes:
    return json.dumps({name: _digest(content) for name, content in files.items()}, indent=1).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _own_folder(daw: Daw, system: str) -> Path:
    folder = folder_for(daw, system)
    if folder is not None:
        return folder
    place = wanted_in(daw, system)
    if not place:
        sentence = f"Which folder {daw.label} reads scripts from is not certain on this system."
        raise ProtocolError(ErrorCode.FILE_MISSING, sentence, "Name a folder with --to.")
    raise ProtocolError(
        ErrorCode.FILE_MISSING,
        f"{daw.label} has made no folder of its own here; it would read scripts from {place}.",
        f"Start {daw.label} once, or name a folder with --to.",
    )


def _changed(names: tuple[str, ...], folder: Path) -> ProtocolError:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    several = len(names) > 1
    return ProtocolError(
        ErrorCode.STORE_FAILED,
        f"{', '.join(names[:MAX_NAMED])}{more} in {folder} {'are' if several else 'is'} not as Takebridge wrote "
        f"{'them' if several else 'it'}; nothing was copied.",
        f"Move {'them' if several else 'it'} away, or add --force to overwrite {'them' if several else 'it'}.",
    )


def _tell(screen: Screen, daw: Daw, folder: Path, plan: CopyPlan, system: str) -> None:
    place = wanted_in(daw, system)
    screen.result(
        {
            "folder": str(folder),
            "new": plan.new,
            "updated": plan.outdated,
            "same": plan.same,
            "overwritten": plan.changed,
            "wanted_in": place,
            "next": daw.next_step,
        }
    )
    screen.say(f"Scripts for {daw.label} in {escape(str(folder))}: {plan.in_words()}.")
    if place and folder != folder_for(daw, system):
        screen.say(
            f"{daw.label} reads them from {escape(place)}: copy them there, with --install or by hand."
        )
    screen.say(f"Next: {escape(daw.next_step)}.")
    screen.say("Keep the server running: takebridge serve, or takebridge autostart on.")
