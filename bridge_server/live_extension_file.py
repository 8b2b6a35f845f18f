"""The file that Ableton Live installs an extension from, an .ablx: a ZIP of a manifest and one CommonJS file.

The modules of examples/live_extension/src become that file; nothing is fetched. The same sources give the same bytes.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

from bridge_server.bundled import licence_text
from bridge_server.version import VERSION

ENTRY = "extension.js"
FILE_NAME = "Takebridge.ablx"
MADE_AT = (2026, 1, 1, 0, 0, 0)  # of every file in it: the same sources give the same bytes

MODULE = """  "./{name}": (module, require) => {{
{source}
  }},
"""
BUNDLE = """"use strict";
// Takebridge in Ableton Live, {version}. Made of examples/live_extension/src; change that, not this.
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


def extension_file(folder: Path) -> dict[str, bytes]:
    """The .ablx file by its name. folder: of the extension, with its modules in src."""
    version = VERSION if "." in VERSION else "0.0.0"  # Live reads three numbers
    files = {
        "manifest.json": json.dumps(manifest(version), indent=2) + "\n",
        ENTRY: bundle(sources_in(folder / "src"), version),
        "LICENSE": licence_text(),
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(
                zipfile.ZipInfo(name, MADE_AT), text, compress_type=zipfile.ZIP_DEFLATED, compresslevel=9
            )
    return {FILE_NAME: written.getvalue()}


def manifest(version: str) -> dict[str, str]:
    """What Live reads about the extension."""
    return {
        "name": "Takebridge",
        "author": "The Takebridge developers",
        "entry": ENTRY,
        "version": version,
        "minimumApiVersion": "1.0.0",
    }


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
