"""Builds the extension: `python examples/live_extension/build.py` writes Takebridge-VERSION.ablx.

An .ablx is a ZIP file of a manifest and one CommonJS file. The modules of src/ become that file; nothing is fetched and
nothing but Python is needed. The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import re
import tomllib
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
ENTRY = "extension.js"
MADE_AT = (2026, 1, 1, 0, 0, 0)  # of every file in it: the same sources give the same bytes

MODULE = """  "./{name}": (module, require) => {{
{source}
  }},
"""
BUNDLE = """"use strict";
// Takebridge in Ableton Live, {version}. Built from examples/live_extension/src; change that, not this.
const modules = {{
{modules}}};
const loaded = {{}};
function load(name) {{
  if (!(name in modules)) return require(name);
  if (!(name in loaded)) {{
    const module = {{ exports: {{}} }};
    loaded[name] = module;
    modules[name](module, load);
  }}
  return loaded[name].exports;
}}
module.exports = load("./{entry}");
"""


def manifest(version: str) -> dict[str, str]:
    """What Live reads about the extension."""
    return {
        "name": "Takebridge",
        "author": "The Takebridge developers",
        "entry": ENTRY,
        "version": version,
        "minimumApiVersion": "1.0.0",
    }


def version_here() -> str:
    """The project's version."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def bundle(sources: dict[str, str], version: str) -> str:
    """One CommonJS file of modules that require each other as "./name.js". Raises ValueError for a missing one."""
    for name, source in sources.items():
        for wanted in re.findall(r'require\("\./([^"]+)"\)', source):
            if wanted not in sources:
                raise ValueError(f"{name} requires {wanted}, which is not there")
    modules = "".join(
        MODULE.format(name=name, source=source.rstrip()) for name, source in sorted(sources.items())
    )
    return BUNDLE.format(version=version, modules=modules, entry=ENTRY)


def sources_in(folder: Path) -> dict[str, str]:
    """The modules of a folder, by name."""
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.js")}


def build(target: Path, version: str, folder: Path = HERE / "src") -> Path:
    """Writes the .ablx file; returns its path."""
    files = {
        "manifest.json": json.dumps(manifest(version), indent=2) + "\n",
        ENTRY: bundle(sources_in(folder), version),
        "LICENSE": (PROJECT / "LICENSE").read_text(encoding="utf-8"),
    }
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(
                zipfile.ZipInfo(name, MADE_AT), text, compress_type=zipfile.ZIP_DEFLATED, compresslevel=9
            )
    return target


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the extension for Ableton Live.")
    parser.add_argument(
        "--out", type=Path, help="the file to write; by default Takebridge-VERSION.ablx, here"
    )
    given = parser.parse_args(arguments)
    version = version_here()
    path = build(given.out or Path(f"Takebridge-{version}.ablx"), version)
    print(f"{path} is ready. In Live: Settings > Extensions, and drag the file there.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
