"""The panel's modules that know no page, run by Node: a program for them is an ES module that prints JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from bridge_server.bundled import PANEL

NODE = shutil.which("node") or shutil.which("nodejs")


def run_modules(folder: Path, program: str, *given: Any, modules: Path = PANEL / "playback") -> Any:
    """What the program's function `run(...given)` returns. Its modules are imported as `./loop_clock.js`."""
    assert NODE is not None, "the test is skipped without Node"
    shutil.copytree(modules, folder, dirs_exist_ok=True)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "program.mjs").write_text(
        f"{program}\nimport {{ readFileSync }} from 'node:fs';\n"
        "const given = JSON.parse(readFileSync('given.json', 'utf-8'));\n"
        "console.log(JSON.stringify(await run(...given) ?? null));\n"
    )
    (folder / "given.json").write_text(json.dumps(given))
    done = subprocess.run([NODE, "program.mjs"], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
