"""The programs that scripts come for: which files they are, where each program wants them, and what to do there.

One row each; `takebridge scripts`, the wheel and the tests read this table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from bridge_server.live_extension_file import FILE_NAME, extension_file

LINUX, MACOS, WINDOWS = "linux", "darwin", "win32"


@dataclass(frozen=True)
class Daw:
    """One program.

    name:      what is typed; `label` is what people call it.
    example:   the folder below examples/ its scripts lie in.
    files:     patterns of the files it needs, in that folder.
    next_step: what to do in the program once they are there.
    homes:     system -> the folder the program makes for itself there; `[0-9]*` stands for its version, the newest
               counts. Nothing where no folder is certain.
    below:     where in that folder the files belong.
    inside:    the folder they are put in wherever they are copied to: a package for Python, by this name.
    made:      makes of the example's folder what the program installs, name -> content; None where that is the files.
    """

    name: str
    label: str
    example: str
    files: tuple[str, ...]
    next_step: str
    homes: Mapping[str, str] = field(default_factory=dict)
    below: str = ""
    inside: str = ""
    made: Callable[[Path], dict[str, bytes]] | None = None


DAWS: tuple[Daw, ...] = (
    Daw("reaper", "REAPER", "reaper", ("*.lua", "lib/*.lua"),
        "in REAPER, Actions > Show action list... > New action... > Load ReaScript..., select all takebridge_*.lua",
        {LINUX: "~/.config/REAPER", MACOS: "~/Library/Application Support/REAPER", WINDOWS: "{appdata}/REAPER"},
        "Scripts/Takebridge"),
    Daw("live", "Ableton Live", "ableton", ("Takebridge/*.py",),
        "restart Live; then, in Settings > Link, Tempo & MIDI, choose Takebridge as a Control Surface",
        {MACOS: "~/Music/Ableton/User Library", WINDOWS: "{documents}/Ableton/User Library"},
        "Remote Scripts"),
    Daw("live-extension", "Ableton Live, Extension", "live_extension", ("src/*.js",),
        f"in Live 12.4.5 Suite or newer, Settings > Extensions, Developer Mode off, and drag {FILE_NAME} there",
        made=extension_file),
    Daw("bitwig", "Bitwig Studio", "bitwig", ("*.control.js",),
        "in Bitwig Studio, Settings > Controllers > Add controller, vendor Takebridge, product Takebridge",
        {LINUX: "~/Bitwig Studio", MACOS: "~/Documents/Bitwig Studio", WINDOWS: "{documents}/Bitwig Studio"},
        "Controller Scripts"),
    Daw("ardour", "Ardour", "ardour", ("*.lua", "takebridge/*.lua"),
        "in Ardour, Edit > Lua Scripts > Script Manager: add the hook Takebridge: Place takes, then the actions",
        {LINUX: "~/.config/ardour[0-9]*", MACOS: "~/Library/Preferences/Ardour[0-9]*",
         WINDOWS: "{localappdata}/ardour[0-9]*"},
        "scripts"),
    Daw("pro-tools", "Pro Tools", "pro_tools", ("*.py",),
        "pip install 'takebridge[protools]'; then, in that folder, python -m takebridge_pro_tools selftest, with the "
        "Python that Takebridge is installed in",
        inside="takebridge_pro_tools"),
    Daw("comfyui", "ComfyUI", "comfyui", ("*.py", "requirements.txt"),
        "put the folder takebridge into ComfyUI's custom_nodes; there, with ComfyUI's own Python, python -m pip "
        "install -r takebridge/requirements.txt; then restart ComfyUI",
        inside="takebridge"),
    Daw("osc", "OSC programs", "osc", ("*.scd", "*.sh", "*.pd", "*.maxpat", "*.json", "*.tosc"),
        "open the file for your program: SuperCollider, Pure Data, Max, Open Stage Control or TouchOSC"),
)  # fmt: skip

PLACES: Mapping[str, Callable[[], str]] = {
    "documents": platformdirs.user_documents_dir,  # which Windows may keep on another drive
    "appdata": lambda: platformdirs.user_data_dir(appauthor=False, roaming=True),
    "localappdata": lambda: platformdirs.user_data_dir(appauthor=False),
}


def wanted_in(daw: Daw, system: str) -> str:
    """Where the program wants its scripts, in words; "" where that is not certain. system: as `sys.platform`."""
    home = daw.homes.get(system)
    if home is None:
        return ""
    return f"{_placed(home).replace('[0-9]*', 'N')}/{daw.below}"


def folder_for(daw: Daw, system: str) -> Path | None:
    """The folder its scripts belong in, there or not yet; None where the program has made no folder of its own."""
    home = daw.homes.get(system)
    if home is None:
        return None
    path = Path(_placed(home)).expanduser()
    found = [one for one in path.parent.glob(path.name) if one.is_dir()]
    return max(found, key=_version) / daw.below if found else None


def _placed(home: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: PLACES[found[1]](), home)


def _version(folder: Path) -> int:
    digits = re.search(r"\d+$", folder.name)
    return int(digits[0]) if digits else 0
