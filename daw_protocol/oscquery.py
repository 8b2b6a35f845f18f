"""The OSC namespace as an OSCQuery tree (OSCQuery proposal 1.0, Vidvox): what can be sent, with types and ranges."""

from __future__ import annotations

import dataclasses
from typing import Any

from daw_protocol.addresses import COMMANDS, Command
from daw_protocol.kinds import Kind

WRITE_ONLY = 2  # OSCQuery ACCESS: 0 none, 1 read, 2 write, 3 both


def host_info(name: str, osc_port: int) -> dict[str, Any]:
    """The answer to `?HOST_INFO`."""
    return {
        "NAME": name,
        "OSC_PORT": osc_port,
        "OSC_TRANSPORT": "UDP",
        "EXTENSIONS": {"ACCESS": True, "VALUE": False, "RANGE": True, "DESCRIPTION": True, "TYPE": True},
    }


def tree() -> dict[str, Any]:
    """The whole namespace, from the root."""
    root: dict[str, Any] = {"FULL_PATH": "/", "ACCESS": 0, "DESCRIPTION": "ACE Bridge", "CONTENTS": {}}
    for command in COMMANDS:
        if not command.osc:
            continue
        node = root
        path = ""
        for part in command.address.strip("/").split("/"):
            path = f"{path}/{part}"
            node = node["CONTENTS"].setdefault(part, {"FULL_PATH": path, "ACCESS": 0, "CONTENTS": {}})
        node.update(leaf(command))
        if not node["CONTENTS"]:
            del node["CONTENTS"]
    return root


def leaf(command: Command) -> dict[str, Any]:
    """The description of one address; the values that come as pairs are told in words."""
    kinds: list[Kind] = []
    docs: list[str] = []
    fields = {entry.name: entry for entry in dataclasses.fields(command.request)}
    for name in command.positional:
        kinds.append(fields[name].metadata["kind"])
        docs.append(f"{name}: {fields[name].metadata['doc']}")
    pairs = [name for name in fields if name not in command.positional]
    words = command.doc.splitlines()[0]
    if docs:
        words += " First " + "; ".join(docs) + "."
    if pairs:
        words += f" Then name, value pairs of: {', '.join(pairs)}."
    return {
        "ACCESS": WRITE_ONLY,
        "DESCRIPTION": words,
        "TYPE": "".join(kind.osc[0] for kind in kinds),
        "RANGE": [range_of(kind) for kind in kinds],
    }


def range_of(kind: Kind) -> dict[str, Any]:
    """OSCQuery's RANGE of one argument: MIN and MAX, or VALS, where the kind has them."""
    schema = kind.schema()
    found: dict[str, Any] = {}
    if "minimum" in schema:
        found |= {"MIN": schema["minimum"], "MAX": schema["maximum"]}
    if "enum" in schema:
        found["VALS"] = schema["enum"]
    return found


def node_at(path: str) -> dict[str, Any] | None:
    """The part of the tree at an OSC address; None where there is nothing."""
    node = tree()
    for part in path.strip("/").split("/"):
        if part:
            if part not in node.get("CONTENTS", {}):
                return None
            node = node["CONTENTS"][part]
    return node
