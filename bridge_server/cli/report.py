"""`takebridge doctor --report`: a file with what a bug report needs, and nothing private.

No name of a person, machine, folder, song, project or device, no words of requests, no address but this machine's own.
Nothing is copied and then cleaned: every entry is a number, a version, or one of the words of a list.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge_server.audition.sound_devices import SoundDevices
from bridge_server.cli.client import status_of
from bridge_server.cli.doctor import BASE, SYNC, ports_are_free
from bridge_server.cli.known_words import known, redacted
from bridge_server.cli.report_log import last_lines
from bridge_server.endpoints.midi.ports import input_names
from bridge_server.engines.pool import EnginePool
from bridge_server.engines.registry import BUILT_IN, MODELS_ENGINE, installed_engines
from bridge_server.handlers.metrics import size_of
from bridge_server.jobs.database import DATABASE
from bridge_server.jobs.summary import JobFailure, summary_of
from bridge_server.models.library import FOLDERS, look
from bridge_server.platforms import write_private
from bridge_server.server import find_server
from bridge_server.settings import Settings
from bridge_server.version import VERSION, version_of
from daw_protocol.addresses import BY_NAME
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import Task

Section = dict[str, Any]

PROGRAMS = ("ffmpeg", "oscsend", "fluidsynth", "nvidia-smi")
OTHERS = ("demucs", "zeroconf", "prometheus-client", *SYNC)
_JOB = re.compile(r"j[0-9a-f]{10}")
_RELEASE = re.compile(r"\d+(?:\.\d+){0,3}")


async def report(settings: Settings, models: Path | None) -> dict[str, Any]:
    """Every section by its name. models: the folder of models; None: not looked at."""
    return {
        "versions": versions(),
        "machine": machine(),
        "engines": await engines(settings),
        "models": {} if models is None else model_states(models),
        "devices": devices(),
        "store": store(settings.store),
        "server": await server(settings),
        "failures": failures(settings.store),
        "log": last_lines(settings.store),
    }


def as_text(found: Mapping[str, Any]) -> str:
    """The report for people: a heading for each section."""
    lines = []
    for section, entries in found.items():
        lines.append(f"## {section}")
        if isinstance(entries, Mapping):
            lines += [f"{name}: {_plain(entry)}" for name, entry in entries.items()]
        else:
            lines += [_plain(entry) for entry in entries]
        lines.append("")
    return "\n".join(lines)


def _plain(entry: object) -> str:
    return entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False)


def write_report(path: Path, found: Mapping[str, Any], as_json: bool) -> None:
    """Writes the report for this user to read and send. Raises ProtocolError."""
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n" if as_json else as_text(found)
    try:
        write_private(path, text)
    except OSError as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"The report could not be written to {path}: {error.strerror}.",
            "Name another file: takebridge doctor --report FILE.",
        ) from error


def versions() -> Section:
    packages = (*BASE, *MODELS_ENGINE.packages, *OTHERS)
    return {
        "Takebridge": VERSION,
        "Python": ".".join(map(str, sys.version_info[:3])),
        **{name: found for name in packages if (found := version_of(name)) is not None},
    }


def machine() -> Section:
    """The kind of machine. A kernel's own name may have been given by its owner, so its number must do."""
    release = _RELEASE.match(platform.release())
    return {
        "system": platform.system(),
        "release": release[0] if release else "",
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "programs": {name: shutil.which(name) is not None for name in PROGRAMS},
    }


async def engines(settings: Settings) -> Section:
    """What each built-in engine can do; other packages' engines are counted."""
    built_in = {spec.name for spec in BUILT_IN}
    pool = EnginePool({name: setup for name, setup in settings.engines.items() if name in built_in})
    found: Section = {}
    for name in pool.names:
        try:
            description = await pool.describe(name)
            found[name] = [task.value for task in Task if description.capability(task).available]
        except ProtocolError as error:
            found[name] = error.code.value
    found["of other packages"] = len(settings.engines.keys() - built_in)
    found["of other packages, not usable"] = len(installed_engines().problems)
    return found


def model_states(folder: Path) -> Section:
    """Published models by name; others are counted."""
    there = look(folder)
    found: Section = {one.name: one.state.value for one in there if one.name in FOLDERS}
    found["others"] = sum(one.name not in FOLDERS for one in there)
    return found


def devices() -> Section:
    """How many there are; their names may be their owner's."""
    found: Section = {}
    for name, count in (("sound outputs", lambda: SoundDevices().list()), ("MIDI inputs", input_names)):
        try:
            found[name] = len(count())
        except ProtocolError as error:
            found[name] = error.code.value
    return found


def store(folder: Path) -> Section:
    """Size and content."""
    found: Section = {"writable": os.access(folder, os.W_OK)}
    try:
        found["free GB"] = round(shutil.disk_usage(folder).free / 2**30, 1)
        found["audio MB"] = round(size_of(folder / "blobs") / 2**20)
        summary = summary_of(folder / DATABASE)
    except OSError as error:
        return {**found, "problem": redacted(error.strerror or "")}
    except ProtocolError as error:
        return {**found, "problem": error.code.value}
    jobs: Counter[str] = Counter()
    for (command, state), count in summary.jobs.items():
        jobs[f"{_command(command)} {known(state)}"] += count
    return {**found, "format": summary.format, "takes": summary.takes, "jobs": dict(jobs)}


async def server(settings: Settings) -> Section:
    """The running server, by what it says of itself; else whether it could have its ports."""
    found = find_server(settings.store)
    if found is None:
        osc, websocket = ports_are_free(settings)
        return {"running": False, "OSC port free": osc, "WebSocket port free": websocket}
    section: Section = {
        "running": True,
        "open to the network": bool(found["open"]),
        "token": "set" if found["token"] else "none",
        "OSC port": int(str(found["osc_port"])),
        "WebSocket port": int(str(found["websocket_port"])),
    }
    try:
        status = await status_of(found)
    except ProtocolError as error:
        return {**section, "problem": error.code.value}
    engine = status.get("engine")
    return {
        **section,
        "engine": engine if engine in {spec.name for spec in BUILT_IN} else "of another package",
        "engine processes": len(status.get("engine_processes") or ()),
        "song folders": len(status.get("roots") or ()),
        "watches a folder": status.get("watching") is not None,
        "MIDI input": status.get("midi") is not None,
        "queued": status.get("queued"),
        "rendering": len(status.get("renders") or ()),
        "parts with problems": [redacted(name) for name in status.get("problems") or ()],
    }


def failures(folder: Path) -> list[Section]:
    """The last failed jobs, newest first, without their sentences."""
    try:
        return [_failure(one) for one in summary_of(folder / DATABASE).failures]
    except ProtocolError:
        return []


def _failure(one: JobFailure) -> Section:
    return {
        "job": one.job if _JOB.fullmatch(one.job) else "",
        "task": _command(one.command),
        "code": one.code if one.code in {code.value for code in ErrorCode} else "",
        "field": known(one.field),
        "attempts": one.attempts,
        "ended": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.ended)),
    }


def _command(name: str) -> str:
    return name if name in BY_NAME else "other"
