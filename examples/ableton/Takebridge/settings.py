"""settings.json next to this file: ports, MIDI notes, and the values of a request. Everything is optional."""

import json
import os

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "settings.json")

DEFAULTS = {
    # Where the bridge listens, and where we do.
    "bridge_host": "127.0.0.1",
    "bridge_port": 9124,
    "listen_port": 9128,
    "token": "",
    # Notes on one channel (1 to 16) of the Input chosen in Live's settings; C-2 is note 0.
    "midi_channel": 16,
    "notes": {
        "repaint": 0, "complete": 1, "accompany": 2, "extract": 3,
        "next": 4, "compare": 5, "cancel": 6, "place": 7, "status": 8, "selftest": 9,
    },
    # lanes: take lanes of the track; tracks: a copy of the track for each take; slots: Session; auto: the first of
    # these that this Live can do.
    "place": "auto",
    # Copy takes into the set's folder (Samples/Takebridge), so that the project stays in one piece.
    "copy_into_project": True,
    # Sent with every request, as in docs/protocol.md: takes, prompt, strength, seed, engine, ...
    "request": {"takes": 3},
}  # fmt: skip
PLACES = ("auto", "lanes", "tracks", "slots")


def read_settings(path=FILE):
    """Settings by name, and a sentence about each mistake in the file; a mistake leaves that setting as it is."""
    settings = {name: dict(value) if isinstance(value, dict) else value for name, value in DEFAULTS.items()}
    try:
        with open(path, encoding="utf-8-sig") as file:  # Notepad begins a file with a mark
            given = json.load(file)
    except FileNotFoundError:
        return settings, []
    except (OSError, ValueError) as error:
        return settings, [f"settings.json cannot be read ({error}); using the defaults."]
    if not isinstance(given, dict):
        return settings, ["settings.json must contain a single object; using the defaults."]
    mistakes = []
    for name, value in given.items():
        wrong = _mistake(name, value)
        if wrong:
            mistakes.append(f"settings.json: {wrong}")
        elif name == "notes":
            settings["notes"].update(value)
        else:
            settings[name] = value
    return settings, mistakes


def _mistake(name, value):
    """What is wrong with a setting, or ""."""
    if name not in DEFAULTS:
        return f"there is no setting {name!r}."
    usual = DEFAULTS[name]
    if type(value) is not type(usual):
        return f"{name} must be of the same kind as {usual!r}, got {value!r}."
    if name.endswith("_port") and not 1 <= value <= 65535:
        return f"{name} must be 1 to 65535, got {value}."
    if name == "midi_channel" and not 1 <= value <= 16:
        return f"midi_channel must be 1 to 16, got {value}."
    if name == "place" and value not in PLACES:
        return "place must be one of {}, got {!r}.".format(", ".join(PLACES), value)
    if name == "notes":
        for action, note in value.items():
            if action not in usual or type(note) is not int or not 0 <= note <= 127:
                return "notes: {!r}: {!r} is not one of {} with a note 0 to 127.".format(
                    action, note, ", ".join(usual)
                )
    if name == "request":
        for field, entry in value.items():
            if not isinstance(entry, (str, int, float, bool)):
                return f"request: {field} must be text or a number, got {entry!r}."
    return ""
